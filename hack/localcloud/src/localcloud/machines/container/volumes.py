"""Volumes: sparse files behind loop devices.

A volume keeps its kernel name inside the machine (`/dev/loop7`), because tools that look a device
up in `/sys` must find what they see in `/dev`; the documented name is a link to it.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from localcloud.machines.container.boot import Device, automount_line, device_path
from localcloud.machines.container.host import run, succeeds

_GB = 1 << 30


def appear_script(device: Device) -> str:
    """Shell lines for inside a running machine: make the device's node and link."""
    return (
        f"mkdir -p /dev/disk/by-id; "
        f"[ -e /dev/{device.node} ] || "
        f"mknod -m 660 /dev/{device.node} b {device.major} {device.minor}; "
        f"ln -sfn ../../{device.node} {device_path(device.volume_id)}"
    )


def automount_script(volume_id: int, fs: str) -> str:
    """Shell lines for inside a running machine: what Hetzner's automount does there."""
    line = automount_line(volume_id, fs)
    device, folder = line.split()[:2]
    return (
        f"mkdir -p {folder}; grep -qs '^{device} ' /etc/fstab || echo '{line}' >>/etc/fstab; "
        f"mountpoint -q {folder} || mount -t {fs} {device} {folder}"
    )


def vanish_script(device: Device) -> str:
    """Shell lines for inside a running machine: the device is pulled out.

    Mounts of it are cut off; programs that hold files open keep them until they close them.
    """
    return (
        f"while read -r source folder rest; do case $source in "
        f'/dev/{device.node}|{device_path(device.volume_id)}) umount -l "$folder";; esac; '
        f"done </proc/mounts; "
        f"rm -f {device_path(device.volume_id)} /dev/{device.node}"
    )


class VolumeFiles:
    """The files and loop devices of one instance's volumes."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "volumes"
        self._lock = asyncio.Lock()

    def open(self) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def create(self, volume_id: int, size_gb: int, fs: str | None) -> None:
        """Make and format the file; a finished one is left as it is."""
        path = self._path(volume_id)
        if path.exists():
            return
        draft = path.with_suffix(".new")
        with draft.open("wb") as file:
            file.truncate(size_gb * _GB)
        if fs == "ext4":
            await run(["mkfs.ext4", "-q", "-F", "-E", "nodiscard", str(draft)])
        if fs == "xfs":
            await run(["mkfs.xfs", "-q", "-f", "-K", str(draft)])
        draft.rename(path)

    async def grow(self, volume_id: int, size_gb: int) -> None:
        """Grow the file, and the device where there is one."""
        path = self._path(volume_id)
        with path.open("r+b") as file:
            file.truncate(max(size_gb * _GB, path.stat().st_size))
        for name in await self._loops(path):
            await run(["losetup", "--set-capacity", name])

    async def delete(self, volume_id: int) -> None:
        """Let go of the device and remove the file; absent is fine."""
        await self.disconnect(volume_id)
        self._path(volume_id).unlink(missing_ok=True)

    async def connect(self, volume_id: int) -> Device:
        """The volume's loop device, made when there is none."""
        path = self._path(volume_id)
        async with self._lock:
            names = await self._loops(path)
            if not names:
                names = [(await run(["losetup", "--find", "--show", str(path)])).strip()]
        return _device(volume_id, Path(names[0]))

    async def disconnect(self, volume_id: int) -> None:
        """Let go of the loop device; it ends with its last user."""
        for name in await self._loops(self._path(volume_id)):
            await run(["losetup", "--detach", name])

    async def disconnect_all(self) -> None:
        """Let go of every loop device below the folder, also of deleted files."""
        for loop in await _all_loops():
            if loop["back-file"].startswith(f"{self._folder}/"):
                await succeeds(["losetup", "--detach", loop["name"]])

    async def _loops(self, path: Path) -> list[str]:
        return [loop["name"] for loop in await _all_loops() if loop["back-file"] == str(path)]

    def _path(self, volume_id: int) -> Path:
        return self._folder / f"{volume_id}.img"


def _device(volume_id: int, loop: Path) -> Device:
    number = loop.stat().st_rdev
    return Device(
        volume_id=volume_id, major=os.major(number), minor=os.minor(number), node=loop.name
    )


async def _all_loops() -> list[dict[str, str]]:
    listing = await run(["losetup", "--list", "--json", "--output", "NAME,BACK-FILE"])
    return list(json.loads(listing)["loopdevices"]) if listing.strip() else []
