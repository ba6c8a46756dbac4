"""Another type for a machine that runs: changed while it is off, with its volume and address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.fix_operator import FLEET, SLOW, TENANT, Rig
from plugins.memory_cloud import TYPES
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.core.world import Server, ServerType

BIGGER = {"server": {"types": ["cx33"]}}


def server(rig: Rig) -> Server:
    """The one server."""
    (found,) = rig.cloud.servers.values()
    return found


def kind(name: str, **changes: object) -> ServerType:
    """A type like cx33 with another name."""
    return replace(TYPES[1], name=name, **changes)  # type: ignore[arg-type]


async def on_cx23(rig: Rig, *more: ServerType) -> None:
    """A ready tenant on a cx23, in a cloud that offers more types besides the two."""
    rig.cloud.types = (*TYPES, *more)
    rig.start(server={"types": ["cx23"]})
    await rig.expect_ready()


async def test_the_machine_is_changed_and_everything_else_stays(rig: Rig) -> None:
    await on_cx23(rig)
    before, volumes, addresses = server(rig), dict(rig.cloud.volumes), dict(rig.cloud.ips)
    begun = len(rig.world.log)
    rig.cluster.edit(TENANT, BIGGER)
    await rig.expect_ready()
    after = server(rig)
    assert (after.id, after.type, after.status) == (before.id, "cx33", "running")
    assert (rig.cloud.volumes, rig.cloud.ips) == (volumes, addresses)
    assert after.disk_gib == before.disk_gib
    changes = [e for e in rig.world.log[begun:] if e in ("shutdown", "change_type", "power_on")]
    assert changes == ["shutdown", "change_type", "power_on"]
    assert rig.cluster.objects[TENANT]["status"]["server"]["type"] == "cx33"
    told = [event["message"] for event in rig.cluster.events if event["reason"] == "ChangingType"]
    assert any("cx23 becomes cx33" in message for message in told)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("effect", ["shutdown", "change_type", "power_on"])
async def test_killed_at_each_effect_it_ends_in_the_same_place(effect: str, after: bool) -> None:
    rig = Rig()
    await on_cx23(rig)
    known = server(rig).id
    rig.cluster.edit(TENANT, BIGGER)
    begun = len(rig.world.log)
    whole = Rig()
    await on_cx23(whole)
    whole.cluster.edit(TENANT, BIGGER)
    await whole.expect_ready()
    rig.world.kill_at = begun + whole.world.log[begun:].index(effect)
    rig.world.kill_after = after
    await rig.expect(rig.is_ready, SLOW)
    assert rig.world.kill_at is None
    assert (server(rig).id, server(rig).type, server(rig).status) == (known, "cx33", "running")
    for made in (rig, whole):
        for account in made.app.accounts.values():
            await account.poller.close()


async def test_a_machine_that_ignores_the_button_is_switched_off(rig: Rig) -> None:
    await on_cx23(rig)
    rig.cloud.ignores_the_button = True
    rig.cluster.edit(TENANT, BIGGER)
    await rig.expect(lambda: "shutdown" in rig.world.log)
    pressed = rig.now
    await rig.expect(lambda: "power_off" in rig.world.log, 100)
    assert rig.now - pressed >= timedelta(seconds=55)
    await rig.expect_ready()
    assert server(rig).type == "cx33"


async def test_the_next_type_is_taken_when_one_is_refused(rig: Rig) -> None:
    await on_cx23(rig, kind("cx43"))
    rig.world.faults = [Fault("change_type", fault("resource_unavailable", "no capacity"))]
    rig.cluster.edit(TENANT, {"server": {"types": ["cx33", "cx43"]}})
    await rig.expect_ready()
    assert server(rig).type == "cx43"


async def test_a_failed_change_goes_on_with_the_next_type(rig: Rig) -> None:
    await on_cx23(rig, kind("cx43"))
    rig.world.fail_actions = {"change_server_type"}
    rig.cluster.edit(TENANT, {"server": {"types": ["cx33", "cx43"]}})
    await rig.expect_ready()
    assert (server(rig).type, server(rig).status) == ("cx43", "running")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("resource_unavailable", "OutOfStock"),
        ("invalid_server_type", "TypeNotPossible"),
        ("resource_limit_exceeded", "TypeNotPossible"),
    ],
)
async def test_refused_everywhere_the_machine_runs_on_and_says_why(
    rig: Rig, code: str, reason: str
) -> None:
    await on_cx23(rig)
    rig.world.faults = [Fault("change_type", fault(code, "not this one"))]
    rig.cluster.edit(TENANT, BIGGER)
    await rig.expect(lambda: rig.conditions()["PlacedAsWanted"][0] == "False")
    assert rig.conditions()["PlacedAsWanted"][1] == reason
    assert "not this one" in rig.conditions()["Ready"][2]
    assert (server(rig).type, server(rig).status) == ("cx23", "running")
    assert rig.conditions()["Verified"][0] == "True"
    tries = rig.world.log.count("shutdown")
    for _ in range(120):
        await rig.round()
    assert rig.world.log.count("shutdown") == tries, "a customer is not switched off again soon"
    rig.now += timedelta(minutes=30)
    await rig.expect(rig.is_ready, SLOW)
    assert server(rig).type == "cx33"


async def test_what_is_known_to_be_sold_out_switches_nothing_off(rig: Rig) -> None:
    await on_cx23(rig, kind("cx43", offers={"fsn1": False, "nbg1": True}))
    rig.cluster.edit(TENANT, {"server": {"types": ["cx43"]}})
    assert "sold out in fsn1" in await rig.expect_reason("OutOfStock")
    assert "shutdown" not in rig.world.log
    assert server(rig).status == "running"
    rig.cloud.types = (*TYPES, kind("cx43"))
    rig.now += timedelta(hours=1)
    await rig.expect(rig.is_ready, SLOW)
    assert server(rig).type == "cx43"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"disk_gib": 20}, "its disk has 20 GiB, the machine's 40"),
        ({"architecture": "arm"}, "its architecture is arm"),
        ({"offers": {"hel1": True}}, "not offered in fsn1"),
    ],
)
async def test_a_type_that_cannot_be_had_is_told_with_its_cause(
    rig: Rig, changes: dict[str, object], words: str
) -> None:
    await on_cx23(rig, kind("odd", **changes))
    rig.cluster.edit(TENANT, {"server": {"types": ["odd"]}})
    message = await rig.expect_reason("TypeNotPossible")
    assert words in message
    assert f"hcloud server delete {server(rig).name}" in message
    assert "shutdown" not in rig.world.log
    rig.cluster.edit(TENANT, {"server": {"types": ["odd", "cx23"]}})
    await rig.expect_ready()


async def test_a_trouble_of_the_type_holds_no_other_change_up(rig: Rig) -> None:
    await on_cx23(rig)
    rig.cluster.edit(TENANT, {"server": {"types": ["cx99"]}})
    await rig.expect_reason("UnknownServerType")
    rig.cluster.edit(TENANT, {"hostname": "new.agency.example"})
    await rig.expect(lambda: ("new.agency.example", "A") in rig.dns.records)


async def test_the_fleets_list_changes_no_machine_that_exists(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.edit(FLEET, {"infrastructure": {"serverTypes": ["cx33"]}})
    for _ in range(20):
        await rig.round()
    assert server(rig).type == "cx23"
    assert "shutdown" not in rig.world.log


async def test_a_suspended_tenant_is_not_switched_off(rig: Rig) -> None:
    await on_cx23(rig)
    rig.cluster.edit(TENANT, {"suspend": True, **BIGGER})
    assert "cx23 becomes cx33" in await rig.expect_reason("Suspended")
    assert "shutdown" not in rig.world.log


async def test_another_location_is_told_while_the_machine_lives(rig: Rig) -> None:
    await on_cx23(rig)
    rig.cluster.edit(TENANT, {"server": {"location": "nbg1"}})
    assert "fsn1" in await rig.expect_reason("LocationFixed")
    rig.cluster.edit(TENANT, {"server": {"location": "fsn1"}})
    await rig.expect_ready()


@pytest.mark.parametrize(
    ("wish", "reason"), [("cx999", "UnknownServerType"), ("cax11", "TypeNotPossible")]
)
async def test_a_wish_that_cannot_be_granted_touches_nothing_that_runs(
    rig: Rig, wish: str, reason: str
) -> None:
    """No service gets other limits for the sake of a machine that will never be."""
    await on_cx23(rig, kind("cax11", architecture="arm", memory_gib=2.0))
    (machine,) = rig.hosts.machines.values()
    begun = list(machine.starts)
    release = rig.cluster.objects[TENANT]["status"]["release"]
    rig.cluster.edit(TENANT, {"server": {"types": [wish]}})
    assert wish in await rig.expect_reason(reason)
    rig.cluster.edit(TENANT, {"server": {"types": ["cx23"]}})
    await rig.expect_ready()
    assert machine.starts == begun
    assert rig.cluster.objects[TENANT]["status"]["release"] == release
