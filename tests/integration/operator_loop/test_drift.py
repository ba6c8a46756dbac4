"""What somebody changed or removed at the provider is noticed, and put right or told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plugins.fix_operator import SLOW, TENANT, Rig
from tenant_operator.core.world import DnsRecord


async def test_a_lost_server_is_made_again_with_its_data(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    (volume,) = rig.cloud.volumes.values()
    await rig.cloud.delete_server(server.id)
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.expect(lambda: len(rig.cloud.servers) == 1, 30)
    await rig.expect(rig.is_ready, SLOW)
    assert list(rig.cloud.volumes) == [volume.id]
    (address,) = rig.cloud.ips.values()
    assert next(iter(rig.cloud.servers.values())).ipv4 == address.ip


async def test_a_machine_that_stops_answering_is_asked_for_at_the_provider(rig: Rig) -> None:
    """No sweep comes within the test: minutes less for the customer whose machine is gone."""
    rig.start()
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    await rig.cloud.delete_server(server.id)
    began = rig.now
    rig.cluster.edit(TENANT, {"branding": {"name": "Another"}})
    await rig.expect(lambda: server.id not in rig.cloud.servers and len(rig.cloud.servers) == 1)
    assert rig.now - began < timedelta(seconds=30)
    await rig.expect(rig.is_ready, SLOW)


async def test_a_machine_that_only_does_not_answer_is_kept(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    rig.now += timedelta(minutes=2)
    rig.hosts.unreachable = True
    rig.cluster.edit(TENANT, {"branding": {"name": "Another"}})
    await rig.expect_reason("HostUnreachable")
    for _ in range(20):
        await rig.round()
    assert list(rig.cloud.servers) == [server.id]
    rig.hosts.unreachable = False
    await rig.expect(rig.is_ready, SLOW)


async def test_a_page_that_shifted_is_not_a_loss(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
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
    await rig.expect_ready()
    (volume,) = rig.cloud.volumes.values()
    rig.cloud.volumes.clear()
    rig.now = rig.now.replace(hour=2)
    assert str(volume.id) in await rig.expect_reason("DataVolumeLost")
    await rig.kill()
    for _ in range(10):
        await rig.round()
    assert rig.cloud.volumes == {}
    document = rig.cluster.objects[TENANT]
    document["metadata"]["annotations"] = {"blueagency.io/accept-empty-volume": str(volume.id)}
    rig.cluster.put(TENANT, document)
    await rig.expect(lambda: len(rig.cloud.volumes) == 1, SLOW)


async def test_drift_that_is_only_reported(rig: Rig) -> None:
    rig.start(drift="Report")
    await rig.expect_ready()
    rig.dns.records.clear()
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.expect_reason("DriftFound")
    assert rig.dns.records == {}
    rig.cluster.edit(TENANT, {"drift": "Repair"})
    await rig.expect_healed()


async def test_a_changed_record_is_put_right_within_five_minutes(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    ((key, record),) = rig.dns.records.items()
    rig.dns.records[key] = DnsRecord(
        hostname=record.hostname, type="A", values=("192.0.2.99",), owner=record.owner
    )
    noticed = rig.now
    await rig.expect(lambda: rig.dns.records[key].values == record.values, 300)
    assert (rig.now - noticed).total_seconds() <= 300


@pytest.mark.parametrize(
    ("service", "state"),
    [("worker", None), ("postgres", "exited"), ("traefik", "created"), ("agent-blue", "exited")],
)
async def test_services_that_were_stopped_or_removed_are_started_again(
    rig: Rig, service: str, state: str | None
) -> None:
    rig.start()
    await rig.expect_ready()
    (machine,) = rig.hosts.machines.values()
    del machine.services[service]
    if state is not None:
        machine.services[service] = state
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.expect(lambda: machine.services.get(service) == "healthy")
    await rig.expect_healed()


async def test_a_service_that_is_restarting_is_only_told(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (machine,) = rig.hosts.machines.values()
    machine.services["worker"] = "restarting"
    begun = len(machine.starts)
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    assert "worker (restarting)" in await rig.expect_reason("WaitingForServices")
    assert len(machine.starts) == begun
    machine.services["worker"] = "healthy"
    await rig.expect_healed()


async def test_a_server_switched_off_is_switched_on(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    await rig.cloud.shutdown(server.id)
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.expect(lambda: rig.cloud.servers[server.id].status == "running", SLOW)
    await rig.expect(rig.is_ready, SLOW)
