"""What a new process does not know yet, and what an old one missed, is asked for."""

from __future__ import annotations

from datetime import timedelta

from plugins.fix_operator import FLEET, TENANT, Rig


async def test_a_deletion_waits_for_a_fleet_that_is_heard_of_later(rig: Rig) -> None:
    rig.start()
    await rig.expect(lambda: bool(rig.cloud.ips) and not rig.cloud.servers)
    rig.cluster.remove(TENANT)
    await rig.kill()
    rig.cluster.changes = [change for change in rig.cluster.changes if change[1] == TENANT]
    for _ in range(3):
        await rig.round()
    assert TENANT in rig.cluster.objects
    rig.cluster.changes = [("ADDED", FLEET)]
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert {*rig.cloud.ips, *rig.cloud.volumes} == set()


async def test_an_object_that_went_while_nobody_watched_is_forgotten(rig: Rig) -> None:
    rig.start()
    second = rig.another("zeta")
    await rig.expect(lambda: rig.is_ready() and rig.is_ready(second))
    rig.cluster.remove(second)
    await rig.watch()
    rig.cluster.gone = rig.cluster.objects.pop(second)
    for _ in range(10):
        await rig.round()
    assert rig.app.store.get(rig.key("tenant", "zeta")) is None
    rig.now += timedelta(minutes=10)
    await rig.expect(lambda: rig.cluster.objects[FLEET]["status"]["tenants"]["total"] == 1)


async def test_an_exchanged_token_leaves_no_action_running_for_ever(rig: Rig) -> None:
    rig.start(server={"types": ["cx23"]})
    await rig.expect_ready()
    rig.world.stick_actions.add("change_server_type")
    rig.cluster.edit(TENANT, {"server": {"types": ["cx33"]}})
    await rig.expect(lambda: "change_type" in rig.world.log)
    rig.secret("hcloud", token="another-token-0123456789")
    for _ in range(100):
        await rig.round()
    rig.cloud.release()
    await rig.expect_healed()
    (machine,) = rig.cloud.servers.values()
    assert (machine.type, machine.status) == ("cx33", "running")
