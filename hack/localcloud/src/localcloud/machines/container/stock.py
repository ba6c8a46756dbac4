"""Unpacked stock images that the instances of one computer share: a disk file for each.

Unpacking costs seconds of a processor and gives the same disk every time. A file is named after
the Docker image it was made of, appears only when it is whole, and goes when no instance has asked
for it in a day, so that images that are no longer built do not pile up. Without a folder nothing is
kept.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from localcloud.machines.container.disks import STOCK_GIB, clone
from localcloud.machines.container.host import run

_KEPT_SECONDS = 24 * 3600.0


class Stock:
    """The disk files in one folder, by the id of the Docker image."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, image_id: str) -> Path | None:
        """The disk of an image, or None where it has to be unpacked."""
        if self._folder is None or not self._disk(self._folder, image_id).exists():
            return None
        disk = self._disk(self._folder, image_id)
        os.utime(disk)
        return disk

    async def keep(self, image_id: str, disk: Path) -> None:
        """Keep a copy of a disk that nobody writes to."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drop_forgotten(self._folder)
        target = self._disk(self._folder, image_id)
        draft = target.with_suffix(f".{os.getpid()}")
        try:
            await clone(disk, draft)
            await run(["sync", str(draft)])  # a power cut leaves it whole or leaves none
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)

    @staticmethod
    def _disk(folder: Path, image_id: str) -> Path:
        return folder / f"{image_id.removeprefix('sha256:')}-{STOCK_GIB}.disk"

    @staticmethod
    def _drop_forgotten(folder: Path) -> None:
        """Remove what was not asked for lately, drafts of a crash included."""
        for path in folder.iterdir():
            if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                path.unlink(missing_ok=True)
