"""The operator's own SSH adapter and jobs on a simulated machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from localcloud.machines.memory import MemoryMachines
from localcloud.machines.port import FirewallRule
from localcloud.machines.simulated_host.host import Faults
from plugins.fix_memory_machines import (
    FIRST,
    HARDEN,
    LASTING,
    VOLUME,
    Boot,
    Operator,
    bundle,
    spec_of,
    volume,
)
from plugins.key_pairs import new_pair
from tenant_operator.core.stack import JOB_HARDEN
from tenant_operator.core.world import File, HostFailure, JobPhase
from tenant_operator.host import bootstrap
from tenant_operator.host.port import Command, HostKeyMismatch, LoginRefused, Unreachable
from tenant_operator.host.ssh import SshHost

Reached = Callable[..., Awaitable[SshHost]]


@pytest.fixture
def reached(operator: Operator, boot: Boot) -> Reached:
    """A booted machine with its volume mounted, connected."""

    async def make(server_id: int = 1) -> SshHost:
        host = await operator.connect(await boot(server_id))
        for job in (bootstrap.harden(HARDEN), bootstrap.data_disk(volume(server_id))):
            state = await operator.work(host, job)
            assert state.phase is JobPhase.DONE, state.message
        return host

    return make


async def test_a_tenant_becomes_ready(operator: Operator, boot: Boot) -> None:
    spec = await boot()
    host = await operator.connect(spec, FIRST)
    facts = await operator.facts(host)
    assert (facts.cloud_init, facts.hostname) == ("done", "t-acme-1")
    release = bundle()
    for job in (
        bootstrap.rotate_host_key(LASTING.private, LASTING.public),
        bootstrap.harden(HARDEN),
        bootstrap.data_disk(volume()),
        bootstrap.deploy(release),
    ):
        state = await operator.work(host, job)
        assert state.phase is JobPhase.DONE, state.message
    facts = await operator.facts(host)
    assert (facts.release, facts.mounted_volume) == (release.digest, VOLUME + 1)
    assert facts.services["agent-blue"] == "healthy"
    assert JOB_HARDEN in facts.jobs
    await host.close()
    again = await operator.connect(spec, LASTING)
    assert again.host_key == LASTING.public
    await again.close()
    with pytest.raises(HostKeyMismatch):
        await operator.connect(spec, FIRST)


async def test_a_new_release_moves_to_the_idle_slot(operator: Operator, reached: Reached) -> None:
    host = await reached()
    for revision, color in (("1", "blue"), ("2", "green"), ("3", "blue")):
        await operator.work(host, bootstrap.deploy(bundle(revision)))
        facts = await operator.facts(host)
        agents = [name for name in facts.services if name.startswith("agent-")]
        assert agents == [f"agent-{color}"]
        assert facts.release == bundle(revision).digest
    kept = {bundle("2").digest, bundle("3").digest}
    listed = await host.run(Command(argv=("vim", "/")))
    assert listed.code == 127
    for revision in "123":
        path = f"/opt/tenant/releases/{bundle(revision).digest}/compose.yaml"
        assert (await host.read(path) is not None) is (bundle(revision).digest in kept)
    await host.close()


async def test_an_equal_agent_stays_in_its_slot(operator: Operator, reached: Reached) -> None:
    host = await reached()
    await operator.work(host, bootstrap.deploy(bundle()))
    await operator.work(host, bootstrap.deploy(bundle(hostname="other.acme.example")))
    assert (await operator.facts(host)).release == bundle(hostname="other.acme.example").digest
    await host.close()


async def test_files_are_placed_with_mode_and_owner(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    host = await operator.connect(await boot())
    file = File(path="/opt/tenant/secrets/agent/key", content=b"x" * 70_000, mode=0o400)
    await host.put([file])
    assert await host.read(file.path) == file.content
    assert await host.read("/opt/absent") is None
    node = machines.hosts[1].files.get(file.path)
    assert node is not None
    assert node.mode == 0o400
    assert machines.hosts[1].files.children("/opt/tenant/secrets/agent") == ["key"]
    await host.close()


async def test_drift_is_seen_and_repaired(
    operator: Operator, machines: MemoryMachines, reached: Reached
) -> None:
    host = await reached()
    machines.hosts[1].units["fail2ban.service"] = "inactive"
    assert JOB_HARDEN not in (await operator.facts(host)).jobs
    assert (await operator.work(host, bootstrap.harden(HARDEN))).phase is JobPhase.DONE
    await host.close()


async def test_stopping_lets_go_of_the_disk(operator: Operator, reached: Reached) -> None:
    host = await reached()
    await operator.work(host, bootstrap.deploy(bundle()))
    await operator.work(host, bootstrap.stop_stack())
    facts = await operator.facts(host)
    assert (facts.services, facts.mounted_volume, facts.release) == ({}, None, None)
    await host.close()


@pytest.mark.parametrize("program", ["vim", "curl", "python3"])
async def test_an_unknown_command_ends_with_127(
    operator: Operator, boot: Boot, program: str
) -> None:
    host = await operator.connect(await boot())
    assert (await host.run(Command(argv=(program, "--version")))).code == 127
    await host.close()


async def test_the_wrong_host_key_is_refused(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    spec = await boot()
    machines.plan_faults("1", Faults(ssh="wrong-host-key"))
    with pytest.raises(HostKeyMismatch):
        await operator.connect(spec)
    machines.plan_faults("1", None)
    await (await operator.connect(spec)).close()


async def test_a_foreign_client_key_is_refused(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    spec = await boot()
    await (await operator.connect(spec)).close()
    machines.hosts[1].files.write("/root/.ssh/authorized_keys", new_pair().public.encode())
    with pytest.raises(LoginRefused):
        await operator.connect(spec)


async def test_nobody_answers(operator: Operator, machines: MemoryMachines, boot: Boot) -> None:
    with pytest.raises(Unreachable):
        await operator.connect(spec_of(9))
    spec = await boot()
    machines.plan_faults("t-acme-1", Faults(ssh="refused"))
    with pytest.raises(Unreachable):
        await operator.connect(spec)
    machines.plan_faults("t-acme-1", None)
    host = await operator.connect(spec)
    await machines.stop(1)
    with pytest.raises(Unreachable):
        await operator.facts(host)
    with pytest.raises(Unreachable):
        await operator.connect(spec)


async def test_cloud_init_reports_its_error(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    machines.plan_faults("*", Faults(cloud_init="cc_ssh failed"))
    host = await operator.connect(await boot())
    facts = await operator.facts(host)
    assert (facts.cloud_init, facts.cloud_init_message) == ("error", "cc_ssh failed")
    await host.close()


@pytest.mark.parametrize(
    ("job", "failure"),
    [
        ("harden", HostFailure.APT_LOCKED),
        ("harden", HostFailure.APT_FAILED),
        ("deploy", HostFailure.PULL_FAILED),
        ("deploy", HostFailure.IMAGE_MISSING),
        ("deploy", HostFailure.REGISTRY_DENIED),
        ("deploy", HostFailure.DISK_FULL),
        ("deploy", HostFailure.UNHEALTHY),
    ],
)
async def test_a_job_fails_once_and_then_heals(
    operator: Operator, machines: MemoryMachines, reached: Reached, job: str, failure: HostFailure
) -> None:
    host = await reached()
    work = bootstrap.harden(HARDEN) if job == "harden" else bootstrap.deploy(bundle())
    machines.plan_faults("1", Faults(job=failure.value, job_name=job, job_times=1))
    state = await operator.work(host, work)
    assert (state.phase, state.failure) == (JobPhase.FAILED, failure)
    assert state.message
    assert (await operator.work(host, work)).phase is JobPhase.DONE
    await host.close()


async def test_apt_is_locked_where_apt_is_needed(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    machines.plan_faults("*", Faults(job="apt-locked"))
    host = await operator.connect(await boot())
    state = await operator.work(host, bootstrap.harden(HARDEN))
    assert state.failure is HostFailure.APT_LOCKED
    await host.close()


async def test_a_sick_service_fails_the_deployment(
    operator: Operator, machines: MemoryMachines, reached: Reached
) -> None:
    host = await reached()
    machines.hosts[1].faults = Faults(unhealthy="agent")
    state = await operator.work(host, bootstrap.deploy(bundle()))
    assert state.failure is HostFailure.UNHEALTHY
    assert (await operator.facts(host)).release is None
    await host.close()


async def test_the_disk_must_be_ours(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    host = await operator.connect(await boot())
    machines.hosts[1].volumes[VOLUME + 1].fs = "ext4"
    state = await operator.work(host, bootstrap.data_disk(volume()))
    assert state.failure is HostFailure.FOREIGN_DISK
    state = await operator.work(host, bootstrap.data_disk(volume(5)))
    assert state.failure is HostFailure.DISK_MISSING
    state = await operator.work(host, bootstrap.deploy(bundle()))
    assert state.failure is HostFailure.DISK_MISSING
    await host.close()


async def test_the_clouds_firewall_is_enforced(
    operator: Operator, machines: MemoryMachines, boot: Boot
) -> None:
    spec = await boot()
    web = FirewallRule(direction="in", protocol="tcp", networks=("0.0.0.0/0",), port="443")
    ssh = FirewallRule(direction="in", protocol="tcp", networks=("127.0.0.0/8",), port="22")
    await machines.set_firewall(1, (web,))
    with pytest.raises(Unreachable):
        await operator.connect(spec)
    await machines.set_firewall(1, (web, ssh))
    await (await operator.connect(spec)).close()
