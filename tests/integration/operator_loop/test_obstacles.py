"""Everything that can stand in a tenant's way: the reason it shows, and that correcting heals."""

from __future__ import annotations

import pytest
from plugins.fix_operator import BASE, FLEET, TENANT, Rig, fleet_spec, tenant_spec
from plugins.memory_world import Fault
from tenant_operator.api.conditions import REASONS
from tenant_operator.cloud.port import fault
from tenant_operator.core.faults import Ambiguous
from tenant_operator.core.world import DnsRecord, Server, Volume
from tenant_operator.dns.port import ZoneNotFound

SLOW = 700


async def healed(rig: Rig) -> None:
    """Ready within the pauses of things that wait for a person."""
    await rig.until(rig.is_ready, SLOW)
    assert len(rig.cloud.servers) == 1
    assert all(reason in REASONS for _, reason, _ in rig.conditions().values())


# -- the spec and what it names ------------------------------------------------------------------
async def test_unknown_fleet(rig: Rig) -> None:
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    message = await rig.reason("FleetNotFound")
    assert "main" in message
    assert "kubectl get fleets" in message
    rig.start()
    await healed(rig)


async def test_a_tenant_of_an_unknown_fleet_can_be_deleted(rig: Rig) -> None:
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.reason("FleetNotFound")
    rig.cluster.remove(TENANT)
    await rig.until(lambda: TENANT not in rig.cluster.objects)


async def test_duplicate_hostname(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    second = f"{BASE}/tenants/zeta"
    created = {"creationTimestamp": "2026-01-01T00:05:00Z"}
    rig.cluster.put(second, {"metadata": created, "spec": tenant_spec()})
    message = await rig.reason("HostnameTaken", second)
    assert "agency/acme" in message
    assert rig.is_ready()
    rig.cluster.edit(second, {"hostname": "zeta.agency.example"})
    await rig.until(lambda: rig.is_ready(second), SLOW)


async def test_hostname_outside_the_zone(rig: Rig) -> None:
    rig.start(hostname="agent.elsewhere.example")
    assert ".agency.example" in await rig.reason("HostnameOutsideZone")
    rig.cluster.edit(TENANT, {"hostname": "agent.agency.example"})
    await healed(rig)


async def test_unknown_server_type(rig: Rig) -> None:
    rig.start(server={"types": ["cx99"]})
    assert "cx23" in await rig.reason("UnknownServerType")
    assert rig.cloud.ips == {}
    rig.cluster.edit(TENANT, {"server": {"types": ["cx33"]}})
    await healed(rig)


async def test_unknown_location(rig: Rig) -> None:
    rig.start(server={"location": "mars1"})
    assert "fsn1, nbg1" in await rig.reason("UnknownLocation")
    rig.cluster.edit(TENANT, {"server": {"location": "nbg1"}})
    await healed(rig)


async def test_location_cannot_change_once_there_is_data(rig: Rig) -> None:
    rig.start(server={"location": "nbg1"})
    await rig.ready()
    rig.cloud.servers.clear()
    rig.cluster.edit(TENANT, {"server": {"location": "fsn1"}})
    rig.app.accounts[rig.key("fleet", "main")].inventory.servers.entries.clear()
    assert "nbg1" in await rig.reason("LocationFixed")


async def test_sold_out_moves_what_holds_nothing(rig: Rig) -> None:
    rig.start()
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=2)]
    await healed(rig)
    (server,) = rig.cloud.servers.values()
    (volume,) = rig.cloud.volumes.values()
    (address,) = rig.cloud.ips.values()
    assert server.location == volume.location == address.location == "nbg1"


async def test_sold_out_everywhere(rig: Rig) -> None:
    rig.start()
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=4)]
    await rig.until(lambda: "Sold out" in rig.conditions().get("Ready", ("", "", ""))[2])
    assert "cx23 in fsn1" in await rig.reason("OutOfStock")
    await healed(rig)


async def test_with_data_only_the_type_falls_back(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (server,) = rig.cloud.servers.values()
    await rig.cloud.delete_server(server.id)
    rig.now = rig.now.replace(hour=1)
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=1)]
    await rig.until(lambda: len(rig.cloud.servers) == 1, SLOW)
    (new,) = rig.cloud.servers.values()
    assert (new.type, new.location) == ("cx33", "fsn1")
    await rig.until(rig.is_ready, SLOW)


