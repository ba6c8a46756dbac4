"""A stock Debian 13 machine in a container on Docker's default bridge, made once per module."""

from __future__ import annotations

import asyncio
import os
import subprocess
import uuid
from asyncio import Runner
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from plugins.key_pairs import new_pair
from tenant_operator.bundle.render import cloud_init
from tenant_operator.core.stack import BootInputs, HardenInputs, KeyPair
from tenant_operator.core.world import HostFacts, Job, JobPhase, JobState
from tenant_operator.host import bootstrap, commands
from tenant_operator.host.jobs import start_jobs
from tenant_operator.host.port import Host, HostAddress, LoginRefused, Unreachable
from tenant_operator.host.ssh import SshHosts

IMAGE = "blueagency/machine:debian-13"
DROPPED = ("SYS_RESOURCE", "SYS_TIME")
UNCONFINED = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")


@dataclass(frozen=True)
class Machine:
    """A booted machine with the keys that cloud-init gave it."""

    name: str
    ip: str
    boot_key: KeyPair
    lasting_key: KeyPair
    client_key: KeyPair

    def address(self, *pinned: KeyPair) -> HostAddress:
        """How to reach it with these host keys pinned."""
        return HostAddress(
            address=self.ip,
            port=22,
            user="root",
            host_keys=tuple(key.public for key in pinned),
            client_key=self.client_key.private,
        )

    async def connect(self, *pinned: KeyPair) -> Host:
        """A connection, as soon as the machine lets us in."""
        for _ in range(300):
            try:
                return await SshHosts().connect(self.address(*pinned))
            except (Unreachable, LoginRefused):
                await asyncio.sleep(0.2)
        raise AssertionError(f"{self.name} let nobody in")

    def harden_inputs(self) -> HardenInputs:
        """SSH for the bridge's network only; nobody but an unused address is exempt from bans."""
        return HardenInputs(
            client_public_key=self.client_key.public,
            ssh_networks=(f"{self.ip}/16",),
            operator_networks=("192.0.2.9",),
            http_networks=(),
            registry_host="registry.example:5000",
            ca_bundle="",
        )

    def inside(self, *argv: str) -> str:
        """What a program prints that is run in the machine by its owner, not over SSH."""
        return docker("exec", self.name, *argv)


def wait_until_let_in(machine: Machine) -> None:
    """Return once the client gets in and cloud-init, which makes sshd start anew, is over."""

    async def once() -> None:
        await (await machine.connect(machine.boot_key, machine.lasting_key)).close()

    with Runner() as runner:
        runner.run(once())
    waiting = ["docker", "exec", machine.name, "cloud-init", "status", "--wait"]
    # How cloud-init ended is what tests look at; here only that it did.
    subprocess.run(waiting, capture_output=True, check=False)


async def look(host: Host, *, await_news: bool = False) -> HostFacts:
    """The machine's facts; with `await_news` when something changed, or after a second."""
    output = await host.run(commands.observe(await_news=await_news))
    assert output.code == 0, output.stderr
    return bootstrap.facts(output.stdout)


async def carry_out(host: Host, job: Job) -> JobState:
    """Start a job and follow it to its end, as the operator does."""
    await start_jobs(host, [job])
    while True:
        state = (await look(host, await_news=True)).jobs.get(job.name)
        if state is not None and state.phase is not JobPhase.RUNNING:
            return state
        await asyncio.sleep(0.05)


def docker(*argv: str) -> str:
    """Run Docker's command line."""
    done = subprocess.run(["docker", *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def missing() -> str:
    """Why no machine can run here; empty when one can."""
    if os.geteuid() != 0 or not Path("/var/run/docker.sock").exists():
        return "container machines need root and a Docker engine"
    question = ["docker", "image", "inspect", IMAGE]
    if subprocess.run(question, capture_output=True, check=False).returncode:
        return f"image {IMAGE} is missing; run make images"
    return ""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Booted with the product's own user data."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    name = f"operator-host-{uuid.uuid4().hex[:8]}"
    boot, lasting, client = new_pair(), new_pair(), new_pair()
    whole = tmp_path_factory.mktemp("root") / "var"
    seed = whole / "lib" / "cloud" / "seed" / "nocloud"
    seed.mkdir(parents=True)
    inputs = BootInputs(
        hostname="t-acme-1", host_key=boot, client_public_key=client.public, ca_bundle=""
    )
    (seed / "user-data").write_text(cloud_init(inputs))
    (seed / "meta-data").write_text(f"instance-id: {name}\nlocal-hostname: t-acme-1\n")
    create(name)
    try:
        docker("cp", str(whole), f"{name}:/")
        docker("start", name)
        ip = docker("inspect", "--format={{.NetworkSettings.IPAddress}}", name)
        yield Machine(name, ip, boot, lasting, client)
    finally:
        docker("rm", "--force", "--volumes", name)


def create(name: str) -> None:
    """A system container as architecture.md, section 7, describes it."""
    flags = [f"--cap-drop={item}" for item in DROPPED]
    flags += [f"--security-opt={item}" for item in UNCONFINED]
    flags += ["--tmpfs=/run", "--tmpfs=/tmp", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    flags += ["--volume=/var/lib/docker", "--env=container=docker", "--cap-add=ALL"]
    flags += ["--env=SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]
    flags += ["--device-cgroup-rule=a *:* rwm"]
    docker("create", f"--name={name}", *flags, IMAGE, "/sbin/init")
