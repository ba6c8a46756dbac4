"""The whole operator on a world in memory, stepped by a clock that only tests move."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plugins.memory_cloud import MemoryCloud
from plugins.memory_cluster import MemoryCluster
from plugins.memory_dns import MemoryDns
from plugins.memory_hosts import MemoryHosts
from plugins.memory_outside import MemoryOutside
from plugins.memory_world import Killed, World
from tenant_operator.api.conditions import REASONS
from tenant_operator.app import Adapters, App
from tenant_operator.arriving import take
from tenant_operator.settings import Settings
from tenant_operator.store import Key, Kind
from tenant_operator.working import one_pass

NS = "agency"
PATIENT = 150
"""More rounds than this wait for a pause of minutes."""
SLOW = 700
"""Rounds for what waits for a person: the longest pause between two tries."""
BASE = f"/apis/blueagency.io/v1alpha1/namespaces/{NS}"
FLEET = f"{BASE}/fleets/main"
TENANT = f"{BASE}/tenants/acme"
DIGEST = "sha256:" + "ab" * 32
IMAGES = {
    name: f"registry.example/blueagency/{name}@{DIGEST}"
    for name in ("agent", "traefik", "postgres", "redis")
}


def fleet_spec() -> dict[str, Any]:
    """A Fleet that works in the world in memory."""
    return {
        "infrastructure": {
            "tokenSecretRef": {"name": "hcloud"},
            "locations": ["fsn1", "nbg1"],
            "serverTypes": ["cx23", "cx33"],
            "bake": False,
        },
        "dns": {"provider": "hetzner", "zone": "agency.example", "tokenSecretRef": {"name": "dns"}},
        "acme": {"email": "ops@agency.example"},
        "access": {"sshNetworks": ["192.0.2.0/24"]},
        "registry": {"host": "registry.example"},
        "images": IMAGES,
    }


def tenant_spec(**changes: Any) -> dict[str, Any]:
    """A Tenant of that Fleet that may be deleted without a trace."""
    return {
        "fleetRef": {"name": "main"},
        "displayName": "Acme",
        "hostname": "agent.agency.example",
        "agent": {
            "adminEmail": "admin@acme.example",
            "model": {"apiKeySecretRef": {"name": "model", "key": "key"}},
        },
        "deletion": {"protected": False, "retain": "0s"},
        **changes,
    }


@dataclass
class Rig:
    """An operator and its world."""

    world: World = field(default_factory=World)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.cloud = MemoryCloud(self.world)
        self.dns = MemoryDns(self.world)
        self.hosts = MemoryHosts(self.world, self.cloud)
        self.outside = MemoryOutside(self.dns, self.hosts)
        self.cluster = MemoryCluster(self.world)
        self.app = self._app()

    def _app(self) -> App:
        return App(
            settings=Settings(),
            adapters=Adapters(
                cloud=lambda _: self.cloud,
                dns=lambda _: self.dns,
                hosts=self.hosts,
                outside=self.outside,
            ),
            kubernetes=self.cluster,
            installation="test",
            clock=lambda: self.now,
            draw=lambda: 1.0,
        )

    def secret(self, name: str, **entries: str) -> None:
        """A Secret of the user's."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in entries.items()}
        self.cluster.put(f"/api/v1/namespaces/{NS}/secrets/{name}", {"data": data})

    def start(self, **tenant: Any) -> None:
        """What a person applies: Secrets, Fleet, Tenant."""
        self.secret("hcloud", token="cloud-token-0123456789")
        self.secret("dns", token="dns-token-0123456789")
        self.secret("model", key="model-key-0123456789")
        self.cluster.put(FLEET, {"spec": fleet_spec()})
        self.cluster.put(TENANT, {"spec": tenant_spec(**tenant)})

    def another(self, name: str, **changes: Any) -> str:
        """One more Tenant of the fleet, with a model key of its own; returns its path."""
        self.secret(f"{name}-model", key=f"model-key-of-{name}")
        spec = tenant_spec(hostname=f"{name}.agency.example", **changes)
        spec["agent"]["model"] = {"apiKeySecretRef": {"name": f"{name}-model", "key": "key"}}
        self.cluster.put(path := f"{BASE}/tenants/{name}", {"spec": spec})
        return path

    async def kill(self) -> None:
        """The process is gone; the next one lists everything anew."""
        for account in self.app.accounts.values():
            await account.poller.close()
        self.app = self._app()
        self.cluster.changes = [
            ("ADDED", path) for path in self.cluster.objects if "/apis/" in path
        ]

    async def watch(self) -> None:
        """Deliver what the cluster has to tell."""
        changes, self.cluster.changes = self.cluster.changes, []
        for change, path in changes:
            if "/apis/" not in path:
                continue
            kind: Kind = "fleet" if "/fleets/" in path else "tenant"
            body = self.cluster.objects.get(path)
            if change == "DELETED":
                await take(self.app, kind, "DELETED", self.cluster.gone)
            elif body is not None:
                await take(self.app, kind, change, body)

    async def round(self) -> None:
        """One pass for every object, then a second goes by."""
        self.world.now = self.now
        await self.watch()
        for kind in ("fleet", "tenant"):
            for stored in list(self.app.store.all(kind)):
                await one_pass(self.app, stored.key)
                await self.watch()
        for account in self.app.accounts.values():
            await account.poller.tick()
        self.now += timedelta(seconds=1)

    async def expect(self, reached: Callable[[], bool], rounds: int = 80) -> None:
        """Rounds until something is so; a kill on the way starts a new process.

        Who waits for long waits faster while nothing happens.
        """
        quiet, before = 0, 0
        for _ in range(rounds):
            if reached():
                return
            quiet, before = quiet + 1 if before == len(self.world.log) else 0, len(self.world.log)
            if rounds > PATIENT and quiet > 10:
                self.now += timedelta(seconds=4)
            try:
                await self.round()
            except Killed:
                await self.kill()
        raise AssertionError(f"not reached: {self.conditions()}\n{self.world.log}")

    def conditions(self, path: str = TENANT) -> dict[str, tuple[str, str, str]]:
        """Status, reason and message by condition type."""
        held = self.cluster.objects.get(path, {}).get("status", {}).get("conditions", [])
        return {c["type"]: (c["status"], c["reason"], c["message"]) for c in held}

    def is_ready(self, path: str = TENANT) -> bool:
        """Whether Ready is True for the present generation."""
        document = self.cluster.objects.get(path)
        if document is None:
            return False
        status = document.get("status", {})
        fresh = status.get("observedGeneration") == document["metadata"]["generation"]
        return fresh and self.conditions(path).get("Ready", ("",))[0] == "True"

    async def expect_ready(self) -> None:
        """Rounds until the tenant is Ready."""
        await self.expect(self.is_ready)

    async def expect_reason(self, expected: str, path: str = TENANT) -> str:
        """Rounds until Ready has a reason; returns its message."""
        await self.expect(lambda: self.conditions(path).get("Ready", ("", ""))[1] == expected)
        return self.conditions(path)["Ready"][2]

    async def expect_healed(self) -> None:
        """Ready, on one machine, within the pauses of things that wait for a person."""
        await self.expect(self.is_ready, SLOW)
        assert len(self.cloud.servers) == 1
        assert all(reason in REASONS for _, reason, _ in self.conditions().values())

    def key(self, kind: Kind = "tenant", name: str = "acme") -> Key:
        """A key in the test's namespace."""
        return Key(kind, NS, name)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """An operator on a world in memory, with nothing applied yet."""
    made = Rig()
    yield made
    for account in made.app.accounts.values():
        await account.poller.close()
