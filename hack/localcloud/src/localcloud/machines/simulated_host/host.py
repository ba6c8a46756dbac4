"""The state of one simulated machine and what power, boot and time do to it.

Time is read, never waited for: a job has a moment at which it ends, and whoever looks at the
machine after that moment first lets it end.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from localcloud.machines.simulated_host.filesystem import FileSystem, from_document

JOBS = "/opt/tenant/jobs"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
AUTHORIZED = "/root/.ssh/authorized_keys"
DATA = "/srv/tenant"
STATE = "/opt/tenant/state.json"
WHICH_VOLUME = "/etc/tenant/data-volume"
"""Names the volume that the data disk's unit mounts at boot."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds that things take. All zero: as fast as the caller looks."""

    boot: float = 0.0
    cloud_init: float = 0.0
    jobs: dict[str, float] = field(default_factory=dict)


@dataclass(kw_only=True)
class Faults:
    """What is wrong with one machine; each stays until it is cleared."""

    ssh: str = ""
    """`refused`, `silent`, or `wrong-host-key`."""
    cloud_init: str = ""
    """The error that cloud-init reports."""
    job: str = ""
    """A failure, such as `apt-locked`, `pull-failed`, `image-missing`, `disk-full`."""
    job_name: str = ""
    """The job that fails; empty means the one that meets the failure first."""
    job_times: int = 0
    """How often it fails; 0 means until it is cleared."""
    unhealthy: str = ""
    """A service that does not get healthy."""
    web: str = ""
    """`refused`, or `error` for status 503."""


@dataclass(kw_only=True)
class Disk:
    """A volume: its size, the file system on it and what lies there."""

    volume_id: int
    size_gb: int
    fs: str = ""
    files: FileSystem = field(default_factory=FileSystem)


@dataclass(kw_only=True)
class RunningJob:
    """A job that has not ended yet, and the unit that works it off after those before it."""

    name: str
    digest: str
    unit: str
    arguments: list[str]
    ends: datetime


@dataclass(kw_only=True)
class Host:
    """One machine."""

    server_id: int
    hostname: str
    address: str | None
    disk_gib: int = 40
    power: str = "off"
    boot_id: str = ""
    started: datetime | None = None
    fresh: bool = True
    """Whether cloud-init has still to run on this root disk."""
    sealed: bool = False
    """Whether the machine forgets who it is when it shuts down."""
    user_data: str = ""
    root_keys: list[str] = field(default_factory=list)
    files: FileSystem = field(default_factory=FileSystem)
    packages: set[str] = field(default_factory=set)
    units: dict[str, str] = field(default_factory=dict)
    """Enabled units and `active`, `inactive` or `failed`."""
    images: set[str] = field(default_factory=set)
    services: dict[str, str] = field(default_factory=dict)
    """Compose services and their health."""
    sysctls: dict[str, str] = field(default_factory=dict)
    volumes: dict[int, Disk] = field(default_factory=dict)
    mounted: int | None = None
    running: list[RunningJob] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    firewall: list[dict[str, Any]] | None = None

    def ready_at(self, pace: Pace) -> datetime | None:
        """When sshd listens; None while the machine is off."""
        return self.started + timedelta(seconds=pace.boot) if self.started else None

    def answers(self, now: datetime, pace: Pace) -> bool:
        """Whether the machine is on and through its boot."""
        ready = self.ready_at(pace)
        return self.power == "running" and ready is not None and now >= ready

    @property
    def is_full(self) -> bool:
        """Whether the root disk takes nothing more, whatever asks."""
        return self.faults.job == "disk-full" and not self.faults.job_name

    def free_mib(self) -> int:
        """Free space on the root disk."""
        return 64 if self.is_full else self.disk_gib * 1024 - 3000

    def write_record(self, record: dict[str, Any]) -> None:
        """Store a job's record where the machine's own agent keeps it."""
        text = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        self.files.write(f"{JOBS}/{record['name']}.json", text, 0o640)

    def remove_record(self, name: str) -> None:
        """Forget that a job was ever asked for."""
        self.files.remove(f"{JOBS}/{name}.json")

    def records(self) -> dict[str, dict[str, Any]]:
        """Every job's record by name."""
        found = (json.loads(node.content or b"{}") for _, node in self.files.files(JOBS))
        return {record["name"]: record for record in found}

    def power_on(self, now: datetime) -> None:
        """Begin a new boot: nothing in memory is left, enabled units come up."""
        if self.power == "running":
            return
        self.power, self.started, self.boot_id = "running", now, str(uuid.uuid4())
        self.running.clear()
        self.files.remove("/run")
        self.units = dict.fromkeys(self.units, "active")
        wanted = self.files.get(WHICH_VOLUME) is not None
        self.mounted = next(iter(self.volumes), None) if wanted else None

    def power_off(self) -> None:
        """Everything that ran stops; records of running jobs stay as they are."""
        self.power, self.started, self.mounted = "off", None, None
        self.running.clear()
        if self.sealed:
            self._forget()

    def _forget(self) -> None:
        for path in ("/root/.ssh", "/root/.docker", JOBS, "/run"):
            self.files.remove(path)
        for name in self.files.children("/opt/tenant/host-agent"):
            if name != "hostagent.pyz":
                self.files.remove(f"/opt/tenant/host-agent/{name}")
        for name in self.files.children("/etc/ssh"):
            if name.startswith("ssh_host_"):
                self.files.remove(f"/etc/ssh/{name}")
        self.fresh, self.sealed = True, False

    def document(self) -> dict[str, Any]:
        """JSON form; volumes by number, since they are machines' guests."""
        plain = {key: getattr(self, key) for key in _PLAIN}
        return {
            **plain,
            "started": self.started.isoformat() if self.started else None,
            "files": self.files.document(),
            "packages": sorted(self.packages),
            "images": sorted(self.images),
            "volumes": sorted(self.volumes),
            "faults": asdict(self.faults),
            "running": [{**asdict(job), "ends": job.ends.isoformat()} for job in self.running],
        }


_PLAIN = (
    "server_id",
    "hostname",
    "address",
    "disk_gib",
    "power",
    "boot_id",
    "fresh",
    "sealed",
    "user_data",
    "root_keys",
    "units",
    "services",
    "sysctls",
    "mounted",
    "firewall",
)


def read_host(document: dict[str, Any], disk: Callable[[int], Disk]) -> Host:
    """The inverse of `Host.document`; `disk` finds a volume by its number."""
    fields = {key: document[key] for key in _PLAIN}
    running = [
        RunningJob(**{**job, "ends": datetime.fromisoformat(job["ends"])})
        for job in document["running"]
    ]
    started = document["started"]
    return Host(
        **fields,
        started=datetime.fromisoformat(started) if started else None,
        files=from_document(document["files"]),
        packages=set(document["packages"]),
        images=set(document["images"]),
        volumes={number: disk(number) for number in document["volumes"]},
        faults=Faults(**document["faults"]),
        running=running,
    )
