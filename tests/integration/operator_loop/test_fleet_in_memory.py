"""A fleet's life with baking, cut after every effect: one snapshot, and nothing left at the end."""

from __future__ import annotations

import pytest
from plugins.fix_operator import FLEET, TENANT, Rig, fleet_spec


def begin(rig: Rig) -> None:
    """A fleet that bakes, without tenants."""
    rig.start()
    del rig.cluster.objects[TENANT]
    spec = fleet_spec()
    spec["infrastructure"]["bake"] = True
    rig.cluster.put(FLEET, {"spec": spec})


async def life(rig: Rig) -> None:
    """Ready with one snapshot and no server, then deleted."""
    await rig.expect(lambda: rig.is_ready(FLEET), 200)
    assert (len(rig.cloud.images), len(rig.cloud.servers)) == (1, 0)
    assert len(rig.cloud.firewalls) == len(rig.cloud.keys) == 1
    rig.cluster.remove(FLEET)
    await rig.expect(lambda: FLEET not in rig.cluster.objects, 200)
    assert not any((rig.cloud.images, rig.cloud.firewalls, rig.cloud.keys, rig.cloud.servers))
    assert not [path for path in rig.cluster.objects if "main" in path]


async def closed(rig: Rig) -> None:
    for account in rig.app.accounts.values():
        await account.poller.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_effect_ends_in_the_same_place(after: bool) -> None:
    whole = Rig()
    begin(whole)
    await life(whole)
    await closed(whole)
    effects = whole.world.log
    assert "create_snapshot" in effects
    for number, effect in enumerate(effects):
        rig = Rig()
        begin(rig)
        rig.world.kill_at, rig.world.kill_after = number, after
        try:
            await life(rig)
        except AssertionError as error:
            raise AssertionError(f"killed at {number} {effect}: {error}") from error
        finally:
            await closed(rig)
        assert rig.world.log.count("create_snapshot") == 1, f"killed at {number} {effect}"
        assert rig.world.kill_at is None


async def test_a_failed_bake_does_not_hold_tenants_up(rig: Rig) -> None:
    rig.start()
    spec = fleet_spec()
    spec["infrastructure"]["bake"] = True
    rig.cluster.put(FLEET, {"spec": spec})
    rig.hosts.next_failures = ["bake:apt-failed"] * 200
    await rig.expect_ready()
    assert not rig.is_ready(FLEET)
    assert rig.conditions(FLEET)["ImageReady"][1] in ("AptFailed", "BakingImage")
