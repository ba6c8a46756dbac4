"""The container a machine is: flags, limits, mounts. Pure; the body of Docker's create call.

The container's own root is only a carrier. The machine's disk is a folder of the pool that
`boot.sh` pivots into, so that `/var/lib/docker` lies on the disk itself, as on a real server: the
nested dockerd needs no volume, and a snapshot is one clone that misses nothing.

CAP_SYS_TIME is dropped because a container shares its host's clock; CAP_SYS_RESOURCE because some
hosts do not have it to give, and asking for it would fail there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.machines.port import MachineSpec

INSTANCE_LABEL = "localcloud.instance"
SERVER_LABEL = "localcloud.server"
BOOT_FOLDER = "/localcloud/boot"
ROOT_FOLDER = "/localcloud/root"
_GIB = 1 << 30
_SHUTDOWN = "SIGRTMIN+3"


@dataclass(frozen=True, kw_only=True)
class Host:
    """What of the host shapes a container."""

    cgroup_version: str
    processors: int


@dataclass(frozen=True, kw_only=True)
class Chassis:
    """Where one machine's parts are on the host."""

    instance: str
    carrier: str
    disk: Path
    boot: Path


def limits(spec: MachineSpec, host: Host) -> dict[str, int]:
    """Memory and processor limits as Docker's update call takes them.

    Docker refuses more processors than the host has, so a bigger server gets all there are.
    """
    memory = int(spec.memory_gib * _GIB)
    return {
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": min(spec.cores, host.processors) * 1_000_000_000,
    }


def create_body(spec: MachineSpec, chassis: Chassis, host: Host) -> dict[str, Any]:
    """What `POST /containers/create` gets for a machine."""
    return {
        "Image": chassis.carrier,
        "Hostname": spec.hostname.split(".")[0],
        "Entrypoint": ["/bin/sh", f"{BOOT_FOLDER}/boot.sh"],
        "Cmd": [],
        "Env": [],
        "StopSignal": _SHUTDOWN,
        "Labels": {INSTANCE_LABEL: chassis.instance, SERVER_LABEL: str(spec.server_id)},
        "HostConfig": _host_config(spec, chassis, host),
    }


def _host_config(spec: MachineSpec, chassis: Chassis, host: Host) -> dict[str, Any]:
    return {
        **limits(spec, host),
        "NetworkMode": "none",
        "CgroupnsMode": "private",
        "CapAdd": ["ALL"],
        "CapDrop": ["SYS_RESOURCE", "SYS_TIME"],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        "DeviceCgroupRules": ["a *:* rwm"],
        "ShmSize": int(spec.memory_gib * _GIB / 2),
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        "Mounts": [
            _bind(chassis.disk, ROOT_FOLDER),
            _bind(chassis.boot, BOOT_FOLDER),
        ],
    }


def _bind(source: Path, target: str) -> dict[str, str]:
    return {"Type": "bind", "Source": str(source), "Target": target}
