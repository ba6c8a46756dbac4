"""Root disks and snapshots: files of one pool, an ext4 file system in each, cloned in an instant.

A machine's disk has the size its server type sells: `df` in the machine shows it, and what does not
fit meets ENOSPC there and nowhere else. The pool is a btrfs file system in a sparse file, so that a
clone of a disk shares every block with its source and costs the same for 10 MB as for 10 GB. Where
the host has no btrfs the pool is a plain folder and a clone is a sparse copy, unless the folder's
own file system can share blocks.

Nobody needs these disks after a power cut, so none waits for the host's disk.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.machines.container.host import CommandError, run, succeeds
from localcloud.machines.port import MachineError

STOCK_GIB = 10
"""Size of the disk that a stock image is unpacked to; machines grow theirs from it."""

_ROOT, _DISK = "root", "disk"
_FOLDERS = ("images", "servers", "gone")
_RESERVE = 2 << 30
_GIB = 1 << 30
_SECTOR = 512
_RELEASE_TRIES, _RELEASE_PAUSE_SECONDS = 600, 0.1
_MENDED = 1  # what e2fsck ends with when it put something right


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What a disk has done since it was mounted."""

    reads: int = 0
    writes: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class Disks:
    """The disks and images of one instance, by name."""

    def __init__(self, directory: Path, *, plain: bool = False) -> None:
        """Disks below `directory`; `plain` asks for a folder even where btrfs is to be had."""
        self._plain = plain
        self._file = directory / "pool.img"
        self._pool = directory / "pool"

    async def open(self) -> None:
        """Mount the pool, made at first use; repeatable.

        Raises:
            MachineError: the pool was written by a version that kept disks as folders.
        """
        self._pool.mkdir(parents=True, exist_ok=True, mode=0o700)
        btrfs = not self._plain and await _can_btrfs()
        if btrfs:
            await self._mount_pool()
        for name in _FOLDERS:
            (self._pool / name).mkdir(exist_ok=True)
            if btrfs:  # disks write in place: two checksums for one byte would be one too many
                await run(["chattr", "+C", str(self._pool / name)])
        self._refuse_folders()
        for leftover in (self._pool / "gone").iterdir():
            await _bury(leftover)
        for server_id in self.servers():
            await succeeds(["fsfreeze", "--unfreeze", str(self.root(server_id))])

    async def close(self) -> None:
        """Unmount and forget the pool."""
        for place in [*self._pool.glob(f"*/*/{_ROOT}"), self._pool]:
            await _unmount(place)
        self._file.unlink(missing_ok=True)
        shutil.rmtree(self._pool, ignore_errors=True)

    def root(self, server_id: int) -> Path:
        """The folder that is the machine's `/` while its disk is mounted."""
        return self._server(server_id) / _ROOT

    def has_image(self, image: str) -> bool:
        """Whether `image` is in the pool."""
        return self.image_disk(image).is_file()

    def has_disk(self, server_id: int) -> bool:
        """Whether the machine's disk is in the pool."""
        return (self._server(server_id) / _DISK).is_file()

    def images(self) -> list[str]:
        """All images, by name."""
        return sorted(path.name for path in (self._pool / "images").iterdir())

    def servers(self) -> list[int]:
        """All servers that have a disk."""
        return sorted(int(path.name) for path in (self._pool / "servers").iterdir())

    async def begin_image(self, image: str) -> Path:
        """An empty root folder for `image`, invisible until `finish_image`."""
        draft = await self._draft(image)
        with (draft / _DISK).open("wb") as file:
            file.truncate(STOCK_GIB * _GIB)
        lazily = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
        await run(["mkfs.ext4", "-q", "-F", "-E", lazily, str(draft / _DISK)])
        await _mount_disk(draft)
        return draft / _ROOT

    async def finish_image(self, image: str) -> None:
        """Publish what `begin_image` gave."""
        draft = self._pool / "gone" / image
        await _write_out(draft / _ROOT)
        await _unmount(draft / _ROOT)
        draft.rename(self._image(image))

    async def copy_image(self, image: str, disk: Path) -> None:
        """Make `image` of a disk file from outside the pool."""
        draft = await self._draft(image)
        await clone(disk, draft / _DISK)
        draft.rename(self._image(image))

    def image_disk(self, image: str) -> Path:
        """The disk file of an image; whoever reads it finds it at rest."""
        return self._image(image) / _DISK

    async def provide(self, server_id: int, image: str, size_gib: int) -> None:
        """Give the machine a fresh disk from `image`, mounted; an older disk is dropped.

        Raises:
            MachineError: there is no such image.
        """
        if not self.has_image(image):
            raise MachineError(f"image {image} does not exist; choose another image")
        draft = await self._draft(f"server-{server_id}")
        await clone(self.image_disk(image), draft / _DISK)
        await _grow(draft / _DISK, size_gib)
        await self.drop(server_id)
        draft.rename(self._server(server_id))
        await self.mount(server_id)

    async def mount(self, server_id: int) -> None:
        """Make the machine's disk appear under `root`; repeatable."""
        if not await _is_mounted(self.root(server_id)):
            await _mount_disk(self._server(server_id))

    async def grow(self, server_id: int, size_gib: int) -> None:
        """Give the disk of a machine that is off another size; it never shrinks."""
        disk = self._server(server_id) / _DISK
        if _is_smaller(disk, size_gib):
            await _unmount(self.root(server_id))
            await _released(disk)
            await _grow(disk, size_gib)
        await self.mount(server_id)

    async def drop(self, server_id: int) -> None:
        """Delete the machine's disk; absent is fine."""
        await self._discard(self._server(server_id))

    async def snapshot(self, server_id: int, image: str) -> float:
        """Make `image` of the machine's disk, running or not; returns what is used of it in GB."""
        await self._discard(self._image(image))
        await self.mount(server_id)
        root, draft = self.root(server_id), await self._draft(image)
        await succeeds(["fstrim", str(root)])  # what was deleted is in no snapshot
        async with _frozen(root):
            await clone(self._server(server_id) / _DISK, draft / _DISK)
        draft.rename(self._image(image))
        room = os.statvfs(root)
        return round((room.f_blocks - room.f_bfree) * room.f_frsize / 1e9, 3)

    async def drop_image(self, image: str) -> None:
        """Delete an image; absent is fine."""
        await self._discard(self._image(image))

    def counters(self, server_id: int) -> Counters:
        """What the machine's disk has done; nothing while it is not mounted."""
        device = _device_at(self.root(server_id))
        if device is None:
            return Counters()
        text = Path(f"/sys/block/{device.name}/stat").read_text()
        reads, _, sectors_read, _, writes, _, sectors_written = map(int, text.split()[:7])
        return Counters(
            reads=reads,
            writes=writes,
            bytes_read=sectors_read * _SECTOR,
            bytes_written=sectors_written * _SECTOR,
        )

    async def _draft(self, name: str) -> Path:
        """An empty folder that the next start would sweep."""
        draft = self._pool / "gone" / name
        await _bury(draft)
        (draft / _ROOT).mkdir(parents=True)
        return draft

    async def _discard(self, path: Path) -> None:
        grave = self._pool / "gone" / f"{path.parent.name}-{path.name}"
        await _bury(grave)
        if _move(path, grave):
            await _bury(grave)

    async def _mount_pool(self) -> None:
        if await _is_mounted(self._pool):
            return
        if not self._file.exists():
            await self._format()
        options = "loop,noatime,nobarrier,discard=async"
        await run(["mount", "-o", options, str(self._file), str(self._pool)])

    async def _format(self) -> None:
        draft = self._file.with_suffix(".new")
        free = shutil.disk_usage(self._file.parent).free
        with draft.open("wb") as pool:
            pool.truncate(max(free - _RESERVE, _RESERVE))
        await run(["mkfs.btrfs", "-q", "-f", "-m", "single", str(draft)])
        draft.rename(self._file)

    def _refuse_folders(self) -> None:
        for server_id in self.servers():
            if not self.has_disk(server_id):
                raise MachineError(
                    f"{self._pool} was made by an earlier version, which kept disks as folders; "
                    "remove that instance with `localcloud down --purge` and start it again"
                )

    def _image(self, image: str) -> Path:
        return self._pool / "images" / image

    def _server(self, server_id: int) -> Path:
        return self._pool / "servers" / str(server_id)


