"""Root disks and snapshots: folders of one pool, cloned in an instant.

The pool is a btrfs file system in a sparse file: a clone shares every block with its source, costs
the same for 10 MB as for 10 GB, and carries hard links, extended attributes and whiteouts of a
nested `/var/lib/docker` unchanged, because nothing is copied. Where the host has no btrfs the pool
is a plain folder and a clone is a copy; everything works, more slowly.

A disk's root is a folder inside its subvolume, not the subvolume itself: systemd makes nested
subvolumes on the latter, and those would be missing from a snapshot.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

from localcloud.machines.container.host import run, succeeds
from localcloud.machines.port import MachineError

_ROOT = "root"
_RESERVE = 2 << 30


class Store(Protocol):
    """A kind of pool: makes, clones and deletes folders below one path."""

    async def make(self, path: Path) -> None:
        """Make an empty folder."""
        ...

    async def clone(self, source: Path, target: Path) -> None:
        """Make `target` equal to `source`."""
        ...

    async def delete(self, path: Path) -> None:
        """Remove a folder with all in it."""
        ...


class Subvolumes:
    """Folders that are btrfs subvolumes."""

    async def make(self, path: Path) -> None:
        """Make an empty subvolume."""
        await run(["btrfs", "subvolume", "create", str(path)])

    async def clone(self, source: Path, target: Path) -> None:
        """Snapshot `source`, what is in the page cache included."""
        await run(["btrfs", "subvolume", "snapshot", str(source), str(target)])

    async def delete(self, path: Path) -> None:
        """Delete the subvolume; its blocks are freed later."""
        await run(["btrfs", "subvolume", "delete", str(path)])


class Folders:
    """Plain folders, copied file by file."""

    async def make(self, path: Path) -> None:
        """Make an empty folder."""
        await asyncio.to_thread(path.mkdir)

    async def clone(self, source: Path, target: Path) -> None:
        """Copy with ownership, hard links, extended attributes and device nodes."""
        copy = ["cp", "--archive", "--reflink=auto", "--no-target-directory"]
        await run([*copy, str(source), str(target)], seconds=1800)

    async def delete(self, path: Path) -> None:
        """Remove file by file."""
        await run(["rm", "--recursive", "--force", "--one-file-system", str(path)], seconds=600)


class Disks:
    """The disks and images of one instance, by name."""

    def __init__(self, directory: Path, *, plain: bool = False) -> None:
        """Disks below `directory`; `plain` asks for folders even where btrfs is to be had."""
        self._plain = plain
        self._file = directory / "pool.img"
        self._pool = directory / "pool"
        self._store: Store = Folders()

    async def open(self) -> None:
        """Mount the pool, made at first use; repeatable."""
        self._pool.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._plain and await _can_btrfs():
            await self._mount()
            self._store = Subvolumes()
        for folder in ("images", "servers", "gone"):
            (self._pool / folder).mkdir(exist_ok=True)
        for leftover in (self._pool / "gone").iterdir():
            await self._store.delete(leftover)

    async def close(self) -> None:
        """Unmount and forget the pool."""
        while await succeeds(["mountpoint", "-q", str(self._pool)]):
            if not await succeeds(["umount", str(self._pool)]):
                await run(["umount", "--lazy", str(self._pool)])
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self._pool, ignore_errors=True)

    def root(self, server_id: int) -> Path:
        """The folder that is the machine's `/`."""
        return self._server(server_id) / _ROOT

    def has_image(self, image: str) -> bool:
        """Whether `image` is in the pool."""
        return (self._image(image) / _ROOT).is_dir()

    def has_disk(self, server_id: int) -> bool:
        """Whether the machine has a disk."""
        return self.root(server_id).is_dir()

    def images(self) -> list[str]:
        """Names of all images in the pool."""
        return sorted(path.name for path in (self._pool / "images").iterdir())

    def servers(self) -> list[int]:
        """Ids of all machines that have a disk."""
        return sorted(int(path.name) for path in (self._pool / "servers").iterdir())

    async def begin_image(self, image: str) -> Path:
        """An empty root folder for `image`, invisible until `finish_image`."""
        draft = self._pool / "gone" / image
        if draft.exists():
            await self._store.delete(draft)
        await self._store.make(draft)
        (draft / _ROOT).mkdir()
        return draft / _ROOT

    def finish_image(self, image: str) -> None:
        """Publish what `begin_image` gave."""
        (self._pool / "gone" / image).rename(self._image(image))

    async def provide(self, server_id: int, image: str) -> None:
        """Give the machine a fresh disk from `image`; an older disk is dropped."""
        if not self.has_image(image):
            raise MachineError(f"image {image} does not exist; choose another image")
        await self.drop(server_id)
        await self._store.clone(self._image(image), self._server(server_id))

    async def drop(self, server_id: int) -> None:
        """Delete the machine's disk; absent is fine."""
        await self._discard(self._server(server_id))

    async def snapshot(self, server_id: int, image: str) -> float:
        """Make `image` of the machine's disk; returns its size in GB."""
        await self._discard(self._image(image))
        await self._store.clone(self._server(server_id), self._image(image))
        size = await run(["du", "-s", "--block-size=1", str(self._image(image))], seconds=600)
        return round(int(size.split()[0]) / 1e9, 3)

    async def drop_image(self, image: str) -> None:
        """Delete an image; absent is fine."""
        await self._discard(self._image(image))

    async def _discard(self, path: Path) -> None:
        grave = self._pool / "gone" / f"{path.parent.name}-{path.name}"
        if _is_there(grave):
            await self._store.delete(grave)
        if _is_there(path):
            _move(path, grave)
            await self._store.delete(grave)

    async def _mount(self) -> None:
        if await succeeds(["mountpoint", "-q", str(self._pool)]):
            return
        if not self._file.exists():
            await self._format()
        options = "loop,noatime,discard=async"
        await run(["mount", "-o", options, str(self._file), str(self._pool)])

    async def _format(self) -> None:
        draft = self._file.with_suffix(".new")
        free = shutil.disk_usage(self._file.parent).free
        with draft.open("wb") as pool:
            pool.truncate(max(free - _RESERVE, _RESERVE))
        await run(["mkfs.btrfs", "-q", "-f", "-m", "single", str(draft)])
        draft.rename(self._file)

    def _image(self, image: str) -> Path:
        return self._pool / "images" / image

    def _server(self, server_id: int) -> Path:
        return self._pool / "servers" / str(server_id)


async def _can_btrfs() -> bool:
    """Whether kernel and host have what a btrfs pool needs."""
    if not shutil.which("mkfs.btrfs") or not shutil.which("btrfs"):
        return False
    return "btrfs" in _known_file_systems() or await succeeds(["modprobe", "btrfs"])


def _known_file_systems() -> list[str]:
    return Path("/proc/filesystems").read_text().split()


def _is_there(path: Path) -> bool:
    return path.exists()


def _move(source: Path, target: Path) -> None:
    source.rename(target)
