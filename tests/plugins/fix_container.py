"""Container machines for tests: an instance of the back end per module, and SSH into its machines.

Needs root, a Docker Engine and the machine image; without them every test that asks for it is
skipped with the reason.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
from localcloud.machines.container import ContainerMachines, ContainerSettings
from localcloud.machines.port import MachineSpec
from localcloud.processes import cache_folder

IMAGE = "blueagency/machine:debian-13"
READY_SECONDS = 120.0


@dataclass
class Rack:
    """One opened back end with what tests need to make and enter machines."""

    machines: ContainerMachines
    settings: ContainerSettings
    key: asyncssh.SSHKey = field(repr=False)

    def address(self, server_id: int) -> str:
        """The public IPv4 address this rack gives a server."""
        return str(ipaddress.ip_network(self.settings.subnet)[server_id])

    def spec(self, server_id: int, **changes: Any) -> MachineSpec:
        """A small server."""
        values: dict[str, Any] = {
            "server_id": server_id,
            "hostname": f"m{server_id}",
            "image": "debian-13",
            "cores": 1,
            "memory_gib": 1.0,
            "disk_gib": 40,
            "ipv4": self.address(server_id),
            "ipv6": f"2001:db8:{server_id:x}::/64",
            "location": "fsn1",
            "authorized_keys": (self.key.export_public_key().decode().strip(),),
        }
        return MachineSpec(**{**values, **changes})

    async def run(self, server_id: int, **changes: Any) -> None:
        """Create and start a server, and wait until it lets us in."""
        await self.machines.create(self.spec(server_id, **changes))
        await self.machines.start(server_id)
        await self.ready(server_id)

    async def ready(self, server_id: int) -> None:
        """Wait until SSH works."""
        await until(lambda: self._enters(server_id), f"SSH on server {server_id}")

    async def off(self, server_id: int) -> None:
        """Wait until the machine is off."""

        async def is_off() -> bool:
            return await self.machines.power(server_id) == "off"

        await until(is_off, f"server {server_id} to go off")

    async def ssh(self, server_id: int, command: str, *, host_key: str | None = None) -> str:
        """Run a command as root in the machine; its standard output."""
        trusted = None if host_key is None else asyncssh.import_known_hosts(f"* {host_key}\n")
        async with asyncssh.connect(
            self.address(server_id),
            username="root",
            client_keys=[self.key],
            known_hosts=trusted,
            config=None,
            connect_timeout=5,
        ) as connection:
            result = await connection.run(command, check=True)
        return str(result.stdout).strip()

    async def _enters(self, server_id: int) -> bool:
        try:
            await self.ssh(server_id, "true")
        except (OSError, asyncssh.Error, TimeoutError):
            return False
        return True


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask again until `holds`; fails with `what` after a minute."""
    end = time.monotonic() + READY_SECONDS
    while not await holds():
        assert time.monotonic() < end, f"waited {READY_SECONDS:g} s for {what}"
        await asyncio.sleep(0.1)


async def answers(address: str, port: int) -> bool:
    """Whether a TCP connection from this host is accepted within a second."""
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def traces(settings: ContainerSettings) -> dict[str, str]:
    """What is left of an instance on this host, by kind; empty when nothing is."""
    commands = {
        "links": ["ip", "-o", "link"],
        "namespaces": ["ip", "netns"],
        "tables": ["nft", "list", "tables"],
        "rules": ["iptables-save"],
        "mounts": ["cat", "/proc/mounts"],
        "loops": ["losetup", "--list", "--noheadings", "--output", "BACK-FILE"],
        "containers": ["docker", "ps", "--all", "--format", "{{.Names}} {{.Labels}}"],
    }
    marks = (settings.mark, str(settings.directory), settings.instance)
    found = {}
    for kind, argv in commands.items():
        listing = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        left = [line for line in listing.splitlines() if any(mark in line for mark in marks)]
        if left:
            found[kind] = "\n".join(left)
    return found


def missing() -> str:
    """Why container machines cannot run here; empty when they can."""
    if os.geteuid() != 0:
        return "container machines need root"
    if not shutil.which("docker") or not Path("/var/run/docker.sock").exists():
        return "no Docker Engine on this machine"
    question = ["docker", "image", "inspect", IMAGE]
    if subprocess.run(question, capture_output=True, check=False).returncode:
        return f"Docker image {IMAGE} is missing; run make images"
    return ""


def free_subnet() -> str:
    """A /24 of the benchmark range that no interface of this host has."""
    taken = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    start = os.getpid() % 250
    for number in (*range(start, 250), *range(start)):
        if f"198.19.{number}." not in taken:
            return f"198.19.{number}.0/24"
    raise AssertionError("every subnet of 198.19.0.0/16 is taken")


def new_settings(name: str) -> ContainerSettings:
    """Settings of an instance of its own."""
    folder = Path(tempfile.mkdtemp(prefix="localcloud-test-"))
    return ContainerSettings(
        directory=folder / "machines",
        instance=f"{name}-{os.getpid()}-{socket.gethostname().lower()[:8]}",
        subnet=free_subnet(),
        stock_data=cache_folder().parent / "stock",
    )


@pytest.fixture(scope="session")
def container_host(request: pytest.FixtureRequest) -> None:
    """Skips where no container machine can run."""
    reason = missing()
    if reason:
        pytest.skip(reason)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rack(container_host: None) -> AsyncIterator[Rack]:
    """An instance for all tests of a module, gone without a trace afterwards."""
    settings = new_settings("test")
    key = asyncssh.generate_private_key("ssh-ed25519")
    shared = Rack(ContainerMachines(settings), settings, key)
    await shared.machines.open()
    try:
        yield shared
    finally:
        await shared.machines.close(purge=True)
        assert traces(settings) == {}
        shutil.rmtree(settings.directory.parent)
