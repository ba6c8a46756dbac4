"""The one poller of a fleet's actions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tenant_operator.cloud import actions
from tenant_operator.cloud.actions import ActionPoller
from tenant_operator.core.world import ActionRef

SLOW = ActionRef(id=1, command="create_server", status="running")
QUICK = ActionRef(id=2, command="create_volume", status="running")


async def test_a_new_action_is_looked_at_while_the_poller_waits_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actions, "PAUSES", (1e6,))
    monkeypatch.setattr(actions, "EARLY", {"create_volume": (0.0,)})

    async def ask(ids: Sequence[int]) -> Sequence[ActionRef]:
        assert list(ids) == [1, 2]
        return [SLOW, replace(QUICK, status="success")]

    poller, ended = ActionPoller(ask), asyncio.Event()
    poller.watch(SLOW, lambda _: pytest.fail("the server is not made yet"))
    await asyncio.sleep(0)
    poller.watch(QUICK, lambda _: ended.set())
    await ended.wait()
    await poller.close()


async def test_an_action_that_has_ended_is_told_at_once() -> None:
    async def ask(ids: Sequence[int]) -> Sequence[ActionRef]:
        raise AssertionError(f"nothing was to be asked about {ids}")

    told: list[ActionRef] = []
    done = replace(QUICK, status="error")
    ActionPoller(ask).watch(done, told.append)
    assert told == [done]


async def test_an_answer_that_nobody_foresaw_leaves_no_one_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(actions, "PAUSES", (0.0,))
    monkeypatch.setattr(actions, "EARLY", {})
    faults = [KeyError("status")]

    async def ask(ids: Sequence[int]) -> Sequence[ActionRef]:
        if faults:
            raise faults.pop()
        return [replace(QUICK, status="success")]

    poller, ended = ActionPoller(ask), asyncio.Event()
    poller.watch(QUICK, lambda _: ended.set())
    await asyncio.wait_for(ended.wait(), 30)
    await poller.close()
    assert faults == []
