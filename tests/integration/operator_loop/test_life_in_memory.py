"""A tenant's life on ports in memory, cut after every effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plugins.fix_operator import TENANT, Rig
from plugins.memory_hosts import MemoryHost
from tenant_operator.host.port import HostAddress
from tenant_operator.metrics import PROVIDER_CALLS


def left_over(rig: Rig) -> list[str]:
    """Everything of the tenant's that still exists."""
    cloud = rig.cloud
    names = [server.name for server in cloud.servers.values()]
    names += [volume.name for volume in cloud.volumes.values()]
    names += [address.name for address in cloud.ips.values()]
    names += [record.hostname for record in rig.dns.records.values()]
    return names + [path for path in rig.cluster.objects if "acme" in path]


async def life(rig: Rig) -> None:
    """Applied, Ready, deleted, gone."""
    await rig.expect_ready()
    assert len(rig.cloud.servers) == len(rig.cloud.volumes) == len(rig.cloud.ips) == 1
    assert len(rig.dns.records) == 1
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)


async def test_a_tenant_becomes_ready_and_leaves_nothing(rig: Rig) -> None:
    rig.start()
    await life(rig)
    assert left_over(rig) == []


async def effects_of_a_life() -> list[str]:
    rig = Rig()
    rig.start()
    await life(rig)
    for account in rig.app.accounts.values():
        await account.poller.close()
    return rig.world.log


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_effect_ends_in_the_same_place(after: bool) -> None:
    effects = await effects_of_a_life()
    assert len(effects) > 30
    for number in range(len(effects)):
        rig = Rig()
        rig.start()
        rig.world.kill_at, rig.world.kill_after = number, after
        try:
            await life(rig)
        except AssertionError as error:
            raise AssertionError(f"killed at {number} {effects[number]}: {error}") from error
        finally:
            for account in rig.app.accounts.values():
                await account.poller.close()
        assert left_over(rig) == [], f"killed at {number} {effects[number]}"
        assert rig.world.log.count("create_server") <= 2, "one for the tenant"
        assert rig.world.kill_at is None, f"{number} was never reached"


async def test_requests_stay_within_the_figures(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    account = next(iter(rig.app.accounts.values()))
    made = sum(account.gate.counts.values()) + sum(account.dns_gate.counts.values())
    assert made <= 15, account.gate.counts
    account.gate.counts.clear()
    account.dns_gate.counts.clear()
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    gone = sum(account.gate.counts.values()) + sum(account.dns_gate.counts.values())
    assert gone <= 10, account.gate.counts


def provider_calls() -> float:
    """Every request to a provider so far, sweeps included."""
    samples = (sample for metric in PROVIDER_CALLS.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def test_an_idle_hour_stays_within_the_figure(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    before, end = provider_calls(), rig.now + timedelta(hours=1)
    while rig.now < end:
        await rig.round()
        rig.now += timedelta(seconds=9)
    assert 20 <= provider_calls() - before <= 60
    assert rig.is_ready()


async def test_a_ready_tenant_is_left_alone(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    for _ in range(3):
        await rig.round()
    before = len(rig.world.log)
    for _ in range(20):
        await rig.round()
    assert rig.world.log[before:] == []


async def test_a_new_machine_is_connected_to_once_with_each_of_its_host_keys(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    connect = rig.hosts.connect

    async def noted(address: HostAddress) -> MemoryHost:
        host = await connect(address)
        shown.append(host.host_key)
        return host

    monkeypatch.setattr(rig.hosts, "connect", noted)
    rig.start()
    await rig.expect_ready()
    (machine,) = rig.hosts.machines.values()
    assert len(shown) == len(set(shown)) == 2
    assert shown[-1] == machine.host_key
    assert [start.split()[0] for start in machine.starts] == [
        "host-key",
        "harden",
        "data-disk",
        "deploy",
    ]
