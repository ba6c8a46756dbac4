"""Sweeps that fail: tried again less and less often, and none holds another one up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plugins.fix_operator import FLEET, Rig
from plugins.memory_world import Fault
from tenant_operator.account import Account
from tenant_operator.cloud.port import fault

MANY = 10_000
SWEEPS = ("list_servers", "list_records", "list_volumes")


async def ready(rig: Rig) -> Account:
    """A tenant and its fleet are ready, and every sweep is due soon."""
    rig.start()
    await rig.expect_ready()
    rig.now += timedelta(hours=1)
    return rig.app.accounts[rig.key("fleet", "main")]


async def an_hour(rig: Rig) -> None:
    """The fleet is passed every 15 seconds, as its Secrets are."""
    for _ in range(240):
        await rig.round()
        rig.now += timedelta(seconds=14)


def asked(down: Fault) -> int:
    """How often the call that fails was made."""
    return MANY - down.times


@pytest.mark.parametrize("operation", SWEEPS)
async def test_a_failing_sweep_is_repeated_less_and_less_often(rig: Rig, operation: str) -> None:
    await ready(rig)
    down = Fault(operation, fault("server_error", "down for an hour"), times=MANY)
    rig.world.faults = [down]
    await an_hour(rig)
    assert 10 <= asked(down) <= 30
    assert rig.is_ready(FLEET)
    down.times = 0
    rig.now += timedelta(minutes=5)
    account = rig.app.accounts[rig.key("fleet", "main")]
    before = rig.now
    for _ in range(3):
        await rig.round()
    swept = (account.inventory.servers.swept, account.inventory.records_swept, account.slow_swept)
    assert swept[SWEEPS.index(operation)] == before


async def test_a_dns_provider_that_is_down_does_not_have_all_servers_read_again(rig: Rig) -> None:
    account = await ready(rig)
    down = Fault("list_records", fault("server_error", "down for an hour"), times=MANY)
    rig.world.faults = [down]
    swept = set()
    for _ in range(240):
        await rig.round()
        rig.now += timedelta(seconds=14)
        swept.add(account.inventory.servers.swept)
    assert 10 <= len(swept) <= 14


async def test_at_the_start_too_only_what_failed_is_read_again(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("list_records", fault("server_error", "down"), times=4)]
    swept = set()
    for _ in range(40):
        await rig.round()
        swept |= {held.inventory.servers.swept for held in rig.app.accounts.values()}
    assert rig.is_ready(FLEET)
    assert len(swept - {None}) == 1


async def test_volumes_are_swept_also_after_a_token_was_exchanged(rig: Rig) -> None:
    before = await ready(rig)
    rig.secret("hcloud", token="another-token-0123456789")
    for _ in range(5):
        await rig.round()
    account = rig.app.accounts[rig.key("fleet", "main")]
    assert account is not before
    assert account.slow_swept is not None
