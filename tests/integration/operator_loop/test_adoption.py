"""The kept volume of a deleted tenant: back to a Tenant that names its uid, and to nobody else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from plugins.fix_operator import BASE, FLEET, TENANT, Rig, fleet_spec, tenant_spec
from tenant_operator.core.world import Volume

SECRETS = "/api/v1/namespaces/agency/secrets"
KEPT = {"deletion": {"protected": False, "retain": "30d"}}
SLOW = 200


@dataclass(frozen=True)
class Past:
    """What is left of the first tenant."""

    uid: str
    volume: Volume
    password: str

    @property
    def tombstone(self) -> str:
        """The path of its kept secrets."""
        return f"{SECRETS}/tombstone-{self.uid}"

    def wish(self, **changes: Any) -> dict[str, Any]:
        """A Tenant that asks for the volume."""
        wanted = {"volume": {"adoptFrom": self.uid}, **KEPT, **changes}
        return {"spec": tenant_spec(**wanted)}


def only(things: Mapping[Any, Volume]) -> Volume:
    """The one volume."""
    (found,) = things.values()
    return found


def password(rig: Rig, secret: str) -> str:
    """The database's password in a Secret."""
    return base64.b64decode(rig.cluster.objects[secret]["data"]["database_password"]).decode()


async def passed(rig: Rig, *, foreground: bool = False, **tenant: Any) -> Past:
    """A tenant lived and was deleted; its volume is kept."""
    rig.start(**KEPT, **tenant)
    await rig.expect_ready()
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    held = password(rig, f"{SECRETS}/acme-secrets")
    rig.cluster.remove(TENANT, foreground=foreground)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert f"{SECRETS}/acme-secrets" not in rig.cluster.objects
    return Past(uid, only(rig.cloud.volumes), held)


def check_adopted(rig: Rig, past: Past) -> None:
    """The volume and its passwords are the new tenant's, and nothing is kept twice."""
    uid = rig.cluster.objects[TENANT]["metadata"]["uid"]
    held = only(rig.cloud.volumes)
    assert (held.id, held.name) == (past.volume.id, f"t-acme-{uid[:8]}")
    assert held.labels["blueagency.io/tenant-uid"] == uid
    assert not {"blueagency.io/retain-until", "blueagency.io/buried"} & set(held.labels)
    assert password(rig, f"{SECRETS}/acme-secrets") == past.password
    assert past.tombstone not in rig.cluster.objects
    assert len(rig.cloud.servers) == len(rig.cloud.ips) == 1


async def test_a_tenant_that_names_the_uid_gets_volume_and_passwords(rig: Rig) -> None:
    past = await passed(rig)
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    check_adopted(rig, past)
    rig.now += timedelta(days=40)
    for _ in range(5):
        await rig.round()
    check_adopted(rig, past)


async def test_the_machine_is_made_where_the_volume_is(rig: Rig) -> None:
    past = await passed(rig, server={"location": "nbg1"})
    assert past.volume.location == "nbg1"
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    (server,) = rig.cloud.servers.values()
    assert server.location == "nbg1"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_effect_it_is_taken_over_once(after: bool) -> None:
    whole = Rig()
    begun = len((await whole_life(whole))[1])
    effects = whole.world.log[begun:]
    assert effects.count("label_volume") >= 2
    for number, effect in enumerate(effects):
        rig = Rig()
        past = await passed(rig)
        rig.cluster.put(TENANT, past.wish())
        rig.world.kill_at, rig.world.kill_after = len(rig.world.log) + number, after
        try:
            await rig.expect(rig.is_ready, SLOW)
            check_adopted(rig, past)
        except AssertionError as error:
            raise AssertionError(f"killed at {number} {effect}: {error}") from error
        finally:
            for account in rig.app.accounts.values():
                await account.poller.close()
        assert rig.world.kill_at is None


async def whole_life(rig: Rig) -> tuple[Past, list[str]]:
    """An undisturbed adoption; what had happened before it."""
    past = await passed(rig)
    before = list(rig.world.log)
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    for account in rig.app.accounts.values():
        await account.poller.close()
    return past, before


async def test_deleted_in_the_foreground_the_passwords_are_kept(rig: Rig) -> None:
    """Argo CD prunes that way: the garbage collector does not wait for finalizers."""
    past = await passed(rig, foreground=True)
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    check_adopted(rig, past)


