"""The resources of a project as frozen values.

They hold what the API cannot derive. Derived from the tables instead, so that there is one truth:
whether something is locked (actions that run), which volumes, addresses and firewalls a server
has, and who is in a network or placement group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

IpType = Literal["ipv4", "ipv6"]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """What every resource has; `created` is RFC 3339 in UTC."""

    id: int
    project: str
    name: str
    created: str
    labels: dict[str, str] = field(default_factory=dict)
    protected: bool = False


@dataclass(frozen=True, kw_only=True)
class PrivateNet:
    """A server's place in a network."""

    network: int
    ip: str
    mac_address: str
    alias_ips: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Server(Resource):
    """A server; `server_type`, `image`, `iso` and `placement_group` are ids."""

    status: str
    server_type: int
    location: str
    image: int | None
    primary_disk_size: int
    user_data: str = ""
    authorized_keys: tuple[str, ...] = ()
    private_nets: tuple[PrivateNet, ...] = ()
    placement_group: int | None = None
    iso: int | None = None
    backup_window: str | None = None
    rescue_until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Volume(Resource):
    """A block device; `format` is what it was formatted with when made."""

    size: int
    location: str
    status: str = "creating"
    server: int | None = None
    format: str | None = None


@dataclass(frozen=True, kw_only=True)
class Image(Resource):
    """A system image (project `""`) or a snapshot or backup, which has no name but `""`."""

    type: str
    status: str
    description: str
    disk_size: int
    image_size: float | None = None
    created_from: tuple[int, str] | None = None
    bound_to: int | None = None
    os_flavor: str = "unknown"
    os_version: str | None = None
    architecture: str = "x86"
    rapid_deploy: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A firewall rule as the client wrote it."""

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    port: str | None = None
    source_ips: tuple[str, ...] = ()
    destination_ips: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a firewall is applied to: one server, or all that a selector finds."""

    server: int | None = None
    selector: str | None = None


@dataclass(frozen=True, kw_only=True)
class Firewall(Resource):
    """A set of rules and where it is applied."""

    rules: tuple[Rule, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """A part of a network that gives out addresses."""

    type: str
    ip_range: str
    network_zone: str
    gateway: str
    vswitch_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Network(Resource):
    """A private network; routes are pairs of destination and gateway."""

    ip_range: str
    subnets: tuple[Subnet, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    expose_routes_to_vswitch: bool = False


@dataclass(frozen=True, kw_only=True)
class PrimaryIp(Resource):
    """A server's public address; `ip` of an IPv6 one is a /64."""

    type: IpType
    ip: str
    location: str
    assignee: int | None = None
    auto_delete: bool = False
    dns_ptr: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FloatingIp(Resource):
    """An address that can move between servers."""

    type: IpType
    ip: str
    home_location: str
    server: int | None = None
    description: str = ""
    dns_ptr: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlacementGroup(Resource):
    """Servers that are kept on different hosts."""

    type: str = "spread"


@dataclass(frozen=True, kw_only=True)
class SshKey(Resource):
    """A public key."""

    public_key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that takes time.

    `params` are what its effect needs and no client sees; they are emptied when it ends, since
    they may hold a password. `after` is the action that has to succeed first; `fate` is what a
    fault decided for it. A hidden action is work of the cloud's own, such as removing a disk.
    """

    id: int
    project: str
    command: str
    started: str
    status: Literal["running", "success", "error"] = "running"
    finished: str | None = None
    resources: tuple[tuple[str, int], ...] = ()
    error: dict[str, str] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    after: int | None = None
    fate: str | None = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Token:
    """A key to one project."""

    secret: str = field(repr=False)
    project: str
    read_only: bool = False
