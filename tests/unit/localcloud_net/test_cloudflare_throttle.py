"""Cloudflare's rate limit: so many requests in five minutes, then none for five minutes."""

from __future__ import annotations

from localcloud.clock import ManualClock
from localcloud.cloudflare.tokens import Throttle


async def test_the_first_request_too_many_blocks_for_five_minutes() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, limit=2)
    assert throttle.count("a")["Ratelimit"] == '"default";r=1;t=300'
    await clock.jump(200)
    assert throttle.count("a")["Ratelimit"] == '"default";r=0;t=100'
    await clock.jump(50)
    assert throttle.count("a")["retry-after"] == "300"
    await clock.jump(60)  # the window of the first request is over, the block is not
    blocked = throttle.count("a")
    assert (blocked["retry-after"], blocked["Ratelimit"]) == ("240", '"default";r=0;t=240')
    assert "retry-after" not in throttle.count("b")
    await clock.jump(240)
    assert throttle.count("a")["Ratelimit"] == '"default";r=1;t=300'


async def test_there_is_always_a_second_to_wait() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, limit=1)
    throttle.count("a")
    throttle.count("a")
    await clock.jump(299.5)
    assert throttle.count("a")["retry-after"] == "1"


async def test_a_window_without_one_too_many_just_ends() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, limit=1)
    throttle.count("a")
    await clock.jump(300)
    assert "retry-after" not in throttle.count("a")
