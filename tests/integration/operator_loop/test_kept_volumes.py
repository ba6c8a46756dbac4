"""The volumes of deleted tenants: listed, ended in time, missed when somebody took them away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from plugins.fix_operator import FLEET, TENANT, Rig
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.core.world import Volume
from tenant_operator.working import one_pass

SECRETS = "/api/v1/namespaces/agency/secrets"
UNTIL = "blueagency.io/retain-until"
HOUR = timedelta(hours=1, seconds=1)


async def left(rig: Rig) -> Volume:
    """A tenant was deleted; the volume that is kept of it for 30 days."""
    rig.start(deletion={"protected": False, "retain": "30d"})
    await rig.expect_ready()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    await rig.expect(lambda: bool(kept(rig)))
    (volume,) = rig.cloud.volumes.values()
    return volume


def kept(rig: Rig) -> list[dict[str, Any]]:
    """What the Fleet's status says is kept."""
    found: list[dict[str, Any]] = rig.cluster.objects[FLEET].get("status", {}).get("kept", [])
    return found


def tombstone(volume: Volume) -> str:
    """The path of the Secret that is kept with a volume."""
    return f"{SECRETS}/tombstone-{volume.labels['blueagency.io/tenant-uid']}"


def told(rig: Rig, reason: str) -> list[str]:
    """Messages of the events with a reason."""
    return [event["message"] for event in rig.cluster.events if event["reason"] == reason]


async def test_what_is_kept_is_listed_with_its_uid_and_end(rig: Rig) -> None:
    volume = await left(rig)
    (entry,) = kept(rig)
    assert entry["tenant"] == "acme"
    assert entry["volume"] == volume.id
    assert tombstone(volume).endswith(entry["uid"])
    assert entry["until"].startswith("2026-01-31T")


@pytest.mark.parametrize("restart", [False, True], ids=["seen", "while away"])
async def test_a_volume_deleted_by_hand_is_told_and_its_secret_goes_in_time(
    rig: Rig, restart: bool
) -> None:
    volume = await left(rig)
    rig.cloud.volumes.clear()
    if restart:
        await rig.kill()
    rig.now += HOUR
    await rig.expect(lambda: bool(told(rig, "KeptVolumeLost")))
    (message,) = told(rig, "KeptVolumeLost")
    assert f"kubectl delete secret {tombstone(volume).rsplit('/', 1)[1]} -n agency" in message
    await rig.expect(lambda: kept(rig)[0]["missing"])
    assert tombstone(volume) in rig.cluster.objects
    await rig.kill()
    rig.now += timedelta(days=30)
    await rig.expect(lambda: tombstone(volume) not in rig.cluster.objects)
    await rig.expect(lambda: not kept(rig))


async def test_the_command_that_is_told_ends_it(rig: Rig) -> None:
    volume = await left(rig)
    rig.cloud.volumes.clear()
    rig.now += HOUR
    await rig.expect(lambda: bool(told(rig, "KeptVolumeLost")))
    del rig.cluster.objects[tombstone(volume)]
    await rig.expect(lambda: not kept(rig))


async def test_one_missing_answer_proves_nothing(rig: Rig) -> None:
    volume = await left(rig)
    await rig.kill()
    for _ in range(2):
        rig.now += HOUR
        rig.cloud.volumes.clear()
        await rig.round()
        rig.cloud.volumes[volume.id] = volume
        for _ in range(10):
            await rig.round()
    assert not told(rig, "KeptVolumeLost")
    assert kept(rig)[0]["missing"] is False
    assert tombstone(volume) in rig.cluster.objects


async def test_its_end_can_be_put_off_at_the_provider(rig: Rig) -> None:
    volume = await left(rig)
    later = str(int((rig.now + timedelta(days=60)).timestamp()))
    rig.cloud.volumes[volume.id] = replace(volume, labels={**volume.labels, UNTIL: later})
    rig.now += timedelta(days=31)
    for _ in range(10):
        await rig.round()
    assert volume.id in rig.cloud.volumes
    assert kept(rig)[0]["until"].startswith("2026-03-02T")


@pytest.mark.parametrize("end", ["soon", "1769904000000", "9" * 30], ids=["words", "ms", "long"])
async def test_an_end_that_nobody_can_read_is_none(rig: Rig, end: str) -> None:
    volume = await left(rig)
    rig.cloud.volumes[volume.id] = replace(volume, labels={**volume.labels, UNTIL: end})
    rig.now += timedelta(days=31)
    for _ in range(10):
        await rig.round()
    assert volume.id in rig.cloud.volumes
    assert kept(rig)[0]["until"].startswith("9999-")
    assert rig.is_ready(FLEET)


async def test_one_that_cannot_be_deleted_holds_up_neither_others_nor_the_fleet(rig: Rig) -> None:
    first = await left(rig)
    other = {**first.labels, "blueagency.io/tenant-uid": "another", UNTIL: "1769900000"}
    rig.cloud.volumes[900] = replace(first, id=900, labels=other)
    rig.now += HOUR
    await rig.expect(lambda: len(kept(rig)) == 2)
    rig.world.faults = [Fault("delete_volume", fault("protected", "delete protection"))]
    rig.now += timedelta(days=31)
    await rig.expect(lambda: len(rig.cloud.volumes) == 1)
    assert "delete protection" in told(rig, "ObjectProtected")[0]
    assert rig.is_ready(FLEET)
    rig.now += HOUR
    await rig.expect(lambda: not rig.cloud.volumes)


async def test_a_fleet_that_keeps_a_volume_stays_until_it_is_gone(rig: Rig) -> None:
    volume = await left(rig)
    rig.cluster.remove(FLEET)
    message = await rig.expect_reason("FleetInUse", FLEET)
    assert f"hcloud volume delete {volume.id}" in message
    rig.cloud.volumes.clear()
    del rig.cluster.objects[tombstone(volume)]
    await rig.expect(lambda: FLEET not in rig.cluster.objects, 400)
    assert not rig.cloud.firewalls


async def test_who_does_not_lead_any_more_deletes_nothing(rig: Rig) -> None:
    volume = await left(rig)
    rig.now += timedelta(days=31)
    answers = iter([True])
    rig.app.leads = lambda: next(answers, False)
    await one_pass(rig.app, rig.key("fleet", "main"))
    assert volume.id in rig.cloud.volumes
    assert tombstone(volume) in rig.cluster.objects
    rig.app.leads = lambda: True
    await rig.expect(lambda: not rig.cloud.volumes)
    await rig.expect(lambda: tombstone(volume) not in rig.cluster.objects)


async def test_kept_no_more_while_it_is_deleted_nothing_stays(rig: Rig) -> None:
    rig.start(deletion={"protected": False, "retain": "30d"})
    await rig.expect_ready()
    rig.world.faults = [Fault("delete_primary_ip", fault("locked", "a disturbance"), times=3)]
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: any(UNTIL in held.labels for held in rig.cloud.volumes.values()))
    (volume,) = rig.cloud.volumes.values()
    assert tombstone(volume) in rig.cluster.objects
    rig.cluster.edit(TENANT, {"deletion": {"retain": "0s"}})
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert not rig.cloud.volumes
    assert tombstone(volume) not in rig.cluster.objects
