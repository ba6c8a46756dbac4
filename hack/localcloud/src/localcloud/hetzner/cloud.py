"""The Hetzner side of the local cloud as one object that requests and effects work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.addresses import AddressPool, PoolExhausted
from localcloud.clock import Clock
from localcloud.hetzner import catalogue, errors, times
from localcloud.hetzner.actions import Effect, Engine
from localcloud.hetzner.enforcement import Enforcement
from localcloud.hetzner.limits import DEFAULT_LIMITS, REQUESTS_PER_HOUR
from localcloud.hetzner.model import Image
from localcloud.hetzner.state import State
from localcloud.hetzner.tickets import Tickets
from localcloud.machines.port import Machines
from localcloud.records import RecordStore


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be chosen for a cloud.

    `pace` is how much of the time that Hetzner takes for an action is waited besides the time
    that the machines need: 0 for none, 1 for all of it.
    """

    pace: float = 0.0
    requests_per_hour: int = REQUESTS_PER_HOUR
    limits: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a cloud is built on."""

    machines: Machines
    records: RecordStore
    pool: AddressPool
    clock: Clock


class Cloud:
    """State, machines and engine; everything runs in one event loop."""

    def __init__(
        self,
        state: State,
        around: Surroundings,
        settings: Settings,
        effects: Mapping[str, Effect[Cloud]],
    ) -> None:
        self.state = state
        self.machines = around.machines
        self.records = around.records
        self.pool = around.pool
        self.clock = around.clock
        self.limits = dict(settings.limits)
        self.sold_out: set[tuple[str, str]] = set()
        self.no_volume_space: set[str] = set()
        self.tickets = Tickets()
        self.rendered_types: dict[tuple[int, frozenset[tuple[str, str]]], dict[str, Any]] = {}
        self._effects = effects
        self.engine = Engine(self, effects, settings.pace)
        self.enforcement = Enforcement(state, around.machines)
        names = around.machines.stock_images()
        self.system_images: dict[int, Image] = {
            image.id: image for image in catalogue.system_images(names)
        }

    async def start(self) -> None:
        """Take up where an earlier run ended."""
        for address in (*self.state.primary_ips, *self.state.floating_ips):
            self.pool.claim(address.ip)
        self.enforcement.start()
        self.engine.resume()

    async def close(self) -> None:
        """Stop all tasks; the state stays."""
        await self.engine.close()
        await self.enforcement.close()

    def now(self) -> str:
        """The present moment as the API writes it."""
        return times.written(self.clock.now())

    def seconds_of(self, command: str) -> float:
        """About how long a command takes at Hetzner."""
        effect = self._effects.get(command)
        return effect.seconds if effect else 0.0

    def image(self, image_id: int | None) -> Image | None:
        """A system image or a snapshot."""
        if image_id is None:
            return None
        return self.system_images.get(image_id) or self.state.images.get(image_id)

    def take_ip(self, kind: str) -> str:
        """A free public address; raises `resource_unavailable`."""
        try:
            return self.pool.take_ipv4() if kind == "ipv4" else self.pool.take_ipv6()
        except PoolExhausted as exhausted:
            raise errors.ApiError("resource_unavailable", str(exhausted)) from exhausted


def expected(moment: datetime, text: str | None) -> bool:
    """Whether the moment that `text` names is still to come."""
    return text is not None and moment < times.read(text)
