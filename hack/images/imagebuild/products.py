"""The product images: their names, cache keys and build commands. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imagebuild import dockerfile, recipes

_SKIPPED: Final = frozenset({"node_modules", "__pycache__", "dist"})


@dataclass(frozen=True)
class Product:
    """An image by the name its users know and the Dockerfile's name for it."""

    name: str
    target: str

    @property
    def repository(self) -> str:
        """The image's name without registry and tag."""
        return f"blueagency/{self.name}"


PRODUCTS: Final = (
    Product("postgres", "postgres"),
    Product("redis", "redis"),
    Product("traefik", "traefik"),
    Product("agent", "tenant"),
    Product("operator", "operator"),
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a build depends on besides the files: the base layer and the build arguments."""

    root: Path
    base: str
    base_id: str
    dashboard: bool = True

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments by name."""
        return {"BASE": self.base, "DASHBOARD": "built" if self.dashboard else "none"}


def product_key(product: Product, request: Request) -> str:
    """Twelve hex digits that change when anything that goes into the image does."""
    text = (request.root / "Dockerfile").read_text()
    ignored = (request.root / ".dockerignore").read_text()
    paths = dockerfile.inputs(text, product.target, request.arguments)
    arguments = {**request.arguments, "BASE": request.base_id}
    return recipes.digest([text, ignored, str(arguments), *file_lines(request.root, paths)])


def file_lines(root: Path, paths: Iterable[str]) -> list[str]:
    """One line per file below `paths`: its place, whether it is executable, its digest."""
    return [
        f"{path.relative_to(root)} {path.stat().st_mode & 0o111:o} "
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for name in paths
        for path in _files(root / name)
        if not _SKIPPED & set(path.relative_to(root).parts)
    ]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())


def build_words(
    product: Product, request: Request, *, tag: str, secrets: Mapping[str, Path]
) -> list[str]:
    """Words after `docker` that build `product` as `tag`.

    The host's network is used, because a resolver on loopback, as many desks have, cannot be
    reached from a bridge.
    """
    arguments = [f"--build-arg={name}={value}" for name, value in request.arguments.items()]
    mounted = [f"--secret=id={name},src={path}" for name, path in secrets.items()]
    where = ["--network=host", f"--target={product.target}", f"--tag={tag}"]
    return ["build", *where, *arguments, *mounted, str(request.root)]
