"""What a new process does not know yet, and what an old one missed, is asked for."""

from __future__ import annotations

from datetime import timedelta

from plugins.fix_operator import FLEET, TENANT, Rig
from plugins.memory_world import Fault
from tenant_operator.arriving import prove_presence
from tenant_operator.cluster.client import KubernetesError
from tenant_operator.working import one_pass


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


async def only_the_fleet_is_heard_of(rig: Rig) -> None:
    """A new process, to which the watch has told of no Tenant yet."""
    await rig.kill()
    rig.cluster.changes = [("ADDED", FLEET)]


async def test_a_fleet_in_use_that_is_heard_of_first_stays_in_use(rig: Rig) -> None:
    rig.start()
    second = rig.another("zeta")
    await rig.expect(lambda: rig.is_ready() and rig.is_ready(second))
    rig.cluster.remove(FLEET)
    await rig.expect_reason("FleetInUse", FLEET)
    await only_the_fleet_is_heard_of(rig)
    for _ in range(5):
        await rig.round()
        assert rig.cluster.objects[FLEET]["status"]["tenants"]["total"] == 2
    assert rig.conditions(FLEET)["TornDown"][1] == "FleetInUse"
    assert all(guard.selectors for guard in rig.cloud.firewalls.values())


async def test_a_tenant_of_the_list_that_the_watch_never_shows_is_noticed(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    await only_the_fleet_is_heard_of(rig)
    await rig.watch()
    await one_pass(rig.app, rig.key("fleet", "main"))
    rig.now += timedelta(minutes=3)
    assert rig.app.watch.overdue(rig.now) is not None
    rig.cluster.changes.append(("ADDED", TENANT))
    rig.cluster.changes.append(("MODIFIED", FLEET))
    await rig.watch()
    assert rig.app.watch.overdue(rig.now) is None


async def test_who_runs_is_no_orphan_because_it_was_not_heard_of_yet(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    await only_the_fleet_is_heard_of(rig)
    for _ in range(5):
        await rig.round()
        status = rig.cluster.objects[FLEET]["status"]
        assert (status["tenants"], status["orphans"]) == ({"total": 1, "ready": 1}, 0)
    assert "OrphansFound" not in {event["reason"] for event in rig.cluster.events}


async def test_until_its_tenants_are_known_a_fleet_is_left_as_it_is(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.remove(FLEET)
    await rig.expect_reason("FleetInUse", FLEET)
    await only_the_fleet_is_heard_of(rig)
    busy = KubernetesError("too many requests", status=429)
    rig.world.faults = [Fault("kubernetes LIST tenants", busy, times=5)]
    before = rig.cluster.objects[FLEET]["status"]
    for _ in range(5):
        await rig.round()
    assert rig.cluster.objects[FLEET]["status"] == before
    assert len(rig.cloud.firewalls) == 1
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: FLEET not in rig.cluster.objects)
    assert not rig.cloud.firewalls


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


async def test_a_fleet_that_went_is_not_waited_for_at_the_watch(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.edit(FLEET, {"publicPort": 8443})
    await rig.watch()
    await one_pass(rig.app, rig.key("fleet", "main"))
    rig.cluster.changes = []
    rig.cluster.gone = rig.cluster.objects.pop(FLEET)
    rig.now += timedelta(minutes=3)
    assert rig.app.watch.overdue(rig.now) is not None
    await prove_presence(rig.app, rig.key("fleet", "main"))
    assert rig.app.watch.overdue(rig.now) is None