async def test_stock_image_that_does_not_exist(rig: Rig) -> None:
    rig.start()
    rig.cloud.stock_images = set()
    assert "debian-13" in await rig.reason("ImageNotFound", FLEET)
    assert "ImageNotFound" in await rig.reason("FleetNotAccepted")
    rig.cloud.stock_images = {"debian-13"}
    await healed(rig)


async def test_a_fleet_that_names_another_stock_image_later(rig: Rig) -> None:
    rig.start()
    await rig.until(rig.is_ready, SLOW)
    rig.cluster.edit(FLEET, {"infrastructure": {"image": "debian-99"}})
    assert "debian-99" in await rig.reason("ImageNotFound", FLEET)
    assert rig.is_ready()
    rig.cluster.edit(FLEET, {"infrastructure": {"image": "debian-13"}})
    await healed(rig)


async def test_missing_secret(rig: Rig) -> None:
    rig.start()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/dns"]
    assert "kubectl create secret generic dns" in await rig.reason("SecretNotFound", FLEET)
    rig.secret("dns", token="dns-token-0123456789")
    await healed(rig)


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
    assert words in await rig.reason("SecretNotFound", FLEET)
    rig.secret("dns", token="dns-token-0123456789")
    await healed(rig)


@pytest.mark.parametrize("code", ["unauthorized", "forbidden", "token_readonly"])
async def test_wrong_token(rig: Rig, code: str) -> None:
    rig.start()
    rig.world.faults = [Fault("server_types", fault(code, "no"), times=99)]
    await rig.reason("CredentialsRefused", FLEET)
    await rig.reason("FleetNotAccepted")
    rig.world.faults = []
    rig.secret("hcloud", token="another-token-0123456789")
    await rig.until(rig.is_ready, 40)


async def test_zone_not_found(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("list_records", ZoneNotFound("no such zone"), times=2)]
    await rig.reason("ZoneNotFound", FLEET)
    await healed(rig)


async def test_a_fleet_in_trouble_does_not_take_ready_tenants_along(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/dns"]
    await rig.reason("SecretNotFound", FLEET)
    for _ in range(3):
        await rig.round()
    assert rig.is_ready()


# -- names that are taken ------------------------------------------------------------------------
def foreign(rig: Rig) -> Server:
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    return Server(
        id=1,
        name=f"t-acme-{uid[:8]}",
        status="running",
        type="cx23",
        location="fsn1",
        ipv4="203.0.113.1",
        ipv6=None,
        labels={"owner": "somebody"},
    )


async def test_a_foreign_server_of_our_name_is_untouched(rig: Rig) -> None:
    rig.start()
    rig.cloud.servers[1] = foreign(rig)
    await rig.reason("NameConflict")
    assert rig.cloud.servers[1] == foreign(rig)
    del rig.cloud.servers[1]
    await healed(rig)


async def test_a_foreign_server_survives_the_tenant(rig: Rig) -> None:
    rig.start()
    rig.cloud.servers[1] = foreign(rig)
    await rig.reason("NameConflict")
    rig.cluster.remove(TENANT)
    await rig.until(lambda: TENANT not in rig.cluster.objects)
    assert list(rig.cloud.servers) == [1]
    assert not rig.cloud.volumes
    assert not rig.cloud.ips


async def test_a_foreign_record_is_untouched(rig: Rig) -> None:
    rig.start()
    held = DnsRecord(hostname="agent.agency.example", type="A", values=("1.2.3.4",), owner=None)
    rig.dns.records[held.hostname, "A"] = held
    assert "left untouched" in await rig.reason("NameConflict")
    assert rig.dns.records[held.hostname, "A"] == held
    rig.dns.records.clear()
    await healed(rig)


async def test_a_foreign_secret_is_untouched(rig: Rig) -> None:
    rig.start()
    rig.secret("acme-secrets", host_key="somebody's")
    await rig.reason("SecretConflict")
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/acme-secrets"]
    await healed(rig)


# -- the cloud -----------------------------------------------------------------------------------
CREATES = ("create_primary_ip", "create_volume", "create_server", "publish")


@pytest.mark.parametrize("operation", CREATES)
@pytest.mark.parametrize("code", ["locked", "conflict", "server_error", "unavailable", "timeout"])
async def test_disturbances_pass_by_themselves(rig: Rig, operation: str, code: str) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, fault(code, "a disturbance"), times=2)]
    await healed(rig)
    assert len(rig.cloud.ips) == len(rig.cloud.volumes) == 1


