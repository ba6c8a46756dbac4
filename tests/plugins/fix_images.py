"""Product images for tests: built once per run, reused when nothing has changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from imagebuild import base, build, engine, recipes, system
from imagebuild.products import PRODUCTS, Request

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "hack/images"

Docker = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def docker() -> Docker:
    """Run a Docker command; answers with its code and texts, and raises nothing."""
    try:
        client = engine.client()
    except engine.EngineMissing as error:
        pytest.skip(str(error))

    def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [client, *words], input=text, capture_output=True, text=True, check=False, timeout=100
        )

    return run


@pytest.fixture(scope="session")
def image_request(docker: Docker) -> Request:
    """What product images are built from: this checkout and the Debian layer of this machine."""
    name = base.provide(recipes.base(FOLDER), source="auto", fresh=False)
    found = engine.image(name)
    assert found
    return Request(root=ROOT, base=name, base_id=found["Id"])


@pytest.fixture(scope="session")
def product_images(image_request: Request) -> dict[str, str]:
    """Local names of the product images by product."""
    keys = build.products(PRODUCTS, image_request)
    return {product.name: f"{product.repository}:{key}" for product, key in keys.items()}


@pytest.fixture(scope="session")
def machine_image(docker: Docker) -> str:
    """Local name of the system image that servers are made from."""
    return system.provide(recipes.machine(FOLDER))


@pytest.fixture
def container_name(docker: Docker) -> Iterator[str]:
    """A name for one container; whatever runs under it is gone after the test."""
    name = f"blueagency-test-{uuid4().hex[:12]}"
    yield name
    docker("rm", "--force", "--volumes", name)
