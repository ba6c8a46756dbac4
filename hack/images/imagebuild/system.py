"""Makes the system images: from the cache when the recipe is unchanged, else with mmdebstrap."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from imagebuild import engine, progress, recipes

_KEY_LABEL = "io.blueagency.recipe"


class ToolMissing(Exception):
    """A program this machine needs is absent and could not be installed."""


def provide(image: recipes.SystemImage, *, fresh: bool = False) -> str:
    """Make sure that `image` exists under its name; returns the keyed name."""
    keyed = image.keyed(recipes.image_key(image))
    if engine.image(keyed) and not fresh:
        progress.say(f"  {image.reference}: reused {keyed}")
    else:
        _make(image, keyed)
    engine.tag(keyed, image.reference)
    return keyed


def _make(image: recipes.SystemImage, keyed: str) -> None:
    require_mmdebstrap()
    with tempfile.TemporaryDirectory(prefix="blueagency-image-") as folder:
        archive = Path(folder) / "root.tar"
        mirrors = recipes.mirrors(os.environ)
        command = recipes.mmdebstrap(image, target=archive, mirrors=mirrors)
        progress.run(f"{image.reference} (mmdebstrap)", command)
        progress.run(f"{image.reference} (import)", _import_command(image, archive, keyed))


def _import_command(image: recipes.SystemImage, archive: Path, keyed: str) -> list[str]:
    label = f"LABEL {_KEY_LABEL}={keyed.rpartition('-')[2]}"
    changes = [f"--change={change}" for change in (*image.changes, label)]
    return [engine.client(), "import", *changes, str(archive), keyed]


def require_mmdebstrap() -> None:
    """Install mmdebstrap where it is absent and this user may."""
    if shutil.which("mmdebstrap"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolMissing("mmdebstrap is not installed: sudo apt-get install mmdebstrap")
    progress.say("  mmdebstrap makes the Debian images and is absent: installing it with apt-get")
    command = ["apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap"]
    progress.run("apt-get install mmdebstrap", command)
