"""A secret handed to a build ends in no layer, proved with one that is nowhere else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from imagebuild import engine
from imagebuild.products import Product, Request, build_words
from plugins.fix_images import Docker

pytestmark = pytest.mark.container

RECIPE = """\
ARG BASE
FROM ${BASE} AS builder
COPY with-host show /
RUN --mount=type=secret,id=ca --mount=type=secret,id=packages /with-host /show >/seen
FROM ${BASE} AS result
COPY --from=builder /seen /seen
"""
SHOW = """\
#!/bin/sh
[ -s "$SSL_CERT_FILE" ] && [ -s "$NODE_EXTRA_CA_CERTS" ] && [ -n "$PIP_INDEX_URL" ] && echo given
"""


@pytest.fixture
def canary() -> str:
    return f"canary{uuid4().hex}"


@pytest.fixture
def built(image_request: Request, tmp_path: Path, canary: str, docker: Docker) -> Iterator[str]:
    secrets = {name: tmp_path / f"{name}.secret" for name in ("ca", "packages")}
    secrets["ca"].write_text(canary)
    secrets["packages"].write_text(f"export PIP_INDEX_URL={canary}\n")
    context = checkout(image_request.root, tmp_path / "context")
    tag = f"blueagency-test/{uuid4().hex}:1"
    request = replace(image_request, root=context)
    words = build_words(Product("probe", "result"), request, tag=tag, secrets=secrets)
    environment = engine.environment()
    subprocess.run([engine.client(), *words], check=True, env=environment, capture_output=True)
    yield tag
    docker("image", "rm", tag)


def checkout(root: Path, context: Path) -> Path:
    context.mkdir()
    (context / "Dockerfile").write_text(RECIPE)
    (context / "show").write_text(SHOW)
    (context / "with-host").write_text((root / "hack/images/packages/with-host").read_text())
    for name in ("show", "with-host"):
        (context / name).chmod(0o755)
    return context


def test_a_step_sees_the_secrets_and_the_image_does_not(
    built: str, canary: str, docker: Docker, tmp_path: Path
) -> None:
    seen = docker("run", "--rm", "--network=none", built, "cat", "/seen")
    archive = tmp_path / "image.tar"
    docker("save", "--output", str(archive), built)
    assert seen.stdout.strip() == "given"
    assert canary.encode() not in archive.read_bytes()
