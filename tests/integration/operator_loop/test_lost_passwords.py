"""The password of a database that exists is never made anew, and never left behind unkept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plugins.fix_operator import NS, SLOW, TENANT, Rig

OWN = f"/api/v1/namespaces/{NS}/secrets/acme-secrets"
ACCEPT = "blueagency.io/accept-empty-volume"
UNTIL = "blueagency.io/retain-until"
RETAINED = {"deletion": {"protected": False, "retain": "30d"}}


def lose(rig: Rig, entry: str) -> None:
    """Somebody takes an entry, or with "" the whole Secret."""
    held = rig.cluster.objects.pop(OWN)
    if entry:
        data = {key: value for key, value in held["data"].items() if key != entry}
        rig.cluster.objects[OWN] = {**held, "data": data}


async def ready(rig: Rig) -> dict[str, object]:
    """A tenant whose data is to be kept, and its Secret."""
    rig.start(**RETAINED)
    await rig.expect_ready()
    return rig.cluster.objects[OWN]


@pytest.mark.parametrize("entry", ["", "database_password"])
async def test_a_machine_is_not_made_anew_with_another_password(rig: Rig, entry: str) -> None:
    whole = await ready(rig)
    lose(rig, entry)
    rig.cloud.servers.clear()
    await rig.kill()
    assert "opens with no other" in await rig.expect_reason("SecretLost")
    assert not rig.cloud.servers
    rig.cluster.objects[OWN] = whole
    await rig.expect_healed()


async def test_what_opens_no_data_is_made_anew_with_the_machine(rig: Rig) -> None:
    await ready(rig)
    lose(rig, "client_key")
    rig.cloud.servers.clear()
    await rig.kill()
    await rig.expect(lambda: bool(rig.cloud.servers))
    await rig.expect_healed()


@pytest.mark.parametrize("entry", ["", "database_password"])
async def test_a_volume_is_not_kept_without_its_password(rig: Rig, entry: str) -> None:
    whole = await ready(rig)
    lose(rig, entry)
    await rig.kill()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: _said(rig)[1] == "SecretLost")
    assert '"retain":"0s"' in _said(rig)[2]
    assert len(rig.cloud.servers) == 1, "the machine knows the password too"
    rig.cluster.objects[OWN] = whole
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    (kept,) = rig.cloud.volumes.values()
    uid = kept.labels["blueagency.io/tenant-uid"]
    tombstone = rig.cluster.objects[f"/api/v1/namespaces/{NS}/secrets/tombstone-{uid}"]
    assert "database_password" in tombstone["data"]


async def test_data_may_be_let_go_without_its_password(rig: Rig) -> None:
    await ready(rig)
    lose(rig, "")
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: _said(rig)[1] == "SecretLost")
    rig.cluster.edit(TENANT, {"deletion": {"retain": "0s"}})
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert {*rig.cloud.volumes, *rig.cloud.servers, *rig.cloud.ips} == set()


async def test_a_volume_out_of_sight_does_not_cost_its_passwords(rig: Rig) -> None:
    """The token of another project: its volumes are not there, and live on elsewhere."""
    await ready(rig)
    (volume,) = rig.cloud.volumes.values()
    await rig.kill()
    rig.cloud.volumes.clear()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: _said(rig)[1] == "DataVolumeLost")
    assert "put the right one back" in _said(rig)[2]
    assert f"{ACCEPT}={volume.id}" in _said(rig)[2]
    assert OWN in rig.cluster.objects
    assert rig.cloud.servers, "nothing goes before a person has looked"
    rig.cloud.volumes[volume.id] = volume
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert UNTIL in rig.cloud.volumes[volume.id].labels
    uid = volume.labels["blueagency.io/tenant-uid"]
    assert f"/api/v1/namespaces/{NS}/secrets/tombstone-{uid}" in rig.cluster.objects


async def test_a_volume_without_our_labels_does_not_cost_its_passwords(rig: Rig) -> None:
    await ready(rig)
    (volume,) = rig.cloud.volumes.values()
    await rig.kill()
    rig.cloud.volumes[volume.id] = replace(volume, labels={})
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: _said(rig)[1] == "DataVolumeLost")
    assert OWN in rig.cluster.objects


@pytest.mark.parametrize("let_go", ["annotation", "retain"])
async def test_what_is_gone_may_be_let_go(rig: Rig, let_go: str) -> None:
    await ready(rig)
    (volume,) = rig.cloud.volumes.values()
    await rig.kill()
    rig.cloud.volumes.clear()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: _said(rig)[1] == "DataVolumeLost")
    if let_go == "retain":
        rig.cluster.edit(TENANT, {"deletion": {"retain": "0s"}})
    else:
        document = rig.cluster.objects[TENANT]
        document["metadata"]["annotations"] = {ACCEPT: str(volume.id)}
        rig.cluster.put(TENANT, document)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert OWN not in rig.cluster.objects


def _said(rig: Rig) -> tuple[str, str, str]:
    return rig.conditions().get("TornDown", ("", "", ""))
