"""`hack/images/build`: says what it makes, what that took and what it reused."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from imagebuild import engine, progress, recipes, system

FOLDER = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> int:
    """Run the command line `words`; returns the exit code."""
    options = _parser().parse_args(words)
    started = time.monotonic()
    try:
        _build(options)
    except (engine.EngineMissing, system.ToolMissing, progress.CommandFailed) as error:
        progress.say(f"hack/images/build: {error}")
        return 1
    progress.say(f"images: {time.monotonic() - started:.1f} s")
    return 0


def _build(options: argparse.Namespace) -> None:
    wanted = options.only or ["base", "machine"]
    if "base" in wanted:
        system.provide(recipes.base(FOLDER), fresh=options.fresh)
    if "machine" in wanted:
        system.provide(recipes.machine(FOLDER), fresh=options.fresh)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hack/images/build", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=["base", "machine"], help="make only this image"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="make the images anew, for Debian's own updates"
    )
    return parser
