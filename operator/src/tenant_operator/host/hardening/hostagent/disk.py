"""The data volume at `/srv/tenant`: formatted only when it is provably empty, grown when it can.

A unit of our own mounts it (item `data-disk` of the list): a mount unit would need a device unit,
which only udev makes. Docker starts after it, so no container ever writes to the root disk in its
place. Which volume it is, a file says.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from . import files
from .failures import JobError
from .places import Places
from .process import must, run
from .records import Progress

WAIT_SECONDS = 30.0
GLANCE_SECONDS = 0.05
WHICH = "/etc/tenant/data-volume"
MOUNTED = "/srv/tenant"


def device_of(volume_id: str) -> str:
    """The stable name of a volume; the number is the cloud's."""
    return f"/dev/disk/by-id/scsi-0HC_Volume_{volume_id}"


def mount_volume(places: Places, argv: Sequence[str], progress: Progress) -> str:
    """Make volume `argv[0]` the file system at `/srv/tenant`."""
    device = device_of(argv[0])
    progress.say(f"mounting {device}")
    wait_for(places.at(device), device)
    mounted = is_mounted()
    if not mounted:
        format_if_empty(device, progress)
    changed = files.ensure(places.at(WHICH), f"DEVICE={device}\n".encode())
    if not mounted:
        must(["systemctl", "restart", "tenant-data.service"], limit=120, otherwise="disk-missing")
    must(["xfs_growfs", "-d", MOUNTED], otherwise="foreign-disk")
    return "mounted" if changed else "mounted, nothing to change"


def wait_for(path: Path, device: str) -> None:
    """A volume that was just attached shows up after a moment."""
    end = time.monotonic() + WAIT_SECONDS
    while not path.is_block_device():
        if time.monotonic() > end:
            raise JobError(
                "disk-missing",
                f"{device} did not appear within {WAIT_SECONDS:.0f} s: "
                "is the volume attached to this server?",
            )
        time.sleep(GLANCE_SECONDS)


def is_mounted() -> bool:
    """Whether something is mounted at `/srv/tenant`."""
    return Path(MOUNTED).is_mount()


def format_if_empty(device: str, progress: Progress) -> None:
    """XFS stays, nothing becomes XFS, anything else is somebody's data."""
    probe = run(["blkid", "--probe", "--match-tag", "TYPE", "--output", "value", device])
    found = probe.out.strip()
    if probe.code == 2 and not found and has_no_signature(device):
        progress.say(f"formatting {device}")
        must(["mkfs.xfs", "-q", "-L", "tenant", device], limit=300)
    elif found != "xfs":
        raise JobError(
            "foreign-disk",
            f"{device} holds {found or 'something unknown'}, not XFS: it is not "
            "touched; attach the tenant's own volume or empty this one",
        )


def has_no_signature(device: str) -> bool:
    """`blkid` also says 2 when it cannot read; `wipefs` lists every signature or fails."""
    listed = run(["wipefs", "--no-act", "--noheadings", device])
    return listed.ok and not listed.out.strip()