async def test_another_secret_in_the_place_of_the_passwords_holds_the_deletion(rig: Rig) -> None:
    rig.start(**KEPT)
    await rig.expect_ready()
    name = f"tombstone-{rig.cluster.objects[TENANT]['metadata']['uid']}"
    rig.secret(name, note="somebody's")
    rig.cluster.remove(TENANT)
    assert name in await rig.expect_reason("SecretConflict")
    assert "blueagency.io/retain-until" not in only(rig.cloud.volumes).labels
    del rig.cluster.objects[f"{SECRETS}/{name}"]
    await rig.expect(lambda: TENANT not in rig.cluster.objects, 400)
    assert password(rig, f"{SECRETS}/{name}")


async def test_without_naming_it_the_volume_is_nobodys(rig: Rig) -> None:
    past = await passed(rig)
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.expect_ready()
    assert len(rig.cloud.volumes) == 2
    assert rig.cloud.volumes[past.volume.id] == past.volume
    assert past.tombstone in rig.cluster.objects
    assert password(rig, f"{SECRETS}/acme-secrets") != past.password


async def expect_refused(rig: Rig, past: Past, words: str, path: str = TENANT) -> None:
    """The wish is refused with its cause, and what is kept is as it was."""
    assert words in await rig.expect_reason("NotAdoptable", path)
    for _ in range(5):
        await rig.round()
    assert rig.cloud.volumes == {past.volume.id: past.volume}
    assert not rig.cloud.ips


async def test_a_tenant_of_another_name_does_not_get_it(rig: Rig) -> None:
    past = await passed(rig)
    path = f"{BASE}/tenants/zeta"
    rig.cluster.put(path, past.wish())
    await expect_refused(rig, past, "belonged to agency/acme", path)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("blueagency.io/namespace", "belonged to another/acme"),
        ("blueagency.io/fleet-uid", "another Fleet"),
    ],
)
async def test_a_tenant_of_another_namespace_or_fleet_does_not_get_it(
    rig: Rig, label: str, words: str
) -> None:
    past = await passed(rig)
    rig.cluster.put(f"{BASE}/fleets/second", {"metadata": {"uid": "another"}, "spec": fleet_spec()})
    elsewhere = replace(past.volume, labels={**past.volume.labels, label: "another"})
    rig.cloud.volumes[past.volume.id] = elsewhere
    rig.cluster.put(TENANT, past.wish())
    await expect_refused(rig, replace(past, volume=elsewhere), words)


def made_anew(rig: Rig) -> str:
    """The Fleet was lost without its teardown and is applied again; returns its new uid."""
    rig.cluster.objects[FLEET]["metadata"]["finalizers"] = []
    rig.cluster.remove(FLEET)
    made = rig.cluster.put(FLEET, {"spec": fleet_spec()})
    return str(made["metadata"]["uid"])


async def test_a_fleet_that_was_made_anew_hands_out_what_the_lost_one_kept(rig: Rig) -> None:
    past = await passed(rig)
    fleet = made_anew(rig)
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    check_adopted(rig, past)
    assert only(rig.cloud.volumes).labels["blueagency.io/fleet-uid"] == fleet


async def test_a_fleet_that_was_made_anew_ends_what_the_lost_one_kept(rig: Rig) -> None:
    past = await passed(rig)
    made_anew(rig)
    await rig.expect(lambda: rig.is_ready(FLEET))
    assert [held["uid"] for held in rig.cluster.objects[FLEET]["status"]["kept"]] == [past.uid]
    assert rig.cloud.volumes == {past.volume.id: past.volume}
    rig.now += timedelta(days=31)
    await rig.expect(lambda: not rig.cloud.volumes and past.tombstone not in rig.cluster.objects)


async def test_without_its_passwords_it_is_not_taken_over(rig: Rig) -> None:
    past = await passed(rig)
    kept = rig.cluster.objects.pop(past.tombstone)
    rig.cluster.put(TENANT, past.wish())
    await expect_refused(rig, past, f"tombstone-{past.uid}")
    rig.cluster.put(past.tombstone, kept)
    await rig.expect(rig.is_ready, SLOW)
    check_adopted(rig, past)


