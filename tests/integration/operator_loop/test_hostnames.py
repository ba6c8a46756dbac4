"""One host name, several Tenants: who is in service with it keeps it, otherwise the oldest."""

from __future__ import annotations

from datetime import timedelta

from plugins.fix_operator import BASE, SLOW, TENANT, Rig, fleet_spec, tenant_spec

OTHER = f"{BASE}/fleets/other"
ZETA = "zeta.agency.example"


async def two_in_service(rig: Rig) -> str:
    """acme, and the younger zeta, each with a name of its own; returns the younger's path."""
    rig.start()
    younger = rig.another("zeta")
    document = rig.cluster.objects[younger]
    document["metadata"]["creationTimestamp"] = "2026-01-01T00:05:00Z"
    rig.cluster.put(younger, document)
    await rig.expect(lambda: rig.is_ready() and rig.is_ready(younger))
    return younger


def older(rig: Rig, **changes: object) -> str:
    """A Tenant older than all others; returns its path."""
    created = {"creationTimestamp": "2025-01-01T00:00:00Z"}
    path = f"{BASE}/tenants/elder"
    rig.cluster.put(path, {"metadata": created, "spec": tenant_spec(**changes)})
    return path


async def test_an_older_tenant_takes_no_name_from_one_in_service(rig: Rig) -> None:
    younger = await two_in_service(rig)
    rig.cluster.edit(TENANT, {"hostname": ZETA})
    assert "agency/zeta" in await rig.expect_reason("HostnameTaken")
    rig.cluster.edit(younger, {"displayName": "Zeta & Sons"})
    await rig.expect(lambda: rig.is_ready(younger))
    await rig.kill()
    for _ in range(10):
        await rig.round()
        assert rig.is_ready(younger)
    assert rig.conditions()["Ready"][1] == "HostnameTaken"
    rig.cluster.edit(TENANT, {"hostname": "agent.agency.example"})
    await rig.expect(lambda: rig.is_ready() and rig.is_ready(younger), SLOW)


async def test_it_gets_the_name_when_the_other_one_leaves_it(rig: Rig) -> None:
    younger = await two_in_service(rig)
    rig.cluster.edit(TENANT, {"hostname": ZETA})
    await rig.expect_reason("HostnameTaken")
    rig.cluster.remove(younger)
    await rig.expect(lambda: younger not in rig.cluster.objects and rig.is_ready(), SLOW)


async def test_a_record_that_somebody_removes_does_not_cost_the_name(rig: Rig) -> None:
    younger = await two_in_service(rig)
    rig.cluster.edit(TENANT, {"hostname": ZETA})
    await rig.expect_reason("HostnameTaken")
    for key in [key for key in rig.dns.records if key[0] == ZETA]:
        del rig.dns.records[key]
    await rig.kill()
    await rig.expect(lambda: any(key[0] == ZETA for key in rig.dns.records))
    await rig.expect(lambda: rig.is_ready(younger))
    assert rig.conditions()["Ready"][1] == "HostnameTaken"


async def test_among_those_that_have_nothing_yet_the_oldest_gets_it(rig: Rig) -> None:
    rig.start()
    elder = older(rig)
    assert "agency/elder" in await rig.expect_reason("HostnameTaken")
    await rig.expect(lambda: rig.is_ready(elder))
    assert len(rig.cloud.servers) == 1


async def test_who_cannot_have_the_name_anyway_does_not_count(rig: Rig) -> None:
    rig.start()
    elder = older(rig, fleetRef={"name": "nowhere"})
    await rig.expect_ready()
    await rig.expect_reason("FleetNotFound", elder)


async def test_a_name_outside_its_zone_is_no_claim_to_it(rig: Rig) -> None:
    rig.start()
    elsewhere = fleet_spec()
    elsewhere["dns"]["zone"] = "elsewhere.example"
    rig.cluster.put(OTHER, {"spec": elsewhere})
    elder = older(rig, fleetRef={"name": "other"})
    await rig.expect_ready()
    await rig.expect_reason("HostnameOutsideZone", elder)
    rig.now += timedelta(minutes=10)
    await rig.expect(rig.is_ready)
