"""Clock, interruption, restart of the program, snapshots and many machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from localcloud.authority import Authority
from localcloud.clock import ManualClock
from localcloud.machines.memory import MemoryMachines, MemorySettings
from localcloud.machines.port import MachineError
from localcloud.machines.simulated_host.host import Pace
from localcloud.rows import Rows
from plugins.fix_memory_machines import (
    ANY_PORTS,
    FIRST,
    HARDEN,
    LASTING,
    Operator,
    bundle,
    spec_of,
    volume,
)
from tenant_operator.core.stack import BakeInputs, Images
from tenant_operator.core.world import HostFailure, JobPhase
from tenant_operator.host import bootstrap
from tenant_operator.host.port import Unreachable

SLOW = MemorySettings(
    ssh_port=0,
    https_port=0,
    http_port=0,
    pace=Pace(boot=5, cloud_init=3, jobs={"harden": 20, "data-disk": 2}),
)


async def started(machines: MemoryMachines, server_id: int = 1) -> None:
    await machines.create(spec_of(server_id))
    await machines.create_volume(volume(server_id).id, 10, None)
    await machines.attach_volume(volume(server_id).id, server_id, automount=False)
    await machines.start(server_id)


async def test_time_passes_only_on_the_given_clock(
    memory_authority: Authority, memory_clock: ManualClock, rows: Rows
) -> None:
    machines = MemoryMachines(SLOW, authority=memory_authority, rows=rows, clock=memory_clock)
    await machines.open()
    operator = Operator(machines)
    await started(machines)
    with pytest.raises(Unreachable):
        await operator.connect(spec_of())
    await memory_clock.advance(5)
    host = await operator.connect(spec_of())
    assert (await operator.facts(host)).cloud_init == "running"
    await memory_clock.advance(3)
    assert (await operator.facts(host)).cloud_init == "done"
    await operator.begin(host, bootstrap.harden(HARDEN))
    await operator.begin(host, bootstrap.data_disk(volume()))
    await memory_clock.advance(19)
    assert (await operator.facts(host)).jobs["harden"].phase is JobPhase.RUNNING
    await memory_clock.advance(1)
    facts = await operator.facts(host)
    assert facts.jobs["harden"].phase is JobPhase.DONE
    assert facts.jobs["data-disk"].phase is JobPhase.RUNNING
    await memory_clock.advance(2)
    assert (await operator.facts(host)).jobs["data-disk"].phase is JobPhase.DONE
    await host.close()
    await machines.close(purge=True)


async def test_a_reboot_interrupts_a_job(
    memory_authority: Authority, memory_clock: ManualClock, rows: Rows
) -> None:
    machines = MemoryMachines(SLOW, authority=memory_authority, rows=rows, clock=memory_clock)
    await machines.open()
    operator = Operator(machines)
    await started(machines)
    await memory_clock.advance(8)
    host = await operator.connect(spec_of())
    before = await operator.facts(host)
    await operator.begin(host, bootstrap.harden(HARDEN))
    await host.close()
    await machines.stop(1)
    await machines.start(1)
    await memory_clock.advance(30)
    again = await operator.connect(spec_of())
    facts = await operator.facts(again)
    assert facts.boot_id != before.boot_id
    assert facts.jobs["harden"].failure is HostFailure.INTERRUPTED
    await again.close()
    await machines.close(purge=True)


async def test_everything_is_there_after_a_restart(
    memory_authority: Authority, memory_clock: ManualClock, tmp_path: Path
) -> None:
    rows = Rows(tmp_path / "machines.db")
    first = MemoryMachines(ANY_PORTS, authority=memory_authority, rows=rows, clock=memory_clock)
    await first.open()
    operator = Operator(first)
    await started(first)
    host = await operator.connect(spec_of())
    for job in (
        bootstrap.rotate_host_key(LASTING.private, LASTING.public),
        bootstrap.harden(HARDEN),
        bootstrap.data_disk(volume()),
        bootstrap.deploy(bundle()),
    ):
        await operator.work(host, job)
    before = await operator.facts(host)
    await host.close()
    await first.close(purge=False)
    rows.close()
    rows = Rows(tmp_path / "machines.db")
    second = MemoryMachines(ANY_PORTS, authority=memory_authority, rows=rows, clock=memory_clock)
    await second.open()
    operator = Operator(second)
    again = await operator.connect(spec_of(), LASTING)
    assert await operator.facts(again) == before
    await again.close()
    await second.close(purge=True)
    assert list(rows.load("memory-host")) == []
    rows.close()


async def test_a_reboot_brings_the_stack_back(operator: Operator, machines: MemoryMachines) -> None:
    await started(machines)
    host = await operator.connect(spec_of())
    for job in (
        bootstrap.harden(HARDEN),
        bootstrap.data_disk(volume()),
        bootstrap.deploy(bundle()),
    ):
        await operator.work(host, job)
    await host.close()
    await machines.shutdown(1)
    assert await machines.power(1) == "off"
    await machines.start(1)
    again = await operator.connect(spec_of())
    facts = await operator.facts(again)
    assert (facts.mounted_volume, facts.release) == (volume().id, bundle().digest)
    assert facts.services["agent-blue"] == "healthy"
    assert facts.cloud_init == "done"
    await again.close()


async def test_a_machine_from_a_baked_snapshot(
    operator: Operator, machines: MemoryMachines
) -> None:
    await started(machines)
    host = await operator.connect(spec_of())
    images = Images(agent="a@sha256:1", traefik="t", postgres="p", redis="r")
    job = bootstrap.bake(
        BakeInputs(system="debian-13", images=images, registry=None, hardening=HARDEN)
    )
    assert (await operator.work(host, job)).phase is JobPhase.DONE
    await host.close()
    await machines.shutdown(1)
    assert await machines.snapshot(1, 500) > 1
    await machines.create(spec_of(2, image="image-500"))
    await machines.start(2)
    copied = await operator.connect(spec_of(2), FIRST)
    facts = await operator.facts(copied)
    assert facts.hostname == "t-acme-2"
    assert facts.jobs == {}
    assert machines.hosts[2].images >= {"a@sha256:1"}
    assert "docker.io" in machines.hosts[2].packages
    await copied.close()
    with pytest.raises(MachineError):
        await machines.create(spec_of(3, image="image-501"))


async def test_a_volume_outlives_its_machine(operator: Operator, machines: MemoryMachines) -> None:
    await started(machines)
    host = await operator.connect(spec_of())
    await operator.work(host, bootstrap.harden(HARDEN))
    await operator.work(host, bootstrap.data_disk(volume()))
    await host.close()
    await machines.detach_volume(volume().id, 1)
    await machines.delete(1)
    assert await machines.power(1) == "absent"
    await machines.create(spec_of(2))
    await machines.attach_volume(volume().id, 2, automount=False)
    assert machines.hosts[2].volumes[volume().id].fs == "xfs"


async def test_ten_thousand_machines(operator: Operator, machines: MemoryMachines) -> None:
    plain = spec_of()
    for number in range(1, 10_001):
        address = f"127.{64 + number // 65536}.{number // 256 % 256}.{number % 256}"
        await machines.create(replace(plain, server_id=number, ipv4=address))
        await machines.start(number)
    last = machines.hosts[10_000]
    host = await operator.connect(replace(plain, ipv4=last.address))
    assert (await operator.facts(host)).boot_id == last.boot_id
    await host.close()