@pytest.mark.parametrize("operation", CREATES)
async def test_an_answer_lost_after_the_effect_makes_nothing_twice(
    rig: Rig, operation: str
) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, Ambiguous("time-out"), after=True)]
    await healed(rig)
    assert rig.world.log.count(operation) == 1 or operation == "publish"


async def test_rate_limit_waits_for_the_reset(rig: Rig) -> None:
    rig.start()
    until = rig.now.replace(minute=3)
    error = fault("rate_limit_exceeded", "limit reached", reset_at=until)
    rig.world.faults = [Fault("create_server", error)]
    await rig.reason("RateLimited")
    await rig.until(rig.is_ready, SLOW)
    assert rig.now >= until


async def test_quota(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("create_server", fault("resource_limit_exceeded", "server limit"))]
    assert "server limit" in await rig.reason("QuotaExceeded")
    await healed(rig)


@pytest.mark.parametrize("command", ["create_server", "create_volume"])
async def test_a_failed_action_is_tried_again(rig: Rig, command: str) -> None:
    rig.start()
    rig.world.fail_actions = {command}
    await healed(rig)


async def test_a_failed_delete_action_is_tried_again(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    rig.world.fail_actions = {"delete_server"}
    rig.cluster.remove(TENANT)
    await rig.until(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert rig.cloud.servers == {}


# -- drift ---------------------------------------------------------------------------------------
async def test_a_lost_server_is_made_again_with_its_data(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (server,) = rig.cloud.servers.values()
    (volume,) = rig.cloud.volumes.values()
    await rig.cloud.delete_server(server.id)
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.until(lambda: len(rig.cloud.servers) == 1, 30)
    await rig.until(rig.is_ready, SLOW)
    assert list(rig.cloud.volumes) == [volume.id]
    (address,) = rig.cloud.ips.values()
    assert next(iter(rig.cloud.servers.values())).ipv4 == address.ip


async def test_a_page_that_shifted_is_not_a_loss(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (server,) = rig.cloud.servers.values()
    account = rig.app.accounts[rig.key("fleet", "main")]
    account.inventory.servers.sweep({}, started=rig.now)
    before = len(rig.world.log)
    for _ in range(15):
        await rig.round()
    assert "create_server" not in rig.world.log[before:]
    assert list(rig.cloud.servers) == [server.id]


async def test_a_lost_data_volume_is_never_replaced_silently(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (volume,) = rig.cloud.volumes.values()
    rig.cloud.volumes.clear()
    rig.now = rig.now.replace(hour=2)
    assert str(volume.id) in await rig.reason("DataVolumeLost")
    await rig.kill()
    for _ in range(10):
        await rig.round()
    assert rig.cloud.volumes == {}
    document = rig.cluster.objects[TENANT]
    document["metadata"]["annotations"] = {"blueagency.io/accept-empty-volume": str(volume.id)}
    rig.cluster.put(TENANT, document)
    await rig.until(lambda: len(rig.cloud.volumes) == 1, SLOW)


async def test_drift_that_is_only_reported(rig: Rig) -> None:
    rig.start(drift="Report")
    await rig.ready()
    rig.dns.records.clear()
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.reason("DriftFound")
    assert rig.dns.records == {}
    rig.cluster.edit(TENANT, {"drift": "Repair"})
    await healed(rig)


async def test_a_changed_record_is_put_right_within_five_minutes(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    ((key, record),) = rig.dns.records.items()
    rig.dns.records[key] = DnsRecord(
        hostname=record.hostname, type="A", values=("192.0.2.99",), owner=record.owner
    )
    noticed = rig.now
    await rig.until(lambda: rig.dns.records[key].values == record.values, 300)
    assert (rig.now - noticed).total_seconds() <= 300


async def test_a_server_switched_off_is_switched_on(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (server,) = rig.cloud.servers.values()
    await rig.cloud.shutdown(server.id)
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.until(lambda: rig.cloud.servers[server.id].status == "running", SLOW)
    await rig.until(rig.is_ready, SLOW)


# -- edits and deletion --------------------------------------------------------------------------
async def test_branding_is_deployed_without_a_new_machine(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    servers = dict(rig.cloud.servers)
    release = rig.cluster.objects[TENANT]["status"]["release"]
    rig.cluster.edit(TENANT, {"branding": {"primary": "#ff0000"}})
    await rig.ready()
    assert rig.cluster.objects[TENANT]["status"]["release"] != release
    assert rig.cloud.servers == servers


async def test_a_volume_grows(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    (machine,) = rig.hosts.machines.values()
    rig.cluster.edit(TENANT, {"volume": {"sizeGiB": 50}})
    await rig.ready()
    (volume,) = rig.cloud.volumes.values()
    assert volume.size_gib == 50
    assert sum(start.startswith("data-disk") for start in machine.starts) == 2


async def test_a_new_hostname_replaces_the_old_one(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    rig.cluster.edit(TENANT, {"hostname": "new.agency.example"})
    await rig.ready()
    assert [key[0] for key in rig.dns.records] == ["new.agency.example"]


async def test_suspend_changes_nothing(rig: Rig) -> None:
    rig.start(suspend=True)
    await rig.reason("Suspended")
    assert not rig.cloud.servers
    assert not rig.cloud.volumes
    rig.cluster.edit(TENANT, {"suspend": False})
    await healed(rig)


async def test_a_protected_tenant_is_held(rig: Rig) -> None:
    rig.start(deletion={"protected": True, "retain": "0s"})
    await rig.ready()
    rig.cluster.remove(TENANT)
    assert "kubectl patch" in await rig.reason("DeletionBlocked")
    assert len(rig.cloud.servers) == 1
    rig.cluster.edit(TENANT, {"deletion": {"protected": False}})
    await rig.until(lambda: TENANT not in rig.cluster.objects)
    assert not rig.cloud.servers
    assert not rig.cloud.volumes


async def test_a_retained_volume_stays_with_its_secrets_until_its_time(rig: Rig) -> None:
    rig.start(deletion={"protected": False, "retain": "30d"})
    await rig.ready()
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    tombstone = f"/api/v1/namespaces/agency/secrets/tombstone-{uid}"
    rig.cluster.remove(TENANT)
    await rig.until(lambda: TENANT not in rig.cluster.objects)
    assert not rig.cloud.servers
    assert not rig.cloud.ips
    (volume,) = rig.cloud.volumes.values()
    assert isinstance(volume, Volume)
    assert {"spec.json", "database_password"} <= set(rig.cluster.objects[tombstone]["data"])
    rig.now = rig.now.replace(day=29)
    for _ in range(3):
        await rig.round()
    assert rig.cloud.volumes
    rig.now = rig.now.replace(month=2, day=2)
    await rig.until(lambda: not rig.cloud.volumes, 5)
    assert tombstone not in rig.cluster.objects


async def test_a_fleet_in_use_stays(rig: Rig) -> None:
    rig.start()
    await rig.ready()
    rig.cluster.remove(FLEET)
    assert "acme" in await rig.reason("FleetInUse", FLEET)
    rig.cluster.remove(TENANT)
    await rig.until(lambda: FLEET not in rig.cluster.objects, SLOW)
    assert not rig.cloud.firewalls
    assert not rig.cloud.keys


async def test_a_fleet_bakes_a_snapshot_and_tenants_start_from_it(rig: Rig) -> None:
    rig.start()
    spec = fleet_spec()
    spec["infrastructure"]["bake"] = True
    rig.cluster.put(FLEET, {"spec": spec})
    rig.cluster.remove(TENANT)
    await rig.until(lambda: rig.is_ready(FLEET), SLOW)
    (snapshot,) = rig.cloud.images.values()
    assert rig.cloud.servers == {}
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.ready()
    (server,) = rig.cloud.servers
    assert rig.cloud.boot[server].image == snapshot.id
    images = {**spec["images"], "agent": spec["images"]["agent"].replace("ab", "cd")}
    rig.cluster.edit(FLEET, {"images": images})
    await rig.until(lambda: list(rig.cloud.images) not in ([], [snapshot.id]), SLOW)
    await rig.until(lambda: rig.is_ready(FLEET), SLOW)
    assert len(rig.cloud.images) == 1
