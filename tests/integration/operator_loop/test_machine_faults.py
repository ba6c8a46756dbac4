"""What a machine can do besides working: the reason it shows, and that correcting heals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.fix_operator import TENANT, Rig
from plugins.memory_hosts import INTERRUPTED, MemoryHosts
from plugins.memory_world import Fault
from tenant_operator.cluster.client import KubernetesError
from tenant_operator.core.world import Glimpse
from tenant_operator.host.port import HostAddress, LoginRefused
from tenant_operator.outside.port import Sight


async def test_a_host_key_that_is_not_pinned_is_refused(rig: Rig) -> None:
    rig.start()
    await rig.expect(lambda: bool(rig.cloud.servers))
    (server,) = rig.cloud.servers.values()
    machine = rig.hosts.machine(server)
    pinned, machine.host_key = machine.host_key, "ssh-ed25519 AAAAforeign"
    await rig.expect_reason("HostKeyMismatch")
    assert machine.starts == []
    machine.host_key = pinned
    await rig.expect_healed()


async def test_no_ssh_becomes_stalled_after_the_deadline(rig: Rig) -> None:
    rig.start()
    rig.hosts.unreachable = True
    assert "nobody answers" in await rig.expect_reason("Booting")
    born = rig.now
    assert "nobody answers" in await rig.expect_reason("HostUnreachable")
    assert rig.now - born > timedelta(seconds=25)
    rig.now = rig.now.replace(minute=30)
    assert "sshNetworks" in await rig.expect_reason("DeadlineExceeded")
    assert rig.conditions()["Stalled"][0] == "True"
    rig.hosts.unreachable = False
    await rig.expect_healed()


async def test_cloud_init_error(rig: Rig) -> None:
    rig.start()
    rig.hosts.next_cloud_init = ["error"]
    assert "no network" in await rig.expect_reason("CloudInitFailed")


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("harden:apt-locked", "AptLocked"),
        ("harden:apt-failed", "AptFailed"),
        ("data-disk:foreign-disk", "ForeignDisk"),
        ("deploy:pull-failed", "ImagePullFailed"),
        ("deploy:image-missing", "ImageNotFound"),
        ("deploy:registry-denied", "RegistryDenied"),
        ("deploy:disk-full", "DiskFull"),
        ("deploy:unhealthy", "Unhealthy"),
        ("deploy:interrupted", "Interrupted"),
        ("deploy:something new", "HostJobFailed"),
    ],
)
async def test_a_failed_job_says_why_and_runs_again(rig: Rig, failure: str, reason: str) -> None:
    rig.start()
    rig.hosts.next_failures = [failure]
    assert "happened" in await rig.expect_reason(reason)
    await rig.expect_healed()


@pytest.mark.parametrize("failure", ["deploy:pull-failed", INTERRUPTED])
async def test_a_failed_job_is_not_repeated_without_pause(rig: Rig, failure: str) -> None:
    rig.start()
    rig.hosts.next_failures = [failure] * 50
    for _ in range(60):
        await rig.round()
    (machine,) = rig.hosts.machines.values()
    assert 2 <= sum(start.startswith("deploy") for start in machine.starts) <= 8


async def test_a_machine_that_refuses_the_operators_key(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_hosts: MemoryHosts, address: HostAddress) -> None:
        raise LoginRefused(f"{address.address} refuses the key")

    rig.start()
    with monkeypatch.context() as patch:
        patch.setattr(MemoryHosts, "connect", refused)
        assert "authorized_keys" in await rig.expect_reason("LoginRefused")
    await rig.expect_healed()


async def test_a_disk_that_does_not_appear(rig: Rig) -> None:
    rig.start()
    rig.hosts.next_failures = ["data-disk:disk-missing"]
    assert "hcloud volume list" in await rig.expect_reason("DiskMissing")
    await rig.expect_healed()


async def test_a_disk_that_somebody_detached_is_attached_again(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    (machine,), (server,) = rig.hosts.machines.values(), rig.cloud.servers
    rig.cloud.volumes = {
        key: replace(held, server_id=None) for key, held in rig.cloud.volumes.items()
    }
    machine.mounted, machine.services = None, {}
    rig.hosts.next_failures = ["data-disk:disk-missing"]
    rig.now = rig.now.replace(minute=rig.now.minute + 5)
    await rig.expect_reason("DiskMissing")
    await rig.expect_healed()
    assert [held.server_id for held in rig.cloud.volumes.values()] == [server]
    assert set(machine.services.values()) == {"healthy"}


# -- as seen from outside ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Glimpse(status=None, problem="resolve", detail="no such name"), "NameNotResolved"),
        (Glimpse(status=None, problem="tls", detail="self-signed"), "CertificateUntrusted"),
        (Glimpse(status=None, problem="connect", detail="refused"), "CertificatePending"),
        (Glimpse(status=502, trusted=True, issuer="Test CA"), "AwaitingAnswer"),
    ],
)
async def test_what_customers_would_see_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, seen: Glimpse, reason: str
) -> None:
    async def look(_sight: Sight) -> Glimpse:
        return seen

    rig.start()
    with monkeypatch.context() as patch:
        patch.setattr(rig.outside, "look", look)
        message = await rig.expect_reason(reason)
        assert "https://agent.agency.example: " in message
        rig.now = rig.now.replace(minute=30)
        assert reason in await rig.expect_reason("DeadlineExceeded")
    await rig.expect_healed()


# -- the operator's own things -------------------------------------------------------------------
async def test_lost_keys_of_a_living_machine_are_not_replaced(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    path = "/api/v1/namespaces/agency/secrets/acme-secrets"
    whole = rig.cluster.objects[path]
    data = {key: value for key, value in whole["data"].items() if key != "database_password"}
    rig.cluster.objects[path] = {**whole, "data": data}
    await rig.kill()
    assert "database_password" in await rig.expect_reason("SecretLost")
    rig.cluster.objects[path] = whole
    await rig.expect_healed()


async def test_a_spec_that_this_operator_cannot_read(rig: Rig) -> None:
    rig.start()
    rig.cluster.edit(TENANT, {"volume": {"sizeGiB": "many"}})
    assert "spec.volume.sizeGiB" in await rig.expect_reason("SpecInvalid")
    assert not rig.cloud.ips
    rig.cluster.edit(TENANT, {"volume": {"sizeGiB": 20}})
    await rig.expect_healed()


async def test_an_api_server_that_fails_on_the_way(rig: Rig) -> None:
    rig.start()
    error = KubernetesError("etcd leader changed", status=500)
    rig.world.faults = [Fault("kubernetes POST agency", error, times=2)]
    assert "etcd leader changed" in await rig.expect_reason("KubernetesUnavailable")
    await rig.expect_healed()


async def test_a_job_that_failed_runs_again_at_once_when_the_spec_changes(rig: Rig) -> None:
    """The job itself is the same: what is asked for now may make the difference to it."""
    rig.start()
    rig.hosts.next_failures = ["deploy:image-missing"]
    await rig.expect_reason("ImageNotFound")
    before = rig.now
    rig.cluster.edit(TENANT, {"deletion": {"protected": False, "retain": "1d"}})
    await rig.expect(rig.is_ready, 60)
    assert rig.now - before < timedelta(minutes=2)


async def test_a_disk_that_was_full_during_a_job_is_tried_again_soon(rig: Rig) -> None:
    """Room is made on the machine, which no event tells."""
    rig.start()
    rig.hosts.next_failures = ["deploy:disk-full"]
    await rig.expect_reason("DiskFull")
    before = rig.now
    await rig.expect(rig.is_ready, 60)
    assert rig.now - before < timedelta(minutes=1)
