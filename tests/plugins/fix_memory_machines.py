"""Simulated machines that listen, and what the operator needs to reach one."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from localcloud.authority import Authority
from localcloud.clock import ManualClock
from localcloud.machines.memory import MemoryMachines, MemorySettings
from localcloud.machines.port import MachineSpec
from localcloud.machines.simulated_host.host import Pace
from localcloud.rows import Rows
from plugins.key_pairs import new_pair
from tenant_operator.bundle.render import cloud_init, render
from tenant_operator.core.stack import (
    BootInputs,
    Branding,
    Bundle,
    HardenInputs,
    Images,
    KeyPair,
    Model,
    StackInputs,
    StackSecrets,
)
from tenant_operator.core.world import HostFacts, Job, JobState, Volume
from tenant_operator.host import bootstrap, commands
from tenant_operator.host.jobs import start_jobs
from tenant_operator.host.port import HostAddress
from tenant_operator.host.ssh import SshHost, SshHosts

ANY_PORTS = MemorySettings(ssh_port=0, https_port=0, http_port=0)


CLIENT, FIRST, LASTING = new_pair(), new_pair(), new_pair()
HOSTNAME = "agent.acme.example"
VOLUME = 71


def image(name: str, revision: str = "") -> str:
    digest = hashlib.sha256(f"{name}{revision}".encode()).hexdigest()
    return f"registry.example/blueagency/{name}@sha256:{digest}"


def bundle(revision: str = "", hostname: str = HOSTNAME) -> Bundle:
    """A rendered release; another `revision` has another agent image."""
    return render(
        StackInputs(
            tenant="acme",
            hostname=hostname,
            public_port=443,
            images=Images(
                agent=image("agent", revision),
                traefik=image("traefik"),
                postgres=image("postgres"),
                redis=image("redis"),
            ),
            registry=None,
            model=Model(
                endpoint="", chat_model="c", embedding_model="e", dimensions=768, api_key="key"
            ),
            secrets=StackSecrets(
                database_password="database",
                redis_password="redis",
                session_key="session",
                bootstrap_password="bootstrap",
            ),
            branding=Branding(name="Acme", logo="", primary="#112233", accent="#445566"),
            languages=("de", "en"),
            admin_email="admin@acme.example",
            acme_directory="https://acme.example/dir",
            acme_email="ops@acme.example",
            ca_bundle="",
            trusted_proxies=(),
            memory_mib=4096,
        )
    )


def volume(server_id: int = 1, size_gib: int = 10) -> Volume:
    """The cloud's view of a machine's volume."""
    return Volume(
        id=VOLUME + server_id,
        name="data",
        size_gib=size_gib,
        location="fsn1",
        status="available",
        device=f"/dev/disk/by-id/scsi-0HC_Volume_{VOLUME + server_id}",
        labels={},
    )


HARDEN = HardenInputs(
    client_public_key=CLIENT.public,
    ssh_networks=("127.0.0.0/8",),
    operator_networks=("127.0.0.1",),
    http_networks=(),
    registry_host="registry.example",
    ca_bundle="",
)


def spec_of(server_id: int = 1, **changes: object) -> MachineSpec:
    user_data = cloud_init(
        BootInputs(
            hostname=f"t-acme-{server_id}",
            host_key=FIRST,
            client_public_key=CLIENT.public,
            ca_bundle="",
        )
    )
    spec = MachineSpec(
        server_id=server_id,
        hostname=f"t-acme-{server_id}",
        image="debian-13",
        cores=2,
        memory_gib=4,
        disk_gib=40,
        ipv4=f"127.64.{server_id // 250}.{server_id % 250 + 2}",
        ipv6=None,
        location="fsn1",
        user_data=user_data,
    )
    return replace(spec, **changes)  # type: ignore[arg-type]


@dataclass
class Operator:
    """The operator's own adapter and jobs against one back end."""

    machines: MemoryMachines

    async def connect(self, spec: MachineSpec, *keys: KeyPair) -> SshHost:
        """A connection that accepts the given host keys."""
        assert spec.ipv4 is not None
        address = HostAddress(
            address=spec.ipv4,
            port=self.machines.ports[0],
            user="root",
            host_keys=tuple(key.public for key in keys or (FIRST, LASTING)),
            client_key=CLIENT.private,
        )
        return await SshHosts().connect(address)

    async def facts(self, host: SshHost) -> HostFacts:
        """What the machine says of itself."""
        output = await host.run(commands.observe())
        assert output.code == 0, output.stderr
        return bootstrap.facts(output.stdout)

    async def begin(self, host: SshHost, job: Job) -> None:
        """Place a job's files and start it."""
        await start_jobs(host, [job])

    async def work(self, host: SshHost, job: Job) -> JobState:
        """Start a job and read how it ended."""
        await self.begin(host, job)
        return (await self.facts(host)).jobs[job.name]


Boot = Callable[..., Awaitable[MachineSpec]]


@pytest.fixture
def memory_clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def memory_authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
async def machines(
    memory_authority: Authority, memory_clock: ManualClock, rows: Rows
) -> AsyncIterator[MemoryMachines]:
    """A back end in memory whose machines are there at once."""
    made = MemoryMachines(ANY_PORTS, authority=memory_authority, rows=rows, clock=memory_clock)
    await made.open()
    yield made
    await made.close(purge=True)


@pytest.fixture
def operator(machines: MemoryMachines) -> Operator:
    return Operator(machines)


@pytest.fixture
def boot(machines: MemoryMachines) -> Boot:
    """Make and start a machine with an attached volume."""

    async def make(server_id: int = 1, **changes: object) -> MachineSpec:
        spec = spec_of(server_id, **changes)
        await machines.create(spec)
        await machines.create_volume(VOLUME + server_id, 10, None)
        await machines.attach_volume(VOLUME + server_id, server_id, automount=False)
        await machines.start(server_id)
        return spec

    return make


def slow(**jobs: float) -> Pace:
    """A pace at which boots, cloud-init and the named jobs take a while."""
    return Pace(boot=5, cloud_init=3, jobs=jobs)
