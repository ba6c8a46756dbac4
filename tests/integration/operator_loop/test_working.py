"""A fault in the operator itself: one object's, told at that object, and no other's."""

from __future__ import annotations

import pytest
from plugins.fix_operator import Rig
from tenant_operator import working
from tenant_operator.app import App
from tenant_operator.reconcile import reconcile_tenant
from tenant_operator.store import Key


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
