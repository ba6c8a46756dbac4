"""The Lease on a real API server: one works, another takes over, who lost it stops."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from plugins.fix_kube import Kubectl
from plugins.fix_memory_chain import MemoryChain, OperatorProcess
from plugins.waiting import expect
from tenant_operator.cluster.client import Kubernetes
from tenant_operator.cluster.lease import Lease
from tenant_operator.cluster.login import find_access

pytestmark = pytest.mark.apiserver
VALID = 5.0
LONG = 120.0


@asynccontextmanager
async def api(kubectl: Kubectl, server: str = "") -> AsyncIterator[Kubernetes]:
    """The operator's own client; `server` points it elsewhere."""
    access = find_access(kubectl.kubeconfig, None)
    client = Kubernetes(replace(access, server=server or access.server))
    try:
        yield client
    finally:
        await client.close()


def lease(client: Kubernetes, kubectl: Kubectl, holder: str, valid: float = VALID) -> Lease:
    """The test namespace's Lease as one process sees it."""
    return Lease(client, namespace=kubectl.namespace, holder=holder, valid_seconds=valid)


async def test_one_of_many_gets_it_and_hands_it_on(kubectl: Kubectl) -> None:
    async with api(kubectl) as client:
        waiting = {name: lease(client, kubectl, name) for name in "abcdef"}
        tasks = {
            asyncio.create_task(held.acquire(), name=name): held for name, held in waiting.items()
        }
        served: list[str] = []
        while tasks:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=LONG)
            assert len(done) == 1, "two hold the lease at once"
            (task,) = done
            held = tasks.pop(task)
            assert held.remaining() > 0
            assert all(other.remaining() <= 0 for other in tasks.values())
            served.append(task.get_name())
            await held.release()
        assert sorted(served) == list("abcdef")


async def test_the_next_one_begins_after_the_last_has_stopped(kubectl: Kubectl) -> None:
    async with api(kubectl) as client:
        dead, heir = lease(client, kubectl, "dead"), lease(client, kubectl, "heir")
        await dead.acquire()
        await asyncio.wait_for(heir.acquire(), LONG)
        assert dead.remaining() <= 0
        assert heir.remaining() > 0


async def test_a_living_holder_keeps_it(kubectl: Kubectl) -> None:
    async with api(kubectl) as client:
        names = ("holder", "other")
        holder, other = (lease(client, kubectl, name, VALID * 2) for name in names)
        await holder.acquire()
        keeping = asyncio.create_task(holder.keep())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.acquire(), VALID * 3)
        assert holder.remaining() > 0
        assert not keeping.done()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_holder_that_is_cut_off_stops_before_another_begins(kubectl: Kubectl) -> None:
    async with api(kubectl) as client, api(kubectl) as cut:
        holder, heir = lease(cut, kubectl, "holder"), lease(client, kubectl, "heir")
        await holder.acquire()
        waiting = asyncio.create_task(heir.acquire())
        cut._access = replace(cut._access, server="https://127.0.0.1:1")
        await asyncio.wait_for(holder.keep(), LONG)
        assert holder.remaining() <= 0
        assert not waiting.done()
        await asyncio.wait_for(waiting, LONG)


# -- two operators -------------------------------------------------------------------------------
@pytest.fixture
def second(memory_chain: MemoryChain, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Another operator of the same cluster; both work only with the Lease."""
    first = memory_chain.operator
    other = OperatorProcess(first.kubeconfig, first.namespace, tmp_path / "second.log")
    for operator in (first, other):
        operator.settings = {
            "OPERATOR_LEASE": "true",
            "OPERATOR_LEASE_NAMESPACE": first.namespace,
            "OPERATOR_LEASE_SECONDS": "15",
        }
    yield other
    other.kill()


def hold_and_work(chain: MemoryChain, second: OperatorProcess, *, until_effect: str) -> None:
    """The first holds the Lease and has begun on a tenant; the second waits beside it."""
    first = chain.operator
    first.start()
    expect(lambda: first.says("the lease is held"), "the first one's lease")
    second.start()
    chain.kubectl.apply(chain.tenant())
    expect(lambda: any(e["effect"] == until_effect for e in first.effects()), until_effect)


def test_the_second_goes_on_where_the_first_was_killed(
    memory_chain: MemoryChain, second: OperatorProcess
) -> None:
    chain, first = memory_chain, memory_chain.operator
    hold_and_work(chain, second, until_effect="CreateServer")
    assert second.effects() == []
    first.kill()
    chain.wait(chain.is_ready, "Ready")
    assert second.says("the lease is held")
    assert second.effects() != []
    assert set(chain.counts().values()) == {1}


def test_a_frozen_holder_does_nothing_after_it_wakes(
    memory_chain: MemoryChain, second: OperatorProcess
) -> None:
    chain, first = memory_chain, memory_chain.operator
    hold_and_work(chain, second, until_effect="CreateVolume")
    assert first.process is not None
    first.process.send_signal(signal.SIGSTOP)
    frozen = len(first.effects())
    expect(lambda: second.effects() != [], "the second one's work")
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(LONG) == 0
    assert first.says("the lease is lost")
    assert len(first.effects()) <= frozen + 1, "at most what it had written down but not yet begun"
    chain.wait(chain.is_ready, "Ready")
    assert set(chain.counts().values()) == {1}
