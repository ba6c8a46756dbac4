"""What a fleet names wrongly, and its life: the reason shown; correcting it heals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.fix_operator import FLEET, SLOW, TENANT, Rig, fleet_spec, tenant_spec
from plugins.memory_cloud import foreign_server
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.dns.port import ZoneNotFound
from tenant_operator.log import HIDDEN, REDACTOR


async def test_stock_image_that_does_not_exist(rig: Rig) -> None:
    rig.start()
    rig.cloud.stock_images = set()
    assert "debian-13" in await rig.expect_reason("ImageNotFound", FLEET)
    assert "ImageNotFound" in await rig.expect_reason("FleetNotAccepted")
    rig.cloud.stock_images = {"debian-13"}
    await rig.expect_healed()


async def test_a_fleet_that_names_another_stock_image_later(rig: Rig) -> None:
    rig.start()
    await rig.expect(rig.is_ready, SLOW)
    rig.cluster.edit(FLEET, {"infrastructure": {"image": "debian-99"}})
    assert "debian-99" in await rig.expect_reason("ImageNotFound", FLEET)
    assert rig.is_ready()
    rig.cluster.edit(FLEET, {"infrastructure": {"image": "debian-13"}})
    await rig.expect_healed()


async def test_missing_secret(rig: Rig) -> None:
    rig.start()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/dns"]
    assert "kubectl create secret generic dns" in await rig.expect_reason("SecretNotFound", FLEET)
    rig.secret("dns", token="dns-token-0123456789")
    await rig.expect_healed()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"wrong": "x"}, "no key token"),
        ({"wrong": "x"}, "--from-file=token=FILE --dry-run=client -o yaml | kubectl apply"),
        ({"token": "  "}, "no key token"),
        ({"token": "two words"}, "holds no token"),
        ({"token": "pasted\ntwice"}, "holds no token"),
    ],
)
async def test_wrong_secret(rig: Rig, entries: dict[str, str], words: str) -> None:
    rig.start()
    rig.secret("dns", **entries)
    assert words in await rig.expect_reason("SecretNotFound", FLEET)
    rig.secret("dns", token="dns-token-0123456789")
    await rig.expect_healed()


@pytest.mark.parametrize("code", ["unauthorized", "forbidden", "token_readonly"])
async def test_wrong_token(rig: Rig, code: str) -> None:
    rig.start()
    rig.world.faults = [Fault("server_types", fault(code, "no"), times=99)]
    await rig.expect_reason("CredentialsRefused", FLEET)
    await rig.expect_reason("FleetNotAccepted")
    rig.world.faults = []
    rig.secret("hcloud", token="another-token-0123456789")
    await rig.expect(rig.is_ready, 40)


async def test_zone_not_found(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("list_records", ZoneNotFound("no such zone"), times=2)]
    await rig.expect_reason("ZoneNotFound", FLEET)
    await rig.expect_healed()


async def test_only_the_registrys_password_is_hidden(rig: Rig) -> None:
    rig.start()
    rig.secret("pull", username="agency-robot", password="a-pull-password")
    rig.cluster.edit(FLEET, {"registry": {"credentialsSecretRef": {"name": "pull"}}})
    await rig.expect_ready()
    text = REDACTOR.clean("agency-robot may not pull with a-pull-password")
    assert text == f"agency-robot may not pull with {HIDDEN}"


async def test_a_fleet_in_trouble_does_not_take_ready_tenants_along(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/dns"]
    await rig.expect_reason("SecretNotFound", FLEET)
    for _ in range(3):
        await rig.round()
    assert rig.is_ready()


async def test_a_token_that_is_refused_does_not_take_ready_tenants_along(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    reads = ("list_servers", "list_volumes", "list_primary_ips", "server_types", "find_firewall")
    rig.world.faults = [Fault(read, fault("unauthorized", "no"), times=999) for read in reads]
    rig.secret("hcloud", token="a-withdrawn-token-0123456789")
    await rig.expect_reason("CredentialsRefused", FLEET)
    for _ in range(20):
        await rig.round()
        assert rig.is_ready()
    rig.world.faults = []
    rig.secret("hcloud", token="another-token-0123456789")
    await rig.expect(lambda: rig.is_ready(FLEET))
    assert rig.is_ready()
    assert len(rig.cloud.servers) == 1


async def test_a_fleet_whose_secret_never_was_there_can_be_deleted(rig: Rig) -> None:
    rig.start()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/hcloud"]
    await rig.expect_reason("SecretNotFound", FLEET)
    rig.cluster.remove(FLEET)
    assert FLEET not in rig.cluster.objects


async def test_a_fleet_whose_token_was_never_accepted_can_be_deleted(rig: Rig) -> None:
    rig.start()
    reads = ("list_servers", "list_volumes", "list_primary_ips", "server_types", "find_firewall")
    rig.world.faults = [Fault(read, fault("unauthorized", "no"), times=999) for read in reads]
    await rig.expect_reason("CredentialsRefused", FLEET)
    rig.cluster.remove(FLEET)
    assert FLEET not in rig.cluster.objects


async def test_a_fleet_whose_secret_is_gone_waits_for_it_with_what_it_made(rig: Rig) -> None:
    rig.start()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: rig.is_ready(FLEET), SLOW)
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/hcloud"]
    rig.cluster.remove(FLEET)
    await rig.expect_reason("SecretNotFound", FLEET)
    rig.secret("hcloud", token="another-token-0123456789")
    await rig.expect(lambda: FLEET not in rig.cluster.objects, SLOW)
    assert not rig.cloud.firewalls
    assert not rig.cloud.keys


async def test_a_fleet_in_use_stays(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.remove(FLEET)
    assert "acme" in await rig.expect_reason("FleetInUse", FLEET)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: FLEET not in rig.cluster.objects, SLOW)
    assert not rig.cloud.firewalls
    assert not rig.cloud.keys


async def test_a_fleet_that_is_being_deleted_takes_no_new_tenants(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.remove(FLEET)
    await rig.expect_reason("FleetInUse", FLEET)
    late = rig.another("zeta")
    assert "kubectl delete tenant zeta -n agency" in await rig.expect_reason(
        "FleetNotAccepted", late
    )
    assert (len(rig.cloud.servers), len(rig.cloud.volumes), len(rig.cloud.ips)) == (1, 1, 1)
    assert rig.is_ready()
    rig.cluster.remove(late)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: FLEET not in rig.cluster.objects, SLOW)


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_tenants_of_a_fleet_that_is_being_deleted_are_served_on(
    rig: Rig, restarted: bool
) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.remove(FLEET)
    await rig.expect_reason("FleetInUse", FLEET)
    if restarted:
        await rig.kill()
    rig.cloud.servers.clear()
    rig.now += timedelta(minutes=10)
    rig.cluster.edit(TENANT, {"displayName": "Acme & Sons"})
    await rig.expect(lambda: rig.is_ready() and len(rig.cloud.servers) == 1, SLOW)
    await rig.expect_reason("FleetInUse", FLEET)


async def test_a_fleet_in_use_says_so_without_its_secret_too(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/hcloud"]
    rig.cluster.remove(FLEET)
    await rig.kill()
    await rig.expect_reason("FleetInUse", FLEET)


async def test_a_fleet_bakes_a_snapshot_and_tenants_start_from_it(rig: Rig) -> None:
    rig.start()
    spec = fleet_spec()
    spec["infrastructure"]["bake"] = True
    rig.cluster.put(FLEET, {"spec": spec})
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: rig.is_ready(FLEET), SLOW)
    (snapshot,) = rig.cloud.images.values()
    assert rig.cloud.servers == {}
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.expect_ready()
    (server,) = rig.cloud.servers
    assert rig.cloud.boot[server].image == snapshot.id
    images = {**spec["images"], "agent": spec["images"]["agent"].replace("ab", "cd")}
    rig.cluster.edit(FLEET, {"images": images})
    await rig.expect(lambda: list(rig.cloud.images) not in ([], [snapshot.id]), SLOW)
    await rig.expect(lambda: rig.is_ready(FLEET), SLOW)
    assert len(rig.cloud.images) == 1


@pytest.mark.parametrize("kept", ["servers", "firewalls", "keys"])
async def test_what_only_has_a_fleets_name_survives_it(rig: Rig, kept: str) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    (guard,), (key,) = rig.cloud.firewalls.values(), rig.cloud.keys.values()
    ours = {
        "servers": replace(foreign_server(guard.name), id=7),
        "firewalls": replace(guard, labels={"owner": "somebody"}),
        "keys": replace(key, labels={"owner": "somebody"}),
    }
    things: dict[int, object] = getattr(rig.cloud, kept)
    things.clear()
    things[7] = ours[kept]
    await rig.kill()
    rig.cluster.remove(FLEET)
    await rig.expect(lambda: FLEET not in rig.cluster.objects)
    assert things == {7: ours[kept]}
    assert len(rig.cloud.servers) + len(rig.cloud.firewalls) + len(rig.cloud.keys) == 1