async def clone(source: Path, target: Path) -> None:
    """Copy a disk; blocks are shared where the file system can, holes stay holes."""
    argv = ["cp", "--reflink=auto", "--sparse=always", str(source), str(target)]
    await run(argv, seconds=1800)


async def _grow(disk: Path, size_gib: int) -> None:
    """Give an unmounted disk that size; a bigger one stays as it is.

    Growing while mounted would need CAP_SYS_RESOURCE, which not every host has to give.
    """
    if not _is_smaller(disk, size_gib):
        return
    os.truncate(disk, size_gib * _GIB)
    try:
        await run(["e2fsck", "-f", "-p", str(disk)], seconds=600)
    except CommandError as error:
        if error.status != _MENDED:
            raise
    await run(["resize2fs", str(disk)], seconds=600)


async def _mount_disk(folder: Path) -> None:
    options = "loop,noinit_itable,nobarrier"
    await run(["mount", "-t", "ext4", "-o", options, str(folder / _DISK), str(folder / _ROOT)])


async def _unmount(place: Path) -> None:
    """Take a mount away; what is still in use goes when its last user does."""
    while await _is_mounted(place):
        if not await succeeds(["umount", str(place)]):
            await run(["umount", "--lazy", str(place)])


async def _write_out(root: Path) -> None:
    """Have all of a file system in its disk.

    Taking the mount away does that only for its last user, and a program that just starts with
    mounts of its own, as every container does, holds it for a moment longer.
    """
    await run(["sync", "--file-system", str(root)], seconds=600)


