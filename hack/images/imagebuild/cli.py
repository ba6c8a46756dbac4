"""`hack/images/build`: makes the machine image and the product images, and pushes the latter.

Says what it makes, what that took and what it reused. With `--push` a JSON file maps every
product to the reference, digest included, that machines pull.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from imagebuild import base, build, engine, progress, recipes, registry, system
from imagebuild.products import PRODUCTS, Request

FOLDER: Final = Path(__file__).resolve().parent.parent
ROOT: Final = FOLDER.parent.parent
_NAMES: Final = ("machine", *(product.name for product in PRODUCTS))
_EXPECTED = (
    build.DashboardMissing,
    engine.EngineMissing,
    progress.CommandFailed,
    registry.PushFailed,
    system.ToolMissing,
)


def main(words: Sequence[str]) -> int:
    """Run the command line `words`; returns the exit code."""
    options = parser().parse_args(words)
    started = time.monotonic()
    try:
        _run(options)
    except _EXPECTED as error:
        progress.say(f"hack/images/build: {error}")
        return 1
    progress.say(f"images: {time.monotonic() - started:.1f} s")
    return 0


def _run(options: argparse.Namespace) -> None:
    wanted = options.only or _NAMES
    if "machine" in wanted:
        system.provide(recipes.machine(FOLDER), fresh=options.fresh)
    chosen = [product for product in PRODUCTS if product.name in wanted]
    if not chosen:
        return
    built = build.products(chosen, _request(options))
    if options.push:
        _write(options.output, build.push(built, target=options.push, name=options.name))


def _request(options: argparse.Namespace) -> Request:
    name = base.provide(recipes.base(FOLDER), source=options.base, fresh=options.fresh)
    found = engine.image(name) or {}
    return Request(
        root=ROOT, base=name, base_id=found["Id"], dashboard=not options.without_dashboard
    )


def _write(path: Path, references: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(references, indent=2, sort_keys=True) + "\n")
    progress.say(f"  references: {path}")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="hack/images/build", description=__doc__)
    add = result.add_argument
    add("--only", action="append", choices=_NAMES, help="make only this image (repeatable)")
    add("--push", metavar="REGISTRY", help="push the product images, such as 127.0.0.1:5000")
    add(
        "--name",
        metavar="REGISTRY",
        help="the registry's name in the references, where machines call it otherwise",
    )
    add(
        "--output",
        type=Path,
        default=ROOT / ".run/images.json",
        help="where the references are written",
    )
    add("--base", choices=("auto", "local", "public"), default="auto", help="Debian layer to use")
    add("--without-dashboard", action="store_true", help="leave the dashboard's files out")
    add("--fresh", action="store_true", help="make the Debian layers anew, for Debian's updates")
    return result
