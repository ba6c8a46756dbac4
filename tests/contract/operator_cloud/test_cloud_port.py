"""What the cloud port promises, held against every implementation of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from plugins.fix_hetzner_adapter import Project
from tenant_operator.cloud.port import Cloud, Created
from tenant_operator.core.faults import Busy, Refused, Taken
from tenant_operator.core.world import (
    ActionRef,
    FirewallRule,
    FirewallSpec,
    Server,
    ServerSpec,
    Volume,
    VolumeSpec,
)

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9BKJhY7jJPWgyNnV639Zl90dVHqVedpFr+hmMftZ2m"
OURS = {"managed-by": "us", "uid": "u-1"}
SERVER = ServerSpec(
    name="t-acme-1",
    type="cx23",
    location="fsn1",
    image="debian-13",
    labels=OURS,
    user_data="#cloud-config\n",
)
VOLUME = VolumeSpec(name="t-acme-1", size_gib=10, location="fsn1", labels=OURS)
FIREWALL = FirewallSpec(
    name="f-1",
    rules=(
        FirewallRule(protocol="tcp", port="443", sources=("0.0.0.0/0", "::/0")),
        FirewallRule(protocol="tcp", port="22", sources=("192.0.2.0/24",), description="agency"),
        FirewallRule(protocol="icmp", port=None, sources=("0.0.0.0/0",)),
    ),
    selector="uid=u-1",
    labels=OURS,
)


@pytest.fixture(params=["hetzner"])
def cloud(request: pytest.FixtureRequest, hetzner_project: Project) -> Cloud:
    """Each implementation on an empty project."""
    return {"hetzner": hetzner_project.cloud}[request.param]


async def finished(cloud: Cloud, actions: Sequence[ActionRef | None]) -> tuple[ActionRef, ...]:
    """Those actions once none of them runs."""
    ids = [action.id for action in actions if action is not None]
    while True:
        found = await cloud.actions(ids)
        if all(action.status != "running" for action in found):
            return found
        await asyncio.sleep(0.01)


async def a_server(cloud: Cloud, spec: ServerSpec = SERVER) -> Server:
    """A running server."""
    made = await cloud.create_server(spec)
    await finished(cloud, made.actions)
    found = await cloud.get_server(made.value.id)
    assert found is not None
    return found


async def a_volume(cloud: Cloud, spec: VolumeSpec = VOLUME) -> Volume:
    """An available volume."""
    made: Created[Volume] = await cloud.create_volume(spec)
    await finished(cloud, made.actions)
    found = await cloud.get_volume(made.value.id)
    assert found is not None
    return found


async def test_what_was_never_made_is_absent_and_not_an_error(cloud: Cloud) -> None:
    assert await cloud.find_server("none") is None
    assert await cloud.get_server(4711) is None
    assert await cloud.list_servers("uid=u-1") == ()
    assert await cloud.find_volume("none") is None
    assert await cloud.get_volume(4711) is None
    assert await cloud.find_primary_ip("none") is None
    assert await cloud.find_firewall("none") is None
    assert await cloud.find_ssh_key("none") is None
    assert await cloud.find_image("none", architecture="x86") is None
    assert await cloud.list_snapshots("uid=u-1") == ()


async def test_deleting_what_is_absent_succeeds(cloud: Cloud) -> None:
    assert await cloud.delete_server(4711) is None
    assert await cloud.detach_volume(4711) is None
    await cloud.delete_volume(4711)
    await cloud.delete_primary_ip(4711)
    await cloud.delete_firewall(4711)
    await cloud.delete_ssh_key(4711)
    await cloud.delete_image(4711)


async def test_a_server_has_everything_it_was_asked_for(cloud: Cloud) -> None:
    firewall = (await cloud.create_firewall(FIREWALL)).value
    volume = await a_volume(cloud)
    address = await cloud.create_primary_ip("ip", location="fsn1", labels=OURS)
    key = await cloud.create_ssh_key("k", public_key=KEY, labels=OURS)
    spec = replace(
        SERVER,
        volume_ids=(volume.id,),
        ssh_key_ids=(key.id,),
        firewall_ids=(firewall.id,),
        primary_ipv4_id=address.id,
        enable_ipv6=True,
    )
    server = await a_server(cloud, spec)
    assert (server.name, server.type, server.location) == ("t-acme-1", "cx23", "fsn1")
    assert server.status == "running"
    assert server.ipv4 == address.ip
    assert server.ipv6 is not None
    assert server.volume_ids == (volume.id,)
    assert address.id in server.primary_ip_ids
    assert dict(server.labels) == OURS
    assert await cloud.find_server("t-acme-1") == server
    assert await cloud.list_servers("uid=u-1,managed-by=us") == (server,)
    attached = await cloud.get_volume(volume.id)
    assert attached is not None
    assert attached.server_id == server.id


async def test_addresses_are_known_at_once(cloud: Cloud) -> None:
    made = await cloud.create_server(SERVER)
    assert made.value.ipv4
    assert made.actions


async def test_a_name_is_taken_once(cloud: Cloud) -> None:
    await cloud.create_server(SERVER)
    with pytest.raises(Taken):
        await cloud.create_server(SERVER)
    await cloud.create_volume(VOLUME)
    with pytest.raises(Taken):
        await cloud.create_volume(VOLUME)
    await cloud.create_ssh_key("k", public_key=KEY, labels={})
    with pytest.raises(Taken):
        await cloud.create_ssh_key("other-name", public_key=KEY, labels={})


async def test_attaching_detaching_and_growing_can_be_repeated(cloud: Cloud) -> None:
    server, volume = await a_server(cloud), await a_volume(cloud)
    await finished(cloud, [await cloud.attach_volume(volume.id, server.id)])
    assert await cloud.attach_volume(volume.id, server.id) is None
    await finished(cloud, [await cloud.resize_volume(volume.id, 20)])
    assert await cloud.resize_volume(volume.id, 20) is None
    with pytest.raises(Refused):
        await cloud.resize_volume(volume.id, 10)
    await finished(cloud, [await cloud.detach_volume(volume.id)])
    assert await cloud.detach_volume(volume.id) is None
    found = await cloud.get_volume(volume.id)
    assert found is not None
    assert (found.size_gib, found.server_id) == (20, None)


async def test_a_volume_and_an_address_outlive_their_server(cloud: Cloud) -> None:
    volume = await a_volume(cloud)
    address = await cloud.create_primary_ip("ip", location="fsn1", labels=OURS)
    spec = replace(SERVER, volume_ids=(volume.id,), primary_ipv4_id=address.id)
    server = await a_server(cloud, spec)
    await finished(cloud, [await cloud.delete_server(server.id)])
    assert await cloud.get_server(server.id) is None
    left = await cloud.get_volume(volume.id)
    assert left is not None
    assert left.server_id is None
    free = await cloud.find_primary_ip("ip")
    assert free is not None
    assert (free.ip, free.server_id, free.auto_delete) == (address.ip, None, False)
    await cloud.delete_volume(volume.id)
    await cloud.delete_primary_ip(address.id)
    assert await cloud.list_volumes("uid=u-1") == ()
    assert await cloud.list_primary_ips("uid=u-1") == ()


async def test_a_firewall_becomes_what_it_should_be(cloud: Cloud) -> None:
    made = (await cloud.create_firewall(FIREWALL)).value
    assert made.rules == FIREWALL.rules
    assert made.selectors == ("uid=u-1",)
    wanted = replace(FIREWALL, rules=FIREWALL.rules[:1], selector="uid=u-2", labels={"a": "b"})
    await finished(cloud, await cloud.set_firewall(made.id, wanted))
    found = await cloud.find_firewall("f-1")
    assert found is not None
    assert (found.rules, found.selectors, dict(found.labels)) == (
        wanted.rules,
        ("uid=u-2",),
        {"a": "b"},
    )


async def test_labels_are_replaced_whole(cloud: Cloud) -> None:
    server, volume = await a_server(cloud), await a_volume(cloud)
    assert dict((await cloud.label_server(server.id, {"x": "y"})).labels) == {"x": "y"}
    assert dict((await cloud.label_volume(volume.id, {"x": "y"})).labels) == {"x": "y"}


async def test_a_volume_changes_name_and_labels_in_one_request(cloud: Cloud) -> None:
    volume, other = await a_volume(cloud), await a_volume(cloud, replace(VOLUME, name="other"))
    found = await cloud.label_volume(volume.id, {"x": "y"}, name="t-new-1")
    assert (found.name, dict(found.labels)) == ("t-new-1", {"x": "y"})
    assert await cloud.find_volume("t-new-1") == found
    with pytest.raises(Taken):
        await cloud.label_volume(other.id, {"x": "z"}, name="t-new-1")
    unchanged = await cloud.get_volume(other.id)
    assert unchanged is not None
    assert dict(unchanged.labels) == OURS


async def test_a_server_becomes_another_type_while_it_is_off(cloud: Cloud) -> None:
    server = await a_server(cloud)
    kinds = {kind.name: kind for kind in await cloud.server_types()}
    assert server.disk_gib == kinds["cx23"].disk_gib
    with pytest.raises(Busy):
        await cloud.change_type(server.id, "cx33")
    await finished(cloud, [await cloud.power_off(server.id)])
    with pytest.raises(Refused):
        await cloud.change_type(server.id, "cx23")
    arm = next(kind.name for kind in kinds.values() if kind.architecture == "arm")
    with pytest.raises(Refused):
        await cloud.change_type(server.id, arm)
    await finished(cloud, [await cloud.change_type(server.id, "cx33")])
    changed = await cloud.get_server(server.id)
    assert changed is not None
    assert (changed.type, changed.disk_gib) == ("cx33", server.disk_gib)
    assert (changed.ipv4, changed.volume_ids) == (server.ipv4, server.volume_ids)


async def test_a_list_is_whole_beyond_one_page(cloud: Cloud) -> None:
    for number in range(53):
        await cloud.create_primary_ip(f"ip-{number}", location="fsn1", labels=OURS)
    assert len(await cloud.list_primary_ips("uid=u-1")) == 53


async def test_actions_are_looked_at_together_and_unknown_ones_left_out(cloud: Cloud) -> None:
    made = await cloud.create_server(SERVER)
    ids = [action.id for action in made.actions]
    found = await cloud.actions([*ids, 999_999])
    assert sorted(action.id for action in found) == sorted(ids)
    assert await cloud.actions([]) == ()


async def test_a_snapshot_is_found_by_its_labels(cloud: Cloud) -> None:
    server = await a_server(cloud)
    await finished(cloud, [await cloud.shutdown(server.id)])
    made = await cloud.create_snapshot(server.id, description="base", labels={"digest": "d1"})
    await finished(cloud, made.actions)
    (found,) = await cloud.list_snapshots("digest=d1")
    assert (found.id, found.type, found.status) == (made.value.id, "snapshot", "available")
    await cloud.delete_image(found.id)
    assert await cloud.list_snapshots("digest=d1") == ()


async def test_the_catalogue_says_what_is_offered_where(cloud: Cloud) -> None:
    types = {item.name: item for item in await cloud.server_types()}
    assert types["cx23"].cores >= 1
    assert "fsn1" in types["cx23"].offers
    image = await cloud.find_image("debian-13", architecture="x86")
    assert image is not None
    assert image.type == "system"


async def test_the_budget_is_known_after_the_first_answer(cloud: Cloud) -> None:
    assert cloud.budget() is None
    await cloud.find_server("none")
    budget = cloud.budget()
    assert budget is not None
    assert budget.remaining < budget.limit
