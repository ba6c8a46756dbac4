"""The work queue: a key once, one worker per key, lanes in order."""

from __future__ import annotations

import asyncio
import random

import pytest
from tenant_operator.workqueue import Lane, WorkQueue


async def test_a_key_is_in_it_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for _ in range(3):
        queue.add("a")
    queue.add("b")
    assert [await queue.take(), await queue.take()] == ["a", "b"]
    assert sum(queue.depth(lane) for lane in Lane) == 0


async def test_lanes_are_served_in_order_and_a_key_can_move_up() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("slow", Lane.BACKGROUND)
    queue.add("user", Lane.USER)
    queue.add("slow", Lane.URGENT)
    assert [await queue.take(), await queue.take()] == ["slow", "user"]


@pytest.mark.parametrize("crowded", [Lane.URGENT, Lane.USER])
async def test_a_crowded_lane_leaves_the_others_a_share(crowded: Lane) -> None:
    queue: WorkQueue[str] = WorkQueue()
    slow = {f"slow {number}" for number in range(5)}
    for number in range(40):
        queue.add(f"busy {number}", crowded)
    for key in slow:
        queue.add(key, Lane.BACKGROUND)
    served = []
    for _ in range(4 * len(slow)):
        served.append(key := await queue.take())
        queue.done(key)
        if key not in slow:
            queue.add(key, crowded)
    assert slow <= set(served)
    assert served[0] == "busy 0"


async def test_a_key_added_while_worked_on_runs_again_and_not_beside() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    key = await queue.take()
    queue.add("a")
    waiting = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done(key)
    assert await waiting == "a"


async def test_a_cancelled_worker_passes_its_turn_on() -> None:
    queue: WorkQueue[str] = WorkQueue()
    first, second = (asyncio.ensure_future(queue.take()) for _ in range(2))
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 30) == "a"


async def test_the_earliest_delay_counts_and_dropping_forgets() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 3600)
    queue.add_after("a", 0.001)
    assert await asyncio.wait_for(queue.take(), 30) == "a"
    queue.done("a")
    queue.add_after("b", 0.001)
    queue.drop("b")
    queue.add_after("c", 0.002)
    assert await asyncio.wait_for(queue.take(), 30) == "c"


async def test_no_key_is_lost_or_doubled_under_load() -> None:
    queue: WorkQueue[int] = WorkQueue()
    draw = random.Random(7)  # noqa: S311 - a repeatable order, no secret
    wanted = dict.fromkeys(range(50), 0)
    seen = dict.fromkeys(range(50), -1)
    active: set[int] = set()

    async def worker() -> None:
        while True:
            key = await queue.take()
            assert key not in active
            active.add(key)
            seen[key] = wanted[key]
            await asyncio.sleep(0)
            active.discard(key)
            queue.done(key)

    workers = [asyncio.ensure_future(worker()) for _ in range(8)]
    for _ in range(3000):
        key = draw.randrange(50)
        wanted[key] += 1
        queue.add(key, draw.choice(list(Lane)))
        if draw.random() < 0.1:
            await asyncio.sleep(0)
    for _ in range(500):
        await asyncio.sleep(0)
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    assert all(seen[key] == wanted[key] for key in wanted if wanted[key])
