"""Whether a volume holds data does not hang on one label that anybody can remove."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.fix_operator import NS, SLOW, TENANT, Rig
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.core.world import Volume

HOLDS_DATA = "blueagency.io/holds-data"
RETAINED = {"deletion": {"protected": False, "retain": "30d"}}


async def ready(rig: Rig) -> Volume:
    """A tenant with data that is to be kept; its volume."""
    rig.start(**RETAINED)
    await rig.expect_ready()
    (volume,) = rig.cloud.volumes.values()
    return volume


def unmark(rig: Rig, volume: Volume) -> None:
    """Somebody removes the label."""
    labels = {name: value for name, value in volume.labels.items() if name != HOLDS_DATA}
    rig.cloud.volumes[volume.id] = replace(rig.cloud.volumes[volume.id], labels=labels)


def mark(rig: Rig, volume: Volume) -> str | None:
    """What the label says."""
    return rig.cloud.volumes[volume.id].labels.get(HOLDS_DATA)


@pytest.mark.parametrize("restart", [False, True], ids=["seen", "while away"])
async def test_a_removed_label_is_put_back(rig: Rig, restart: bool) -> None:
    volume = await ready(rig)
    unmark(rig, volume)
    if restart:
        await rig.kill()
    rig.now += timedelta(hours=1, seconds=1)
    await rig.expect(lambda: mark(rig, volume) == "true")
    await rig.expect_healed()
    assert rig.cluster.objects[TENANT]["status"]["volume"]["holdsData"] is True


async def test_it_is_put_back_although_the_status_is_lost_too(rig: Rig) -> None:
    volume = await ready(rig)
    unmark(rig, volume)
    await rig.kill()
    del rig.cluster.objects[TENANT]["status"]
    await rig.expect(lambda: mark(rig, volume) == "true")


async def test_without_its_label_a_volume_is_kept_with_its_passwords(rig: Rig) -> None:
    volume = await ready(rig)
    await rig.kill()
    unmark(rig, volume)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert mark(rig, volume) == "true"
    uid = volume.labels["blueagency.io/tenant-uid"]
    assert f"/api/v1/namespaces/{NS}/secrets/tombstone-{uid}" in rig.cluster.objects


async def test_without_its_label_a_volume_does_not_move_as_if_empty(rig: Rig) -> None:
    volume = await ready(rig)
    await rig.kill()
    unmark(rig, volume)
    rig.cloud.servers.clear()
    rig.cloud.volumes[volume.id] = replace(rig.cloud.volumes[volume.id], server_id=None)
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=2)]
    await rig.expect(lambda: rig.conditions()["Ready"][0] == "False")
    await rig.expect(rig.is_ready, SLOW)
    assert list(rig.cloud.volumes) == [volume.id]


async def test_a_kept_volume_that_lost_its_label_is_taken_over_with_its_data(rig: Rig) -> None:
    volume = await ready(rig)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    unmark(rig, rig.cloud.volumes[volume.id])
    uid = volume.labels["blueagency.io/tenant-uid"]
    error = fault("resource_unavailable", "error during placement")
    rig.world.faults = [Fault("create_server", error, times=2)]
    rig.start(volume={"adoptFrom": uid, "sizeGiB": volume.size_gib})
    await rig.expect(rig.is_ready, SLOW)
    assert mark(rig, volume) == "true"
    assert list(rig.cloud.volumes) == [volume.id]
