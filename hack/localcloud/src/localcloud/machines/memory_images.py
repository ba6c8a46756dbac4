"""Root disks that simulated machines start from: stock images and snapshots."""

from __future__ import annotations

from typing import Any

from localcloud.machines.port import MachineError, MachineSpec
from localcloud.machines.simulated_host.filesystem import FileSystem, from_document
from localcloud.machines.simulated_host.host import Host
from localcloud.rows import Rows

STOCK = ("debian-12", "debian-13", "ubuntu-24.04")
STOCK_PACKAGES = frozenset({"ca-certificates", "openssh-server", "systemd-timesyncd"})
EMPTY_GB = 0.9
PACKAGES_GB = 0.6
IMAGE_GB = 0.15
_KIND = "memory-image"


class Images:
    """Snapshots by number, written through."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._snapshots: dict[int, dict[str, Any]] = {}

    def load(self) -> None:
        """Read back what an earlier run wrote."""
        for key, document in self._rows.load(_KIND):
            self._snapshots[int(key)] = document

    def keep(self, host: Host, image_id: int) -> float:
        """Copy a machine's root disk; returns its size in GB."""
        document = host.document()
        kept = {key: document[key] for key in ("files", "packages", "images", "units", "sysctls")}
        self._snapshots[image_id] = kept
        self._rows.put(_KIND, str(image_id), kept)
        more = PACKAGES_GB if host.packages > STOCK_PACKAGES else 0.0
        return EMPTY_GB + more + IMAGE_GB * len(host.images)

    def delete(self, image_id: int) -> None:
        """Forget a snapshot; absent is fine."""
        self._snapshots.pop(image_id, None)
        self._rows.delete(_KIND, str(image_id))

    def clear(self) -> None:
        """Forget every snapshot."""
        for image_id in list(self._snapshots):
            self.delete(image_id)

    def boot_disk(self, spec: MachineSpec) -> Host:
        """A machine with a fresh root disk made from the image of `spec`, powered off.

        Raises:
            MachineError: there is no such image.
        """
        disk = self._root_disk(spec.image)
        return Host(
            server_id=spec.server_id,
            hostname=spec.hostname,
            address=spec.ipv4,
            disk_gib=spec.disk_gib,
            user_data=spec.user_data,
            root_keys=list(spec.authorized_keys),
            **disk,
        )

    def _root_disk(self, image: str) -> dict[str, Any]:
        if image in STOCK:
            files = FileSystem()
            files.mkdir("/root", 0o700)
            return {"files": files, "packages": set(STOCK_PACKAGES)}
        number = image.removeprefix("image-")
        kept = self._snapshots.get(int(number)) if number.isdigit() else None
        if kept is None:
            raise MachineError(f"there is no image {image}")
        return {
            "files": from_document(kept["files"]),
            "packages": set(kept["packages"]),
            "images": set(kept["images"]),
            "units": dict(kept["units"]),
            "sysctls": dict(kept["sysctls"]),
        }
