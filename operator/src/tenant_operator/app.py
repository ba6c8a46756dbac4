"""Everything a process holds, built once at start and handed to the loops."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tenant_operator.account import Account, CloudLogin, DnsLogin
from tenant_operator.cloud.port import Cloud
from tenant_operator.cluster.client import Kubernetes
from tenant_operator.core.names import Identity
from tenant_operator.dns.port import Dns
from tenant_operator.host.port import HostFactory
from tenant_operator.memory import Memory
from tenant_operator.outside.port import Outside
from tenant_operator.settings import Settings
from tenant_operator.store import Key, Store, Stored
from tenant_operator.watch_proof import WatchProof
from tenant_operator.workqueue import WorkQueue

SECRET_READ_SECONDS: Final = 0.05
"""At most twenty Secrets a second are read, however many tenants there are."""


class NotLeading(Exception):
    """The Lease is lost: a process that was frozen or cut off must not go on where it was."""


def utc_now() -> datetime:
    """The time of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """How to reach the world outside; tests pass others."""

    cloud: Callable[[CloudLogin], Cloud]
    dns: Callable[[DnsLogin], Dns]
    hosts: HostFactory
    outside: Outside


@dataclass(kw_only=True)
class App:
    """One operator."""

    settings: Settings
    adapters: Adapters
    kubernetes: Kubernetes
    installation: str
    clock: Callable[[], datetime] = utc_now
    draw: Callable[[], float] = random.random
    store: Store = field(default_factory=Store)
    queue: WorkQueue[Key] = field(default_factory=WorkQueue)
    accounts: dict[Key, Account] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    watch: WatchProof = field(default_factory=WatchProof)
    working: bool = False
    leads: Callable[[], bool] = lambda: True
    """Whether this process may act; with a Lease, whether it still holds it."""

    def memory(self, uid: str) -> Memory:
        """What is remembered of an object."""
        return self.memories.setdefault(uid, Memory())

    def identity(self, stored: Stored) -> Identity:
        """An object as an owner of cloud things."""
        return Identity(
            installation=self.installation,
            namespace=stored.key.namespace,
            name=stored.key.name,
            uid=stored.uid,
        )

    def insist_on_leading(self) -> None:
        """Raise NotLeading when another operator may be at work already."""
        if not self.leads():
            raise NotLeading

    def secret_pause(self) -> float:
        """Seconds between two readings of a tenant's model key; more when there are many."""
        return max(self.settings.secret_seconds, len(self.memories) * SECRET_READ_SECONDS)

    def spread(self) -> float:
        """A factor in [0.5, 1] that keeps many objects from coming back at once."""
        return 0.5 + self.draw() / 2
