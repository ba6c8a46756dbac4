"""Everything a step of a fleet may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tenant_operator.api.fleet import FleetSpec, KeptVolume
from tenant_operator.core.case import UNKNOWN, HostSight, Seen, Unknown
from tenant_operator.core.names import Identity
from tenant_operator.core.results import Subject
from tenant_operator.core.stack import KeyPair, RegistryAccess
from tenant_operator.core.step import Trouble
from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    Image,
    Job,
    Server,
    ServerType,
    SshKey,
)


@dataclass(frozen=True, kw_only=True)
class BakeKeys:
    """The keys of the short-lived server that a snapshot is made from."""

    host_key: KeyPair
    client_key: KeyPair


@dataclass(frozen=True, kw_only=True)
class FleetSecrets:
    """What the Secrets that a Fleet names hold; `fault` says which is missing what."""

    cloud_token: str = field(default="", repr=False)
    dns_token: str = field(default="", repr=False)
    registry: RegistryAccess | None = None
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class FleetWorld:
    """What is known about a fleet's shared things."""

    secrets: FleetSecrets | Literal[Unknown.UNKNOWN] = UNKNOWN
    catalogue: tuple[ServerType, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    stock_image: Seen[Image] = UNKNOWN
    kept: tuple[KeptVolume, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    swept: bool = False
    firewall: Seen[Firewall] = UNKNOWN
    ssh_key: Seen[SshKey] = UNKNOWN
    snapshots: tuple[Image, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    server: Seen[Server] = UNKNOWN
    keys: Seen[BakeKeys] = UNKNOWN
    host: HostSight | Literal[Unknown.UNKNOWN] = UNKNOWN
    actions: Mapping[Subject, ActionRef] = field(default_factory=dict)
    sold_out: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class FleetCase:
    """One fleet at one moment."""

    identity: Identity
    spec: FleetSpec
    now: datetime
    deleting: bool = False
    tenants: tuple[str, ...] = ()
    world: FleetWorld = field(default_factory=FleetWorld)
    bake: Job | None = None
    user_data: str = field(default="", repr=False)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)

    @property
    def hands_off(self) -> tuple[str, str] | None:
        """A fleet is never only watched."""
        return None
