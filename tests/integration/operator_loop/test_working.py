"""A fault in the operator itself: one object's, told at that object, and no other's."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from plugins.fix_operator import Rig
from plugins.memory_world import Fault
from tenant_operator import main, working
from tenant_operator.app import App
from tenant_operator.cluster.client import KubernetesError
from tenant_operator.cluster.lease import Lease
from tenant_operator.reconcile import reconcile_tenant
from tenant_operator.serving import faults
from tenant_operator.settings import Settings
from tenant_operator.store import Key
from tenant_operator.working import one_pass

HANGS: Final = 20.0
LEASE: Final = "/apis/coordination.k8s.io/v1/namespaces/default/leases/tenant-operator"


async def test_a_fault_of_one_object_does_not_stop_the_others(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reconcile_tenant

    async def broken(app: App, key: Key) -> None:
        if key.name == "acme":
            raise ZeroDivisionError("password=hidden-value")
        await whole(app, key)

    rig.start()
    second = rig.another("zeta")
    with monkeypatch.context() as patch:
        patch.setattr(working, "reconcile_tenant", broken)
        await rig.expect(lambda: rig.is_ready(second))
    assert not rig.is_ready()
    told = [event for event in rig.cluster.events if event["reason"] == "InternalError"]
    assert {event["involvedObject"]["name"] for event in told} == {"acme"}
    assert "ZeroDivisionError" in told[0]["message"]
    assert "kubectl logs" in told[0]["message"]
    assert "hidden-value" not in str(told)
    assert len(told) == 1, "the same news once in ten minutes"
    await rig.expect_ready()


async def test_a_fault_that_cannot_be_told_ends_no_worker(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    rig.start()
    await rig.watch()
    monkeypatch.setattr(working, "reconcile_tenant", broken)
    monkeypatch.setattr(working, "tell", broken)
    await one_pass(rig.app, rig.key())
    assert not [event for event in rig.cluster.events if event["reason"] == "InternalError"]


@pytest.mark.parametrize("write", ["PATCH acme", "PATCH tenants", "PATCH fleets"])
async def test_an_api_server_that_fails_outside_a_step_is_no_fault_of_the_operator(
    rig: Rig, write: str
) -> None:
    error = KubernetesError("etcd leader changed", status=500)
    rig.world.faults = [Fault(f"kubernetes {write}", error, times=3)]
    rig.start()
    await rig.expect_ready()
    reasons = {event["reason"] for event in rig.cluster.events}
    assert "KubernetesUnavailable" in reasons
    assert "InternalError" not in reasons


# -- the process ---------------------------------------------------------------------------------
@pytest.mark.parametrize("lease", [False, True])
async def test_workers_that_end_end_the_process(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, lease: bool
) -> None:
    """A leader that does nothing would keep its Lease, and everybody else from working."""

    async def broken(_: App) -> None:
        raise OSError("no token")

    monkeypatch.setattr(main, "work", broken)
    rig.app.settings = Settings(lease=lease)
    halt = asyncio.Event()
    async with asyncio.timeout(HANGS):
        await main.work_in_turn(rig.app, halt)
    assert halt.is_set()
    held = rig.cluster.objects.get(LEASE, {}).get("spec", {})
    assert held.get("holderIdentity", "") == "", "given back, so that the next one begins"


async def test_a_lost_lease_ends_the_workers_and_the_process(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(_: App) -> None:
        await asyncio.Event().wait()

    async def lost(_: object) -> None:
        return

    monkeypatch.setattr(main, "work", idle)
    monkeypatch.setattr(Lease, "keep", lost)
    rig.app.settings = Settings(lease=True)
    halt = asyncio.Event()
    async with asyncio.timeout(HANGS):
        await main.work_in_turn(rig.app, halt)
    assert halt.is_set()
    assert not rig.app.working


async def test_who_leads_and_does_not_work_is_started_anew(rig: Rig) -> None:
    rig.app.working = True
    assert faults(rig.app) == []
    rig.app.working = False
    assert len(faults(rig.app)) == 1
    rig.app.leads = lambda: False
    assert faults(rig.app) == [], "one that waits for the Lease is well"


async def test_who_waits_for_the_lease_does_not_lead(rig: Rig) -> None:
    rig.app.settings = Settings(lease=True)
    rig.cluster.put(LEASE, {"spec": {"holderIdentity": "other"}})
    waiting = asyncio.create_task(main.work_in_turn(rig.app, asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not rig.app.leads()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
