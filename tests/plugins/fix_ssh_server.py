"""SSH servers that the host port is held against, here and on machines.

Debian's sshd and asyncssh's own server run commands on this machine as the user of the tests, with
files below the test's folder; a container machine has its own sshd, a simulated one only pretends.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest
from localcloud.machines.memory import MemoryMachines
from plugins.fix_host_machine import Machine, wait_until_let_in
from plugins.fix_memory_machines import CLIENT, FIRST, Boot
from plugins.key_pairs import new_pair
from plugins.ssh_greeting import GREETING, ssh_answer
from tenant_operator.core.stack import KeyPair
from tenant_operator.host.port import HostAddress

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
READY_SECONDS = 120


@dataclass(frozen=True)
class SshServer:
    """A server that answers, with the pair it shows and the pair it accepts."""

    port: int
    host_key: KeyPair
    client_key: KeyPair
    root: Path = field(repr=False)
    ip: str = "127.0.0.1"
    user: str = field(default_factory=getpass.getuser)
    owner: str = f"{os.getuid()}:{os.getgid()}"

    def address(self, **changes: object) -> HostAddress:
        """How to reach it, with some fields replaced."""
        plain = HostAddress(
            address=self.ip,
            port=self.port,
            user=self.user,
            host_keys=(self.host_key.public,),
            client_key=self.client_key.private,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def machine_sshd(machine: Machine) -> SshServer:
    """The sshd of a stock Debian 13 machine, configured by nobody but cloud-init."""
    wait_until_let_in(machine)
    return on_machine(machine.ip, 22, machine.boot_key, machine.client_key)


@pytest.fixture
async def simulated(machines: MemoryMachines, boot: Boot) -> SshServer:
    """A machine of the local cloud's memory back end."""
    spec = await boot()
    assert spec.ipv4 is not None
    return on_machine(spec.ipv4, machines.ports[0], FIRST, CLIENT)


def on_machine(ip: str, port: int, host_key: KeyPair, client_key: KeyPair) -> SshServer:
    """Root's way into a machine, with a folder that no other test uses."""
    folder = Path("/opt/contract") / uuid.uuid4().hex
    return SshServer(port, host_key, client_key, folder, ip=ip, user="root", owner="root:root")


@pytest.fixture
def sshd(tmp_path: Path, socket_enabled: None) -> Iterator[SshServer]:
    """Debian's sshd with the product's own hardened settings, as far as they are not the host's."""
    if not Path(SSHD).exists():
        pytest.skip("openssh-server is not installed: hack/setup sshd")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = SshServer(free_port(), new_pair(), new_pair(), tmp_path / "files")
    config = write_config(tmp_path, server)
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.PIPE)
    try:
        wait_for_banner(process, server.port)
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=60)


def write_config(folder: Path, server: SshServer) -> Path:
    """sshd's files in a folder of the test."""
    key, accepted = folder / "host_key", folder / "authorized_keys"
    key.write_text(server.host_key.private)
    key.chmod(0o600)
    accepted.write_text(server.client_key.public + "\n")
    config = folder / "sshd_config"
    lines = (
        f"Port {server.port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {key}",
        f"AuthorizedKeysFile {accepted}",
        f"PidFile {folder / 'sshd.pid'}",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "MaxAuthTries 3",
        "AllowTcpForwarding no",
        "Subsystem sftp internal-sftp",
    )
    config.write_text("\n".join(lines) + "\n")
    return config


def wait_for_banner(process: subprocess.Popen[bytes], port: int) -> None:
    """Return once the server talks SSH."""
    end, met = time.monotonic() + READY_SECONDS, "nothing"
    while process.poll() is None and time.monotonic() < end:
        met = ssh_answer("127.0.0.1", port)
        if met == GREETING:
            return
        time.sleep(0.02)
    process.kill()
    said = process.communicate()[1].decode()
    raise AssertionError(f"sshd did not start, port {port} answered {met}: {said}")


class _Server(asyncssh.SSHServer):
    """Accepts one key."""

    def __init__(self, accepted: str) -> None:
        self._accepted = accepted

    def begin_auth(self, username: str) -> bool:
        """Everybody must show a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys only."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is the one."""
        return key.export_public_key().decode().split()[:2] == self._accepted.split()[:2]


@pytest.fixture
async def asyncssh_server(tmp_path: Path, socket_enabled: None) -> AsyncIterator[SshServer]:
    """asyncssh's server, which runs what it is told by the shell."""
    server = SshServer(free_port(), new_pair(), new_pair(), tmp_path / "files")
    listener = await asyncssh.listen(
        "127.0.0.1",
        server.port,
        server_factory=lambda: _Server(server.client_key.public),
        server_host_keys=[asyncssh.import_private_key(server.host_key.private)],
        process_factory=run_command,
        sftp_factory=True,
        encoding=None,
    )
    yield server
    listener.close()
    await listener.wait_closed()


async def run_command(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Hand a command line to the shell, as sshd does."""
    child = await asyncio.create_subprocess_shell(
        process.command or "",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await child.communicate(await process.stdin.read())
    except asyncio.CancelledError:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        raise
    process.stdout.write(out)
    process.stderr.write(err)
    process.exit(child.returncode or 0)
