"""What every product image promises, whichever program it carries."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from imagebuild import engine
from imagebuild.host import trust
from imagebuild.products import PRODUCTS
from plugins.fix_images import Docker
from tenant_operator.bundle import layout

pytestmark = pytest.mark.container

NAMES = [product.name for product in PRODUCTS]
USERS = {
    "agent": layout.AGENT_UID,
    "operator": layout.AGENT_UID,
    "postgres": layout.POSTGRES_UID,
    "redis": layout.REDIS_UID,
    "traefik": layout.TRAEFIK_UID,
}
BUILD_TOOLS = "as cc clang cmake g++ gcc go javac ld make node npm pip pip3 rustc uv"
SECRET_MOUNTS = ("run/secrets/ca", "run/secrets/packages", "root/.npmrc")


@pytest.fixture(params=NAMES)
def image(request: pytest.FixtureRequest, product_images: dict[str, str]) -> str:
    return product_images[request.param]


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_as_the_user_whose_files_the_host_lays_out(
    name: str, product_images: dict[str, str]
) -> None:
    found = engine.image(product_images[name])
    assert found
    assert found["Config"]["User"] == f"{USERS[name]}:{USERS[name]}"


def test_nothing_in_it_raises_privileges(image: str, docker: Docker) -> None:
    found = as_root(docker, image, "find / -xdev -type f -perm /6000")
    assert found == ""


def test_it_holds_no_build_tools(image: str, docker: Docker) -> None:
    found = as_root(docker, image, f"for t in {BUILD_TOOLS}; do command -v $t || true; done")
    assert found == ""


def test_it_holds_no_package_lists_or_archives(image: str, docker: Docker) -> None:
    found = as_root(docker, image, "find /var/lib/apt/lists /var/cache/apt -type f -size +1k")
    assert found == ""


def test_nothing_is_writable_by_everybody(image: str, docker: Docker) -> None:
    command = "find / -xdev -type d -perm -0002 ! -perm -1000; find / -xdev -type f -perm -0002"
    assert as_root(docker, image, command) == ""


def test_all_share_the_debian_layers(product_images: dict[str, str]) -> None:
    layers = {name: rootfs(image) for name, image in product_images.items()}
    assert len({tuple(found[:2]) for found in layers.values()}) == 1
    assert layers["agent"][:3] == layers["operator"][:3]


def test_no_layer_holds_what_the_build_borrowed(
    product_images: dict[str, str], docker: Docker, tmp_path: Path
) -> None:
    """All images in one archive, because most of their layers are shared."""
    archive = tmp_path / "images.tar"
    assert docker("save", "--output", str(archive), *product_images.values()).returncode == 0
    needles = [line.encode() for line in foreign_certificates(docker, product_images["redis"])]
    seen = set()
    for name, content in files(archive):
        seen.add(name)
        assert name not in SECRET_MOUNTS or not content, name
        assert not any(needle in content for needle in needles), name
    assert {"etc/debian_version", "usr/bin/redis-check-rdb"} <= seen


def test_its_history_names_no_secret(image: str, docker: Docker) -> None:
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    environment = json.dumps((engine.image(image) or {})["Config"]["Env"])
    assert history
    for word in ("INDEX_URL", "UV_INDEX", "SSL_CERT_FILE", "PIP_CERT", "_authToken"):
        assert word not in history + environment


def as_root(docker: Docker, image: str, command: str) -> str:
    words = ("run", "--rm", "--network=none", "--user=0:0", "--entrypoint=sh", image, "-c")
    answer = docker(*words, command)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def rootfs(image: str) -> list[str]:
    found = engine.image(image)
    assert found
    return list(found["RootFS"]["Layers"])


def foreign_certificates(docker: Docker, image: str) -> set[str]:
    """A telling line of every certificate that this computer trusts and Debian does not."""
    ours = trust({})
    debian = as_root(docker, image, "cat /etc/ssl/certs/ca-certificates.crt")
    return telling_lines(ours.read_text() if ours else "") - telling_lines(debian)


def telling_lines(bundle: str) -> set[str]:
    blocks = (block.strip().splitlines() for block in bundle.split("-----END CERTIFICATE-----"))
    return {lines[-2] for lines in blocks if len(lines) > 3}


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of every layer in an archive that `docker save` wrote, each layer once."""
    with tarfile.open(archive) as images:
        manifest = images.extractfile("manifest.json")
        assert manifest is not None
        layers = {name for image in json.load(manifest) for name in image["Layers"]}
        for member in images:
            # Engines before 25 link a layer that images share; what it leads to comes by itself.
            layer = (
                images.extractfile(member) if member.name in layers and member.isfile() else None
            )
            if layer is not None:
                with tarfile.open(fileobj=layer) as content:
                    yield from read_all(content)


def read_all(content: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in content:
        body = content.extractfile(member) if member.isfile() else None
        if body is not None:
            yield member.name.removeprefix("./"), body.read()
