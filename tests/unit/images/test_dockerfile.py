"""What the cache keys rest on: the ingredients of an image as the Dockerfile names them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from imagebuild import dockerfile
from imagebuild.products import PRODUCTS, Product

ROOT = Path(__file__).resolve().parents[3]
SMALL = """\
ARG FLAVOUR=plain
# COPY never never/
FROM scratch AS first
COPY --chmod=0755 a/one a/two /target/
FROM first AS taste-plain
COPY plain /
FROM first AS taste-rich
COPY rich/ /
FROM taste-${FLAVOUR} AS taste
FROM scratch AS unused
COPY unused /
FROM scratch AS last
COPY --from=taste \\
    /target /target
COPY code /code
"""


def test_ingredients_come_from_every_stage_that_leads_to_the_target() -> None:
    assert dockerfile.inputs(SMALL, "last", {}) == ["a/one", "a/two", "code", "plain"]


def test_a_build_argument_chooses_the_stage() -> None:
    assert dockerfile.inputs(SMALL, "taste", {"FLAVOUR": "rich"}) == ["a/one", "a/two", "rich"]


def test_an_unknown_target_has_no_ingredients() -> None:
    assert dockerfile.inputs(SMALL, "absent", {}) == []


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_the_builder_sees_every_ingredient(product: Product) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    shown = [line[1:] for line in ignored if line.startswith("!")]
    wanted = dockerfile.inputs((ROOT / "Dockerfile").read_text(), product.target, {})
    assert wanted
    hidden = [
        path for path in wanted if not any(path == s or path.startswith(f"{s}/") for s in shown)
    ]
    assert hidden == []


def test_no_member_of_the_workspace_is_forgotten() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    members = {f"{name}/pyproject.toml" for name in settings["tool"]["uv"]["workspace"]["members"]}
    copied = dockerfile.inputs((ROOT / "Dockerfile").read_text(), "workspace", {})
    assert members <= set(copied)
