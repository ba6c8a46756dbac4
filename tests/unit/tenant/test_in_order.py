"""Some calls at a time, results in order, failures in their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any

import pytest
from tenant_agent.services.in_order import in_order


class Calls:
    """Calls that end when they are told to."""

    def __init__(self, count: int) -> None:
        self.gates = [asyncio.Event() for _ in range(count)]
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self.failing: set[int] = set()

    def all(self) -> list[Callable[[], Coroutine[Any, Any, int]]]:
        """Return them."""
        return [self._call(number) for number in range(len(self.gates))]

    def _call(self, number: int) -> Callable[[], Coroutine[Any, Any, int]]:
        async def run() -> int:
            self.begun.append(number)
            try:
                await self.gates[number].wait()
            except asyncio.CancelledError:
                self.cancelled.append(number)
                raise
            if number in self.failing:
                raise ValueError(number)
            return number

        return run


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_results_come_in_order_although_later_calls_end_first() -> None:
    calls = Calls(4)
    for gate in reversed(calls.gates):
        gate.set()
    assert [result async for result in in_order(calls.all(), 2)] == [0, 1, 2, 3]
    assert [result async for result in in_order(Calls(0).all(), 2)] == []


async def test_no_more_run_than_may_and_the_next_begins_while_a_result_is_used() -> None:
    calls = Calls(4)
    async with aclosing(in_order(calls.all(), 2)) as results:
        first = asyncio.ensure_future(anext(results))
        await settle()
        assert calls.begun == [0, 1]
        calls.gates[1].set()
        await settle()
        assert calls.begun == [0, 1]
        calls.gates[0].set()
        assert await first == 0
        await settle()
        assert calls.begun == [0, 1, 2]


async def test_a_failure_comes_in_its_turn_and_ends_what_is_behind_it() -> None:
    calls = Calls(4)
    calls.failing = {1}
    calls.gates[1].set()
    got = []
    async with aclosing(in_order(calls.all(), 3)) as results:
        first = asyncio.ensure_future(anext(results))
        await settle()
        assert not first.done()
        calls.gates[0].set()
        got.append(await first)
        with pytest.raises(ValueError, match="1"):
            await anext(results)
    assert got == [0]
    assert calls.cancelled == [2, 3]


async def test_who_stops_reading_or_is_cancelled_leaves_nothing_running() -> None:
    calls = Calls(3)

    async def read() -> None:
        async with aclosing(in_order(calls.all(), 2)) as results:
            async for _ in results:
                raise AssertionError("nothing has ended")

    reading = asyncio.ensure_future(read())
    await settle()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert calls.begun == calls.cancelled == [0, 1]
