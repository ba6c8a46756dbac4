"""One fleet's providers at run time: clients, gates, inventory, poller and its shared things."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from tenant_operator.api.fleet import KeptVolume
from tenant_operator.cloud.actions import ActionPoller
from tenant_operator.cloud.budget import BACKGROUND, USER, Gate, Purpose, stretched
from tenant_operator.cloud.inventory import Inventory, by_tenant
from tenant_operator.cloud.port import Cloud
from tenant_operator.core.case import UNKNOWN, FleetView, HostSight, Seen, Unknown
from tenant_operator.core.fleet_case import BakeKeys, FleetSecrets, FleetWorld
from tenant_operator.core.names import (
    FLEET_UID,
    INSTALLATION,
    NAMESPACE,
    Identity,
    fleet_selector,
    kept_until,
    owned_by_fleet,
)
from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    Image,
    Labels,
    Server,
    ServerType,
    SshKey,
)
from tenant_operator.dns.port import Dns

PER_PAGE = 50
Sweep = Callable[[], Awaitable[set[str]]]
"""Reads one kind of thing anew; returns the uids of tenants to look after."""


@dataclass(frozen=True, kw_only=True)
class CloudLogin:
    """What a cloud client is made from."""

    provider: str
    endpoint: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DnsLogin:
    """What a DNS client is made from; an empty endpoint means the provider's own."""

    provider: str
    endpoint: str
    zone: str
    token: str = field(repr=False)


