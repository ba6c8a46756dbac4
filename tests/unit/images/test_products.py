"""Product images: cache keys, build commands and what a build borrows from its host."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from imagebuild import host, registry
from imagebuild.products import Product, Request, build_words, product_key

THING = Product("thing", "thing")


@pytest.fixture
def request_here(tmp_path: Path) -> Request:
    (tmp_path / "Dockerfile").write_text("FROM scratch AS thing\nCOPY code /code\n")
    (tmp_path / ".dockerignore").write_text("*\n!code\n")
    (tmp_path / "code/node_modules").mkdir(parents=True)
    (tmp_path / "code/a").write_text("a")
    return Request(root=tmp_path, base="base:one", base_id="sha256:1")


def test_the_key_follows_what_goes_in(request_here: Request) -> None:
    keys = [product_key(THING, request_here)]
    (request_here.root / "code/a").write_text("b")
    keys.append(product_key(THING, request_here))
    (request_here.root / "code/a").chmod(0o755)
    keys.append(product_key(THING, request_here))
    keys.append(product_key(THING, replace(request_here, base_id="sha256:2")))
    keys.append(product_key(THING, replace(request_here, dashboard=False)))
    assert len(set(keys)) == len(keys)


def test_the_key_ignores_what_stays_out(request_here: Request) -> None:
    before = product_key(THING, request_here)
    (request_here.root / "code/node_modules/x").write_text("x")
    (request_here.root / "elsewhere").write_text("x")
    assert product_key(THING, replace(request_here, base="base:two")) == before


def test_a_build_gets_secrets_as_mounts_and_never_as_arguments(request_here: Request) -> None:
    words = build_words(THING, request_here, tag="thing:1", secrets={"ca": Path("/trust.pem")})
    assert words == [
        "build",
        "--network=host",
        "--target=thing",
        "--tag=thing:1",
        "--build-arg=BASE=base:one",
        "--build-arg=DASHBOARD=built",
        "--secret=id=ca,src=/trust.pem",
        str(request_here.root),
    ]


def test_package_settings_survive_the_shell() -> None:
    value = "https://user:p'w$(id)@index.test/simple"
    script = host.exports({"PIP_INDEX_URL": value, "HOME": "/nowhere"})
    shown = subprocess.run(
        ["sh", "-c", f'{script}printf %s "$PIP_INDEX_URL"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == value
    assert shlex.split(script)[1].startswith("PIP_INDEX_URL=")


def test_trust_is_the_bundle_the_host_names(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    assert host.trust({"SSL_CERT_FILE": str(tmp_path / "gone"), "PIP_CERT": str(bundle)}) == bundle


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("127.0.0.1:5000", True),
        ("127.8.0.1:5000", True),
        ("[::1]:5000", True),
        ("localhost:5000", True),
        ("registry.example:5000", False),
        ("registry.example", False),
        ("192.0.2.1:5000", False),
        ("127.0.0.1.example:5000", False),
    ],
)
def test_only_loopback_goes_unchecked(name: str, expected: bool) -> None:
    assert registry.on_loopback(name) is expected


def test_the_digest_is_read_from_what_a_push_prints() -> None:
    digest = "sha256:" + "a" * 64
    lines = ["abc: Pushed", f"latest: digest: {digest} size: 739"]
    assert registry.pushed_digest(lines, "r/i:t") == digest


def test_a_push_that_prints_no_digest_fails_by_name() -> None:
    with pytest.raises(registry.PushFailed, match="r/i:t"):
        registry.pushed_digest(["denied"], "r/i:t")