async def test_a_wrong_uid_is_told_and_correcting_it_heals(rig: Rig) -> None:
    past = await passed(rig)
    wrong = "00000000-0000-0000-0000-000000000000"
    rig.cluster.put(TENANT, past.wish(volume={"adoptFrom": wrong}))
    await expect_refused(rig, past, f"no volume of a Tenant with the uid {wrong}")
    rig.cluster.edit(TENANT, {"volume": {"adoptFrom": past.uid}})
    await rig.expect(rig.is_ready, SLOW)
    check_adopted(rig, past)


async def test_the_volume_of_a_living_tenant_is_not_taken_over(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    living = rig.cluster.objects[TENANT]["metadata"]["uid"]
    path = f"{BASE}/tenants/zeta"
    spec = tenant_spec(hostname="zeta.agency.example", volume={"adoptFrom": living})
    rig.cluster.put(path, {"spec": spec})
    assert "belonged to agency/acme" in await rig.expect_reason("NotAdoptable", path)
    assert rig.is_ready()


async def test_a_volume_whose_time_is_over_is_not_taken_over(rig: Rig) -> None:
    past = await passed(rig)
    rig.now += timedelta(days=30)
    rig.cluster.edit(FLEET, {"publicPort": 8443})
    rig.cluster.put(TENANT, past.wish())
    await rig.expect(lambda: rig.conditions().get("Ready", ("", ""))[1] == "NotAdoptable")
    assert not rig.cloud.servers


async def test_two_tenants_cannot_take_over_the_same_volume(rig: Rig) -> None:
    past = await passed(rig)
    rig.cluster.put(TENANT, past.wish())
    await rig.expect_ready()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    held = only(rig.cloud.volumes)
    rig.cluster.put(TENANT, past.wish())
    assert past.uid in await rig.expect_reason("NotAdoptable")
    assert only(rig.cloud.volumes) == held


async def test_a_tenant_with_a_volume_of_its_own_keeps_it(rig: Rig) -> None:
    past = await passed(rig)
    rig.cluster.put(TENANT, {"spec": tenant_spec()})
    await rig.expect_ready()
    rig.cluster.edit(TENANT, {"volume": {"adoptFrom": past.uid}})
    assert "of its own" in await rig.expect_reason("NotAdoptable")
    assert rig.cloud.volumes[past.volume.id] == past.volume
    rig.cluster.edit(TENANT, {"volume": {"adoptFrom": None}})
    await rig.expect(rig.is_ready, SLOW)


async def test_a_volume_too_small_is_told_before_it_is_used(rig: Rig) -> None:
    past = await passed(rig, volume={"sizeGiB": 50})
    rig.cluster.put(TENANT, past.wish(volume={"adoptFrom": past.uid, "sizeGiB": 20}))
    assert "50" in await rig.expect_reason("VolumeTooLarge")
    rig.cluster.edit(TENANT, {"volume": {"sizeGiB": 50}})
    await rig.expect(rig.is_ready, SLOW)
    check_adopted(rig, past)


@pytest.mark.parametrize("retain", ["0s", "30d"])
async def test_deleted_in_the_middle_no_old_secrets_stay(rig: Rig, retain: str) -> None:
    past = await passed(rig)
    rig.cluster.put(TENANT, past.wish(deletion={"protected": False, "retain": retain}))
    taken = "blueagency.io/buried"
    await rig.expect(lambda: taken in only(rig.cloud.volumes).labels)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    assert past.tombstone not in rig.cluster.objects
    assert len(rig.cloud.volumes) == (0 if retain == "0s" else 1)


async def test_a_volume_that_was_just_taken_over_is_not_deleted_as_expired(rig: Rig) -> None:
    past = await passed(rig)
    account = rig.app.accounts[rig.key("fleet", "main")]
    labels = {**past.volume.labels, "blueagency.io/tenant-uid": "somebody-new"}
    del labels["blueagency.io/retain-until"]
    rig.now += timedelta(days=31)
    account.inventory.volumes.put(past.uid, past.volume, rig.now + timedelta(hours=1))
    rig.cloud.volumes[past.volume.id] = replace(past.volume, labels=labels)
    for _ in range(3):
        await rig.round()
    assert "delete_volume" not in rig.world.log
    assert past.volume.id in rig.cloud.volumes
    assert past.tombstone in rig.cluster.objects
