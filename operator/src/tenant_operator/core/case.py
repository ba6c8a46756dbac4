"""Everything a step may look at: the wish, the world, what went wrong lately and the time.

A part of the world is UNKNOWN until it was looked at, None when the provider said it is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from tenant_operator.api.fleet import FleetSpec
from tenant_operator.api.tenant import TenantSpec
from tenant_operator.core.names import Identity
from tenant_operator.core.results import Subject
from tenant_operator.core.stack import KeyPair, RegistryAccess, StackSecrets
from tenant_operator.core.step import Trouble
from tenant_operator.core.world import (
    ActionRef,
    DnsRecord,
    Glimpse,
    HostFacts,
    Image,
    Job,
    PrimaryIP,
    Server,
    ServerType,
    Volume,
)

T = TypeVar("T")


class Unknown(Enum):
    """Not looked at yet, or known to be out of date."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
Seen: TypeAlias = T | Literal[Unknown.UNKNOWN] | None


@dataclass(frozen=True, kw_only=True)
class TenantKeys:
    """The content of a tenant's own Secret. `boot_host_key` is gone once it has been replaced."""

    host_key: KeyPair | None
    boot_host_key: KeyPair | None
    client_key: KeyPair | None
    stack: StackSecrets | None
    missing: tuple[str, ...] = ()
    heir_of: str = ""
    """The uid of the deleted tenant that the keys were taken over from."""


@dataclass(frozen=True, kw_only=True)
class ModelKey:
    """What the Secret that a Tenant names for its model holds; `fault` says what is missing."""

    value: str = field(default="", repr=False)
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Retained:
    """What is left of a deleted tenant: its volume, and whose name is on its kept secrets."""

    uid: str
    volume: Volume | None
    secrets_of: str | None


@dataclass(frozen=True, kw_only=True)
class HostProblem:
    """Why a machine could not be looked at."""

    kind: Literal["unreachable", "host-key", "login"]
    message: str


@dataclass(frozen=True, kw_only=True)
class HostSight:
    """The last look at a machine: facts, or why there are none, and the key it showed."""

    facts: HostFacts | None = None
    problem: HostProblem | None = None
    host_key: str = ""


@dataclass(frozen=True, kw_only=True)
class TenantWorld:
    """What is known about one tenant's things."""

    address: Seen[PrimaryIP] = UNKNOWN
    volume: Seen[Volume] = UNKNOWN
    server: Seen[Server] = UNKNOWN
    records: tuple[DnsRecord, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    keys: Seen[TenantKeys] = UNKNOWN
    model_key: ModelKey | Literal[Unknown.UNKNOWN] = UNKNOWN
    host: HostSight | Literal[Unknown.UNKNOWN] = UNKNOWN
    outside: Glimpse | Literal[Unknown.UNKNOWN] = UNKNOWN
    leftovers: tuple[str, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    retained: Retained | Literal[Unknown.UNKNOWN] = UNKNOWN
    actions: Mapping[Subject, ActionRef] = field(default_factory=dict)
    sold_out: frozenset[tuple[str, str]] = frozenset()
    """(server type, location) pairs that were refused lately."""
    refused_types: Mapping[str, str] = field(default_factory=dict)
    """Types the existing server could not become lately, and why."""


@dataclass(frozen=True, kw_only=True)
class FleetView:
    """What tenants need to know of their fleet.

    `fault` is the reason and message of a fault of the fleet itself. `registry` was read from a
    Secret. `snapshot` is a baked image that is fresh, if there is one.
    """

    identity: Identity
    spec: FleetSpec
    fault: tuple[str, str] | None = None
    catalogue: tuple[ServerType, ...] = ()
    firewall_id: int | None = None
    ssh_key_id: int | None = None
    snapshot: Image | None = None
    registry: RegistryAccess | None = None
    operator_networks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recipes:
    """Pure functions that render what a machine needs; made where the renderers may be imported."""

    user_data: Callable[[TenantKeys, int | str], str]
    rotate_host_key: Callable[[KeyPair], Job]
    harden: Callable[[], Job]
    data_disk: Callable[[Volume], Job]
    deploy: Callable[[], Job]
    stop_stack: Callable[[], Job]


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What the object's own status says about earlier; used only as a brake, never as truth."""

    was_ready: bool = False
    data_volume_id: int | None = None
    server_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One tenant at one moment."""

    identity: Identity
    spec: TenantSpec
    now: datetime
    fleet: FleetView | None = None
    fleet_exists: bool = False
    fleet_leaves: bool = False
    """Whether the Fleet is being deleted."""
    other_fleets: frozenset[str] = frozenset()
    """Uids of the Fleets that exist besides this tenant's own."""
    hostname_rival: str | None = None
    deleting: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    world: TenantWorld = field(default_factory=TenantWorld)
    recipes: Recipes | None = None
    memory: Earlier = field(default_factory=Earlier)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    @property
    def home(self) -> FleetView:
        """The fleet; only steps after `preflight` may ask."""
        if self.fleet is None:
            raise LookupError("preflight comes before every step that needs the fleet")
        return self.fleet

    @property
    def recipe(self) -> Recipes:
        """The renderers; only steps after `preflight` may ask."""
        if self.recipes is None:
            raise LookupError("preflight comes before every step that renders")
        return self.recipes

    @property
    def hands_off(self) -> tuple[str, str] | None:
        """Why nothing may be changed: the customer is suspended, or drift is only reported."""
        if self.deleting:
            return None
        if self.spec.suspend:
            return "Suspended", "Suspended. Otherwise:"
        if self.spec.drift == "Report" and self.memory.was_ready:
            return "DriftFound", "Found and left alone:"
        return None
