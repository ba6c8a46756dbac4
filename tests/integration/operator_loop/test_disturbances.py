"""The provider has none left, is disturbed, or loses answers: what passes by itself."""

from __future__ import annotations

import pytest
from plugins.fix_operator import SLOW, TENANT, Rig
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.core.faults import Ambiguous


async def test_sold_out_moves_what_holds_nothing(rig: Rig) -> None:
    rig.start()
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=2)]
    await rig.expect_healed()
    (server,) = rig.cloud.servers.values()
    (volume,) = rig.cloud.volumes.values()
    (address,) = rig.cloud.ips.values()
    assert server.location == volume.location == address.location == "nbg1"


async def test_sold_out_everywhere(rig: Rig) -> None:
    rig.start()
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=4)]
    await rig.expect(lambda: "Sold out" in rig.conditions().get("Ready", ("", "", ""))[2])
    assert "cx23 in fsn1" in await rig.expect_reason("OutOfStock")
    await rig.expect_healed()


async def test_with_data_only_the_type_falls_back(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    await rig.cloud.delete_server(server.id)
    rig.now = rig.now.replace(hour=1)
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=1)]
    await rig.expect(lambda: len(rig.cloud.servers) == 1, SLOW)
    (new,) = rig.cloud.servers.values()
    assert (new.type, new.location) == ("cx33", "fsn1")
    await rig.expect(rig.is_ready, SLOW)


CREATES = ("create_primary_ip", "create_volume", "create_server", "publish")


@pytest.mark.parametrize("operation", CREATES)
@pytest.mark.parametrize("code", ["locked", "conflict", "server_error", "unavailable", "timeout"])
async def test_disturbances_pass_by_themselves(rig: Rig, operation: str, code: str) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, fault(code, "a disturbance"), times=2)]
    await rig.expect_healed()
    assert len(rig.cloud.ips) == len(rig.cloud.volumes) == 1


@pytest.mark.parametrize("operation", CREATES)
async def test_an_answer_lost_after_the_effect_makes_nothing_twice(
    rig: Rig, operation: str
) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, Ambiguous("time-out"), after=True)]
    await rig.expect_healed()
    assert rig.world.log.count(operation) == 1 or operation == "publish"


async def test_rate_limit_waits_for_the_reset(rig: Rig) -> None:
    rig.start()
    until = rig.now.replace(minute=3)
    error = fault("rate_limit_exceeded", "limit reached", reset_at=until)
    rig.world.faults = [Fault("create_server", error)]
    await rig.expect_reason("RateLimited")
    await rig.expect(rig.is_ready, SLOW)
    assert rig.now >= until


async def test_quota(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("create_server", fault("resource_limit_exceeded", "server limit"))]
    assert "server limit" in await rig.expect_reason("QuotaExceeded")
    await rig.expect_healed()


@pytest.mark.parametrize("command", ["create_server", "create_volume"])
async def test_a_failed_action_is_tried_again(rig: Rig, command: str) -> None:
    rig.start()
    rig.world.fail_actions = {command}
    await rig.expect_healed()


async def test_a_failed_delete_action_is_tried_again(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.world.fail_actions = {"delete_server"}
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert rig.cloud.servers == {}
