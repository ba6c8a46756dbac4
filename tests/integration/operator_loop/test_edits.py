"""What changing, protecting and deleting a tenant does to what it has."""

from __future__ import annotations

from plugins.fix_operator import TENANT, Rig
from tenant_operator.core.world import Volume


async def test_branding_is_deployed_without_a_new_machine(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    servers = dict(rig.cloud.servers)
    release = rig.cluster.objects[TENANT]["status"]["release"]
    rig.cluster.edit(TENANT, {"branding": {"primary": "#ff0000"}})
    await rig.expect_ready()
    assert rig.cluster.objects[TENANT]["status"]["release"] != release
    assert rig.cloud.servers == servers


async def test_a_volume_grows(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (machine,) = rig.hosts.machines.values()
    rig.cluster.edit(TENANT, {"volume": {"sizeGiB": 50}})
    await rig.expect_ready()
    (volume,) = rig.cloud.volumes.values()
    assert volume.size_gib == 50
    assert sum(start.startswith("data-disk") for start in machine.starts) == 2


async def test_a_new_hostname_replaces_the_old_one(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.cluster.edit(TENANT, {"hostname": "new.agency.example"})
    await rig.expect_ready()
    assert [key[0] for key in rig.dns.records] == ["new.agency.example"]


async def test_suspend_changes_nothing(rig: Rig) -> None:
    rig.start(suspend=True)
    await rig.expect_reason("Suspended")
    assert not rig.cloud.servers
    assert not rig.cloud.volumes
    rig.cluster.edit(TENANT, {"suspend": False})
    await rig.expect_healed()


async def test_a_protected_tenant_is_held(rig: Rig) -> None:
    rig.start(deletion={"protected": True, "retain": "0s"})
    await rig.expect_ready()
    rig.cluster.remove(TENANT)
    assert "kubectl patch" in await rig.expect_reason("DeletionBlocked")
    assert len(rig.cloud.servers) == 1
    rig.cluster.edit(TENANT, {"deletion": {"protected": False}})
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert not rig.cloud.servers
    assert not rig.cloud.volumes


async def test_a_retained_volume_stays_with_its_secrets_until_its_time(rig: Rig) -> None:
    rig.start(deletion={"protected": False, "retain": "30d"})
    await rig.expect_ready()
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    tombstone = f"/api/v1/namespaces/agency/secrets/tombstone-{uid}"
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
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
    await rig.expect(lambda: not rig.cloud.volumes, 5)
    assert tombstone not in rig.cluster.objects