async def _released(disk: Path) -> None:
    """Wait until nobody has the disk mounted, in whatever mounts of their own.

    Raises:
        MachineError: somebody keeps it.
    """
    for _ in range(_RELEASE_TRIES):
        if not await run(["losetup", "--noheadings", "--associated", str(disk)]):
            return
        await asyncio.sleep(_RELEASE_PAUSE_SECONDS)
    raise MachineError(f"{disk} is still mounted somewhere: losetup --associated {disk}")


async def _is_mounted(place: Path) -> bool:
    return await succeeds(["mountpoint", "-q", str(place)])


async def _bury(folder: Path) -> None:
    """Unmount and remove a folder; absent is fine."""
    await _unmount(folder / _ROOT)
    await run(["rm", "--recursive", "--force", str(folder)], seconds=600)


@asynccontextmanager
async def _frozen(root: Path) -> AsyncIterator[None]:
    """Nothing is written to the file system inside the block; what was written is on the disk."""
    await run(["fsfreeze", "--freeze", str(root)])
    try:
        yield
    finally:
        await run(["fsfreeze", "--unfreeze", str(root)])


def _device_at(place: Path) -> Path | None:
    """The device that is mounted there."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, where, *_ = line.split(" ")
        if where == str(place):
            return Path(source)
    return None


async def _can_btrfs() -> bool:
    """Whether kernel and host have what a btrfs pool needs."""
    if not shutil.which("mkfs.btrfs"):
        return False
    return "btrfs" in _known_file_systems() or await succeeds(["modprobe", "btrfs"])


def _known_file_systems() -> list[str]:
    return Path("/proc/filesystems").read_text().split()


def _is_smaller(disk: Path, size_gib: int) -> bool:
    return disk.stat().st_size < size_gib * _GIB


def _move(source: Path, target: Path) -> bool:
    """Move a folder; says whether there was one."""
    if source.exists():
        source.rename(target)
        return True
    return False
