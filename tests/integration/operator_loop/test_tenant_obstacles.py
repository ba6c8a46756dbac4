"""What a tenant names wrongly or somebody else has: the reason shown; correcting it heals."""

from __future__ import annotations

from typing import Any

import pytest
from plugins.fix_operator import BASE, SLOW, TENANT, Rig, tenant_spec
from plugins.memory_cloud import foreign_server
from plugins.memory_cluster import merged
from tenant_operator.arriving import take
from tenant_operator.cluster.client import Conflict
from tenant_operator.core.world import DnsRecord, Server
from tenant_operator.secret_store import SecretStore


async def test_unknown_fleet(rig: Rig) -> None:
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    message = await rig.expect_reason("FleetNotFound")
    assert "main" in message
    assert "kubectl get fleets" in message
    rig.start()
    await rig.expect_healed()


async def test_a_tenant_of_an_unknown_fleet_can_be_deleted(rig: Rig) -> None:
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.expect_reason("FleetNotFound")
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)


async def test_duplicate_hostname(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    second = f"{BASE}/tenants/zeta"
    created = {"creationTimestamp": "2026-01-01T00:05:00Z"}
    rig.cluster.put(second, {"metadata": created, "spec": tenant_spec()})
    message = await rig.expect_reason("HostnameTaken", second)
    assert "agency/acme" in message
    assert rig.is_ready()
    rig.cluster.edit(second, {"hostname": "zeta.agency.example"})
    await rig.expect(lambda: rig.is_ready(second), SLOW)


async def test_hostname_outside_the_zone(rig: Rig) -> None:
    rig.start(hostname="agent.elsewhere.example")
    assert ".agency.example" in await rig.expect_reason("HostnameOutsideZone")
    rig.cluster.edit(TENANT, {"hostname": "agent.agency.example"})
    await rig.expect_healed()


async def test_unknown_server_type(rig: Rig) -> None:
    rig.start(server={"types": ["cx99"]})
    assert "cx23" in await rig.expect_reason("UnknownServerType")
    assert rig.cloud.ips == {}
    rig.cluster.edit(TENANT, {"server": {"types": ["cx33"]}})
    await rig.expect_healed()


async def test_unknown_location(rig: Rig) -> None:
    rig.start(server={"location": "mars1"})
    assert "fsn1, nbg1" in await rig.expect_reason("UnknownLocation")
    rig.cluster.edit(TENANT, {"server": {"location": "nbg1"}})
    await rig.expect_healed()


async def test_location_cannot_change_once_there_is_data(rig: Rig) -> None:
    rig.start(server={"location": "nbg1"})
    await rig.expect_ready()
    rig.cloud.servers.clear()
    rig.cluster.edit(TENANT, {"server": {"location": "fsn1"}})
    rig.app.accounts[rig.key("fleet", "main")].inventory.servers.entries.clear()
    assert "nbg1" in await rig.expect_reason("LocationFixed")


def foreign(rig: Rig) -> Server:
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    return foreign_server(f"t-acme-{uid[:8]}")


async def test_a_foreign_server_of_our_name_is_untouched(rig: Rig) -> None:
    rig.start()
    rig.cloud.servers[1] = foreign(rig)
    await rig.expect_reason("NameConflict")
    assert rig.cloud.servers[1] == foreign(rig)
    del rig.cloud.servers[1]
    await rig.expect_healed()


async def test_a_foreign_server_survives_the_tenant(rig: Rig) -> None:
    rig.start()
    rig.cloud.servers[1] = foreign(rig)
    await rig.expect_reason("NameConflict")
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert list(rig.cloud.servers) == [1]
    assert not rig.cloud.volumes
    assert not rig.cloud.ips


async def test_a_foreign_record_is_untouched(rig: Rig) -> None:
    rig.start()
    held = DnsRecord(hostname="agent.agency.example", type="A", values=("1.2.3.4",), owner=None)
    rig.dns.records[held.hostname, "A"] = held
    assert "left untouched" in await rig.expect_reason("NameConflict")
    assert rig.dns.records[held.hostname, "A"] == held
    rig.dns.records.clear()
    await rig.expect_healed()


async def test_a_foreign_secret_is_untouched(rig: Rig) -> None:
    rig.start()
    rig.secret("acme-secrets", host_key="somebody's")
    await rig.expect_reason("SecretConflict")
    del rig.cluster.objects["/api/v1/namespaces/agency/secrets/acme-secrets"]
    await rig.expect_healed()


async def test_a_foreign_secret_does_not_hold_the_deletion_up(rig: Rig) -> None:
    rig.start()
    rig.secret("acme-secrets", host_key="somebody's")
    await rig.expect_reason("SecretConflict")
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert "/api/v1/namespaces/agency/secrets/acme-secrets" in rig.cluster.objects


async def test_passwords_that_another_operator_made_meanwhile_are_not_overwritten(rig: Rig) -> None:
    rig.start()
    await rig.expect(lambda: rig.app.store.get(rig.key()) is not None)
    stored = rig.app.store.get(rig.key())
    assert stored is not None
    path = "/api/v1/namespaces/agency/secrets/acme-secrets"
    store = SecretStore(rig.cluster)
    await store.make(stored, ("host_key",))
    plain = rig.cluster.get

    async def overtaken(path: str) -> dict[str, Any]:
        seen = await plain(path)
        rig.cluster.put(path, merged(seen, {"data": {"database_password": "dGhlaXJz"}}))
        return seen

    rig.cluster.get = overtaken  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        await store.make(stored, ("database_password",))
    assert rig.cluster.objects[path]["data"]["database_password"] == "dGhlaXJz"


async def test_a_tenant_that_is_gone_is_hung_up_on(rig: Rig) -> None:
    rig.start()
    await rig.expect(lambda: any(rig.hosts.machines))
    (connection,) = [held.connection for held in rig.app.memories.values() if held.connection]
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    connection.close = close  # type: ignore[method-assign]
    await take(rig.app, "tenant", "DELETED", rig.cluster.objects[TENANT])
    assert closed == [True]
