"""The world as the operator sees it: frozen values that cross the ports.

No provider's own type is used beyond its adapter. Sizes are in GiB unless the name says otherwise,
times are timezone-aware UTC. A value is a snapshot: it says what was true when it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

Labels = Mapping[str, str]
ServerStatus = Literal[
    "running",
    "initializing",
    "starting",
    "stopping",
    "off",
    "deleting",
    "migrating",
    "rebuilding",
    "unknown",
]
ActionStatus = Literal["running", "success", "error"]
RecordType = Literal["A", "AAAA"]


@dataclass(frozen=True, kw_only=True)
class ActionRef:
    """A provider's running or finished job. `id` is unique in the project and rises."""

    id: int
    command: str
    status: ActionStatus
    progress: int = 0
    error_code: str = ""
    error_message: str = ""
    sent: datetime | None = None
    """When the operator asked for it, where that decides something."""

    @property
    def failed(self) -> bool:
        """Whether the provider gave up."""
        return self.status == "error"


@dataclass(frozen=True, kw_only=True)
class Server:
    """A virtual machine. `ipv6` is the host address the operator would publish, or None;
    `disk_gib` is its own disk, which a type with a smaller one cannot take over.
    """

    id: int
    name: str
    status: ServerStatus
    type: str
    location: str
    ipv4: str | None
    ipv6: str | None
    labels: Labels
    locked: bool = False
    protected: bool = False
    volume_ids: tuple[int, ...] = ()
    primary_ip_ids: tuple[int, ...] = ()
    image_id: int | None = None
    disk_gib: int = 0
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A block device that outlives servers; `device` is its stable path on the machine."""

    id: int
    name: str
    size_gib: int
    location: str
    status: Literal["creating", "available"]
    device: str
    labels: Labels
    server_id: int | None = None
    format: str | None = None
    protected: bool = False
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PrimaryIP:
    """An IPv4 address of our own that survives its server (`auto_delete` is never set by us)."""

    id: int
    name: str
    ip: str
    location: str
    labels: Labels
    server_id: int | None = None
    auto_delete: bool = False
    protected: bool = False


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """One inbound rule; everything without a rule is dropped, all outbound traffic is allowed."""

    protocol: Literal["tcp", "udp", "icmp"]
    port: str | None
    sources: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """A rule set and the label selector of the servers that it protects."""

    id: int
    name: str
    rules: tuple[FirewallRule, ...]
    selectors: tuple[str, ...]
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class SshKey:
    """A public key known to the project."""

    id: int
    name: str
    fingerprint: str
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class Image:
    """A system image (`name` set) or a snapshot (`name` None, found by labels)."""

    id: int
    name: str | None
    type: Literal["system", "snapshot", "backup", "app"]
    status: Literal["available", "creating", "unavailable"]
    architecture: Literal["x86", "arm"]
    disk_gib: int
    labels: Labels
    protected: bool = False
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ServerType:
    """A kind of server and where it is offered: location name → whether stock is indicated.

    Stock is an indicator only: a create may still be refused.
    """

    name: str
    cores: int
    memory_gib: float
    disk_gib: int
    architecture: Literal["x86", "arm"]
    offers: Mapping[str, bool]
    deprecated: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerSpec:
    """What `create_server` is asked for; `image` is an id (snapshot) or a name (stock image)."""

    name: str
    type: str
    location: str
    image: int | str
    labels: Labels
    user_data: str = field(repr=False)
    volume_ids: tuple[int, ...] = ()
    ssh_key_ids: tuple[int, ...] = ()
    firewall_ids: tuple[int, ...] = ()
    primary_ipv4_id: int | None = None
    enable_ipv6: bool = False


@dataclass(frozen=True, kw_only=True)
class VolumeSpec:
    """What `create_volume` is asked for; it is made detached, formatted as `format`."""

    name: str
    size_gib: int
    location: str
    labels: Labels
    format: Literal["xfs", "ext4"] = "xfs"


@dataclass(frozen=True, kw_only=True)
class FirewallSpec:
    """What a firewall should be; `selector` picks the servers by label."""

    name: str
    rules: tuple[FirewallRule, ...]
    selector: str
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class RateBudget:
    """The provider's own word on how many requests are left, from its last answer's headers."""

    limit: int
    remaining: int
    reset_at: datetime


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """One record set. `hostname` is fully qualified without a trailing dot, in ASCII (punycode).

    `owner` is the mark of who made it: `<installation>/<tenant uid>`, or None when the record
    carries no mark of this operator. `ttl` None leaves the choice to the zone.
    """

    hostname: str
    type: RecordType
    values: tuple[str, ...]
    owner: str | None
    ttl: int | None = None
    proxied: bool = False


class JobPhase(StrEnum):
    """Where a job on the host stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class HostFailure(StrEnum):
    """Failures of a host job that have a name of their own; everything else is OTHER."""

    APT_LOCKED = "apt-locked"
    APT_FAILED = "apt-failed"
    PULL_FAILED = "pull-failed"
    IMAGE_MISSING = "image-missing"
    REGISTRY_DENIED = "registry-denied"
    DISK_FULL = "disk-full"
    DISK_MISSING = "disk-missing"
    FOREIGN_DISK = "foreign-disk"
    UNHEALTHY = "unhealthy"
    INTERRUPTED = "interrupted"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class JobState:
    """What the host's own record says about the last run of a job of one name."""

    name: str
    digest: str
    phase: JobPhase
    failure: HostFailure | None = None
    message: str = ""
    unit: str = ""
    """The systemd unit of that run; no two runs share one."""
    finished: datetime | None = None
    """None also for a run that was cut off: nobody was left to write it down."""


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """One look at a machine, made by one command and free of any change.

    `services` maps a Compose service to its health (`healthy`, `unhealthy`, `starting`, `running`,
    `exited`, …); it is empty before the first release. `release` is the bundle digest that the
    host's state file calls live. `mounted_volume` is the id of the volume behind `/srv/tenant`.
    `agent` is the digest of the host agent that lies there, empty when there is none.
    """

    boot_id: str
    hostname: str
    cloud_init: Literal["running", "done", "error"]
    cloud_init_message: str = ""
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    mounted_volume: int | None = None
    root_free_mib: int = 0
    data_free_mib: int = 0
    release: str | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    agent: str = ""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file for the host: content never shows in a representation, it may be a secret."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Long work on the host, as a value: files to place, then what the host agent does with them.

    Jobs are started as a list and worked off in its order by one transient systemd unit, so neither
    a lost connection nor a killed operator stops them. Each records itself under `name` with
    `digest` (of everything that decides its result). A job that is running already is left alone; a
    finished digest is run again only when asked. `arguments` hold no secret.
    """

    name: str
    digest: str
    arguments: tuple[str, ...] = ()
    files: Sequence[File] = ()
    time_limit_seconds: int = 900


@dataclass(frozen=True, kw_only=True)
class Glimpse:
    """What an outside request through the public name saw."""

    status: int | None
    tls_version: str | None = None
    issuer: str = ""
    not_after: datetime | None = None
    trusted: bool = False
    addresses: tuple[str, ...] = ()
    problem: str = ""
    detail: str = ""
    body: str = ""
