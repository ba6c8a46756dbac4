"""Where the kernel counts the processor time of a container and all that runs in it.

Read from the control group itself: not every Docker Engine's own statistics work on every host.
Pure but for `cpu_seconds`.
"""

from __future__ import annotations

from pathlib import Path

_NANO, _MICRO = 1e-9, 1e-6


def group_of(container_id: str, listing: str, controller: str) -> str | None:
    """A container's own group in a `/proc/<pid>/cgroup`, whatever group of it the process is in.

    Arguments: controller: one of version 1, or empty for the tree of version 2.
    """
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        parts = path.split("/")
        depth = next((n for n, part in enumerate(parts, 1) if container_id in part), 0)
        if depth:
            return "/".join(parts[:depth])
    return None


def mounted_at(mounts: str, kind: str, controller: str) -> str | None:
    """Where the tree of a controller is mounted, from `/proc/mounts`."""
    for line in mounts.splitlines():
        _, place, found, options, *_ = line.split()
        if found == kind and (not controller or controller in options.split(",")):
            return place
    return None


def cpu_seconds(container_id: str, pid: int) -> float | None:
    """Processor time that a container has used; `None` when it is gone."""
    mounts = Path("/proc/mounts").read_text()
    try:
        listing = Path(f"/proc/{pid}/cgroup").read_text()
        return _version_1(container_id, listing, mounts) or _version_2(
            container_id, listing, mounts
        )
    except (FileNotFoundError, ProcessLookupError):
        return None


def _version_1(container_id: str, listing: str, mounts: str) -> float | None:
    group = group_of(container_id, listing, "cpuacct")
    place = mounted_at(mounts, "cgroup", "cpuacct")
    if group is None or place is None:
        return None
    return int(Path(f"{place}{group}/cpuacct.usage").read_text()) * _NANO


def _version_2(container_id: str, listing: str, mounts: str) -> float | None:
    group, place = group_of(container_id, listing, ""), mounted_at(mounts, "cgroup2", "")
    if group is None or place is None:
        return None
    usage = Path(f"{place}{group}/cpu.stat").read_text().split()
    return int(usage[usage.index("usage_usec") + 1]) * _MICRO
