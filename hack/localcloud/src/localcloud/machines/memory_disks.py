"""Volumes of simulated machines; they outlive the machines they were attached to."""

from __future__ import annotations

from localcloud.machines.port import MachineError
from localcloud.machines.simulated_host.filesystem import from_document
from localcloud.machines.simulated_host.host import Disk
from localcloud.rows import Rows

_KIND = "memory-disk"


class Disks:
    """Every volume by number, written through."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._disks: dict[int, Disk] = {}

    def load(self) -> None:
        """Read back what an earlier run wrote."""
        for key, document in self._rows.load(_KIND):
            files = from_document(document["files"])
            size, fs = document["size_gb"], document["fs"]
            self._disks[int(key)] = Disk(volume_id=int(key), size_gb=size, fs=fs, files=files)

    def get(self, volume_id: int) -> Disk:
        """A volume.

        Raises:
            MachineError: it does not exist.
        """
        disk = self._disks.get(volume_id)
        if disk is None:
            raise MachineError(f"there is no volume {volume_id}")
        return disk

    def create(self, volume_id: int, size_gb: int, fs: str) -> None:
        """Make a volume; one that exists stays as it is."""
        if volume_id not in self._disks:
            self._disks[volume_id] = Disk(volume_id=volume_id, size_gb=size_gb, fs=fs)
            self.save(volume_id)

    def save(self, volume_id: int) -> None:
        """Write a volume that exists."""
        disk = self._disks.get(volume_id)
        if disk is not None:
            document = {"size_gb": disk.size_gb, "fs": disk.fs, "files": disk.files.document()}
            self._rows.put(_KIND, str(volume_id), document)

    def delete(self, volume_id: int) -> None:
        """Remove a volume; absent is fine."""
        self._disks.pop(volume_id, None)
        self._rows.delete(_KIND, str(volume_id))

    def clear(self) -> None:
        """Remove every volume."""
        for volume_id in list(self._disks):
            self.delete(volume_id)
