"""Time as the local cloud sees it: the machine's own, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the parts of the local cloud ask for time and for waiting."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on this clock."""
        ...


class RealClock:
    """The time of the machine the local cloud runs on."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have really passed."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called, in the loop of the sleepers."""

    def __init__(self, start: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The moment the clock stands at."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has been moved past now plus `seconds`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        due = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (due, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`, waking sleepers in order and letting each run before the next."""
        await _settle()
        target = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = due
            if not woken.done():
                woken.set_result(None)
            await _settle()
        self._now = target

    async def jump(self, seconds: float) -> None:
        """Move on by `seconds` in one step: who slept less wakes late, and once."""
        await _settle()
        self._now += timedelta(seconds=seconds)
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._now]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._now]
        heapq.heapify(self._sleepers)
        for _, _, woken in due:
            if not woken.done():
                woken.set_result(None)
        await _settle()


async def _settle() -> None:
    """Let tasks that are ready run until they wait for something of their own."""
    for _ in range(20):
        await asyncio.sleep(0)
