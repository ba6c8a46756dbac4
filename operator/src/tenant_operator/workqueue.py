"""A keyed work queue: a key is in it once, and never with two workers at a time.

A key that is added while a worker has it runs again afterwards. Lanes are served in order, but one
that was passed over three times in a row has its turn, so that none starves; delays keep the
earliest time; failures back off by themselves. One waiting worker is woken per key.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Generic, TypeVar

K = TypeVar("K")
PATIENCE: Final = 3
"""How often a lane in which keys wait is passed over before it has its turn."""


class Lane(IntEnum):
    """Who goes first."""

    URGENT = 0
    """Deletions and repairs."""
    USER = 1
    """Edits and what follows from them."""
    BACKGROUND = 2
    """Drift and routine looks."""


@dataclass(frozen=True, order=True)
class _Later(Generic[K]):
    due: float
    order: int
    key: K
    lane: Lane


class WorkQueue(Generic[K]):
    """Keys to be worked on; all methods belong to one event loop."""

    def __init__(self, *, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._ready: dict[Lane, deque[K]] = {lane: deque() for lane in Lane}
        self._waiting: dict[K, Lane] = {}
        self._since: dict[K, float] = {}
        self._passed_over = dict.fromkeys(Lane, 0)
        self._active: set[K] = set()
        self._delayed: list[_Later[K]] = []
        self._due: dict[K, _Later[K]] = {}
        self._failures: dict[K, int] = {}
        self._sleepers: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._counter = 0

    def add(self, key: K, lane: Lane = Lane.USER) -> None:
        """Have a key worked on as soon as a worker is free."""
        self._due.pop(key, None)
        held = self._waiting.get(key)
        if held is not None and held <= lane:
            return
        self._waiting[key] = lane
        self._since.setdefault(key, asyncio.get_running_loop().time())
        if key not in self._active:
            self._ready[lane].append(key)
            self._wake_one()

    def add_after(self, key: K, seconds: float, lane: Lane = Lane.BACKGROUND) -> None:
        """Have a key worked on later; an earlier time that is set already stays."""
        if seconds <= 0:
            self.add(key, lane)
            return
        due = asyncio.get_running_loop().time() + seconds
        held = self._due.get(key)
        if key in self._waiting or (held is not None and held.due <= due):
            return
        self._counter += 1
        later = _Later(due, self._counter, key, lane)
        self._due[key] = later
        heapq.heappush(self._delayed, later)
        self._arm()

    def retry(self, key: K, lane: Lane = Lane.USER) -> None:
        """Have a key worked on after a pause that grows with each failure in a row."""
        count = self._failures[key] = self._failures.get(key, 0) + 1
        self.add_after(key, min(300.0, 2.0 ** min(count, 12)) * (0.5 + self._draw() / 2), lane)

    def forgive(self, key: K) -> None:
        """Forget a key's failures."""
        self._failures.pop(key, None)

    def drop(self, key: K) -> None:
        """Forget a key that does not exist any more."""
        self.forgive(key)
        self._due.pop(key, None)
        self._waiting.pop(key, None)
        self._since.pop(key, None)

    async def take(self) -> K:
        """The next key; it is this worker's alone until `done`."""
        while (key := self._next()) is None:
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.append(sleeper)
            try:
                await sleeper
            except asyncio.CancelledError:
                if sleeper.done() and not sleeper.cancelled():
                    self._wake_one()
                raise
        return key

    def done(self, key: K) -> None:
        """Give a key back; if it was added meanwhile it becomes ready again."""
        self._active.discard(key)
        lane = self._waiting.get(key)
        if lane is not None:
            self._ready[lane].append(key)
            self._wake_one()

    def depth(self, lane: Lane) -> int:
        """How many keys of a lane wait."""
        return sum(1 for held in self._waiting.values() if held is lane)

    def oldest_seconds(self) -> float:
        """How long the oldest waiting key has waited."""
        now = asyncio.get_running_loop().time()
        return max((now - since for since in self._since.values()), default=0.0)

    def _next(self) -> K | None:
        for lane in sorted(Lane, key=lambda lane: self._passed_over[lane] < PATIENCE):
            key = self._first_of(lane)
            if key is not None:
                self._note_turn(lane)
                return key
        return None

    def _first_of(self, lane: Lane) -> K | None:
        keys = self._ready[lane]
        while keys:
            key = keys.popleft()
            if self._waiting.get(key) is lane and key not in self._active:
                del self._waiting[key]
                self._since.pop(key, None)
                self._active.add(key)
                return key
        return None

    def _note_turn(self, served: Lane) -> None:
        self._passed_over[served] = 0
        for lane, keys in self._ready.items():
            if lane > served:
                self._passed_over[lane] = self._passed_over[lane] + 1 if keys else 0

    def _wake_one(self) -> None:
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._delayed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._delayed[0].due, self._fire)

    def _fire(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._delayed and self._delayed[0].due <= now + 0.001:
            later = heapq.heappop(self._delayed)
            if self._due.get(later.key) is later:
                self.add(later.key, later.lane)
        self._arm()
