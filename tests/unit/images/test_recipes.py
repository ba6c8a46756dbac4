"""System images: the command that makes them and the key that names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from imagebuild import recipes

FOLDER = Path(__file__).resolve().parents[3] / "hack/images"
MIRRORS = ("http://mirror.test/debian", "http://mirror.test/security")


def test_the_machine_holds_what_a_cloud_server_needs() -> None:
    packages = set(recipes.machine(FOLDER).packages)
    assert {"cloud-init", "openssh-server", "systemd-sysv", "nftables", "python3"} <= packages


@pytest.mark.parametrize("package", ["docker.io", "containerd", "fail2ban", "ifupdown"])
def test_the_machine_holds_nothing_that_the_product_installs(package: str) -> None:
    assert package not in recipes.machine(FOLDER).packages


def test_packages_come_from_the_mirror_asked_for() -> None:
    words = recipes.mmdebstrap(recipes.base(FOLDER), target=Path("/x.tar"), mirrors=MIRRORS)
    assert words[-4:] == [
        "/x.tar",
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie-updates main",
        "deb http://mirror.test/security trixie-security main",
    ]


def test_the_mirror_is_a_setting() -> None:
    named = {"BLUEAGENCY_DEBIAN_MIRROR": MIRRORS[0]}
    assert recipes.mirrors(named) == (MIRRORS[0], recipes.SECURITY_MIRROR)
    assert recipes.mirrors({}) == (recipes.MIRROR, recipes.SECURITY_MIRROR)


def test_the_key_does_not_depend_on_where_the_checkout_lies(tmp_path: Path) -> None:
    image = overlaid(tmp_path / "here")
    assert recipes.image_key(image) == recipes.image_key(overlaid(tmp_path / "there"))


def test_the_key_follows_the_recipe(tmp_path: Path) -> None:
    image = overlaid(tmp_path)
    changed = [
        replace(image, packages=("curl",)),
        replace(image, changes=("ENV a=b",)),
        overlaid(tmp_path / "other", text="different"),
    ]
    keys = {recipes.image_key(variant) for variant in (image, *changed)}
    assert len(keys) == 1 + len(changed)


def overlaid(folder: Path, text: str = "content") -> recipes.SystemImage:
    (folder / "etc").mkdir(parents=True)
    (folder / "etc/file").write_text(text)
    return recipes.SystemImage(
        repository="test", tag="one", packages=("wget",), overlay=(folder,), changes=()
    )