@dataclass
class Account:
    """Everything that talks to one fleet's providers."""

    identity: Identity
    cloud: Cloud
    dns: Dns
    clock: Callable[[], datetime]
    logins: tuple[CloudLogin, DnsLogin]
    secrets: FleetSecrets
    inventory: Inventory = field(default_factory=Inventory)
    catalogue: tuple[ServerType, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    stock_image: Seen[Image] = UNKNOWN
    firewall: Seen[Firewall] = UNKNOWN
    ssh_key: Seen[SshKey] = UNKNOWN
    snapshots: tuple[Image, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    bake_server: Seen[Server] = UNKNOWN
    bake_keys: Seen[BakeKeys] = UNKNOWN
    bake_host: HostSight | Literal[Unknown.UNKNOWN] = UNKNOWN
    kept: dict[str, KeptVolume] = field(default_factory=dict)
    """Volumes of deleted tenants, by uid."""
    view: FleetView | None = None
    slow_swept: datetime | None = None
    slow_soon: bool = False
    servers_proved: bool = False
    records_proved: bool = False
    """Whether a sweep with these logins has succeeded; the inventory may be from those before."""
    version: int = 0
    """Rises with every change of `view`, so that tenants know when to try again."""

    def __post_init__(self) -> None:
        """Gates and poller of the two clients."""
        self.gate = Gate("cloud", self.clock, self.cloud.budget)
        self.dns_gate = Gate("dns", self.clock)
        self.poller = ActionPoller(self._ask_actions)
        self._sweeping = asyncio.Lock()

    async def _ask_actions(self, ids: Sequence[int]) -> Sequence[ActionRef]:
        return await self.gate.call("actions", lambda: self.cloud.actions(ids), Purpose(lane=USER))

    @property
    def proved(self) -> bool:
        """Whether both logins were accepted by a sweep."""
        return self.servers_proved and self.records_proved

    def world(self) -> FleetWorld:
        """The shared things as a fleet's case sees them."""
        return FleetWorld(
            secrets=self.secrets,
            catalogue=self.catalogue,
            stock_image=self.stock_image,
            kept=UNKNOWN if self.slow_swept is None else tuple(self.kept.values()),
            swept=self.proved,
            firewall=self.firewall,
            ssh_key=self.ssh_key,
            snapshots=self.snapshots,
            server=self.bake_server,
            keys=self.bake_keys,
            host=self.bake_host,
        )

    async def ensure_swept(self) -> None:
        """Wait for a first complete sweep of everything; concurrent callers share one."""
        await self.ensure_swept_slow()
        async with self._sweeping:
            if not self.servers_proved:
                await self.sweep_servers()
            if not self.records_proved:
                await self.sweep_records()

    async def ensure_swept_slow(self) -> None:
        """Wait for a first complete sweep of volumes and addresses."""
        async with self._sweeping:
            if self.slow_swept is None:
                await self.sweep_slow()

    def due_sweeps(self, *, fast: timedelta, slow: timedelta) -> dict[str, Sweep]:
        """What should be read again, each by itself: one provider may be down. Not the first time,
        which is `ensure_swept`'s.
        """
        pages = 2 + len(self.inventory.servers.entries) // PER_PAGE * 2
        every = stretched(fast, self.cloud.budget(), requests=pages)
        due: dict[str, Sweep] = {}
        if self._slow_due(slow):
            due["sweep of volumes and addresses"] = self.sweep_slow
        if self._is_old(self.inventory.servers.swept, every):
            due["sweep of servers"] = self.sweep_servers
        if self._is_old(self.inventory.records_swept, every):
            due["sweep of records"] = self.sweep_records
        return due

    def _is_old(self, swept: datetime | None, interval: timedelta) -> bool:
        return swept is not None and self.clock() - swept >= interval

    def _slow_due(self, interval: timedelta) -> bool:
        """Exchanged logins may be proved by the other sweeps, without a first one of this kind."""
        if self.slow_swept is None:
            return self.proved
        return self.slow_soon or self._is_old(self.slow_swept, interval)

    def sweep_slow_soon(self) -> None:
        """Read volumes and addresses with the next pass."""
        self.slow_soon = True

    async def sweep_servers(self) -> set[str]:
        """Read servers; returns the uids of tenants to look after.

        The firewall guards every machine: it is looked at as often, by the fleet's own step.
        """
        purpose = Purpose(lane=BACKGROUND, sweep=True)
        started = self.clock()
        if self.inventory.servers.swept is not None:
            self.firewall = UNKNOWN
        selector = fleet_selector(self.identity)
        found = await self.gate.call(
            "list_servers", lambda: self.cloud.list_servers(selector), purpose
        )
        for server in found:
            if owned_by_fleet(server.labels, self.identity):
                self.bake_server = server
        changed = self.inventory.servers.sweep(by_tenant(found), started=started)
        self.servers_proved = True
        return changed

    async def sweep_records(self) -> set[str]:
        """Read DNS records; returns the uids of tenants to look after."""
        purpose = Purpose(lane=BACKGROUND, sweep=True)
        started, installation = self.clock(), self.identity.installation
        records = await self.dns_gate.call(
            "list_records", lambda: self.dns.list_records(installation), purpose
        )
        changed = self.inventory.sweep_records(records, started=started)
        self.records_proved = True
        return changed

    async def sweep_slow(self) -> set[str]:
        """Read volumes and addresses (and forget the catalogue).

        Volumes that are kept in the fleet's namespace count too when another Fleet made them: it
        may not exist any more.
        """
        purpose = Purpose(lane=BACKGROUND, sweep=True)
        started = self.clock()
        selector = fleet_selector(self.identity)
        everybodys = f"{INSTALLATION}={self.identity.installation}"
        listed = await self.gate.call(
            "list_volumes", lambda: self.cloud.list_volumes(everybodys), purpose
        )
        volumes = [volume for volume in listed if self._concerns(volume.labels)]
        addresses = await self.gate.call(
            "list_primary_ips", lambda: self.cloud.list_primary_ips(selector), purpose
        )
        changed = self.inventory.volumes.sweep(by_tenant(volumes), started=started)
        changed |= self.inventory.addresses.sweep(by_tenant(addresses), started=started)
        if self.slow_swept is not None:
            self.catalogue = UNKNOWN
        self.slow_swept, self.slow_soon = started, False
        return changed

    def _concerns(self, labels: Labels) -> bool:
        kept_here = labels.get(NAMESPACE) == self.identity.namespace and kept_until(labels)
        return labels.get(FLEET_UID) == self.identity.uid or bool(kept_here)

    async def close(self) -> None:
        """Let go of everything."""
        await self.poller.close()
        await self.cloud.close()
        await self.dns.close()


def snapshot_selector(identity: Identity) -> str:
    """Selects a fleet's snapshots."""
    return f"{INSTALLATION}={identity.installation},{FLEET_UID}={identity.uid}"
