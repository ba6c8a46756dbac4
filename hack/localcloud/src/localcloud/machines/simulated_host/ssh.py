"""One SSH listener for all machines: the address a client connected to says which one it is.

Each connection gets the host key and the authorised keys that lie on that machine at that moment,
so a key that was rotated shows on the next connection, as with sshd. A machine that is off, or an
address that belongs to none, resets the connection.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
from collections.abc import Callable
from typing import Any

import asyncssh

from localcloud.machines.simulated_host import jobs, observe, programs
from localcloud.machines.simulated_host.basics import run_basic
from localcloud.machines.simulated_host.ended import Ended
from localcloud.machines.simulated_host.host import AUTHORIZED, HOST_KEY, Host, Pace
from localcloud.machines.simulated_host.listener import Acceptor, drop
from localcloud.machines.simulated_host.sftp import Files
from localcloud.machines.simulated_host.world import World

LOGIN_SECONDS = 20


class _Door(asyncssh.SSHServer):
    """Lets root in with a key that the machine's authorized_keys holds."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh gives the name
        """Everybody must show a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Keys only."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether root's file holds the key."""
        shown = key.export_public_key().decode().split()[:2]
        listed = self._host.files.text(AUTHORIZED).splitlines()
        return username == "root" and any(line.split()[:2] == shown for line in listed)


class SshListener:
    """Accepts for every machine of a `World`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._acceptor = Acceptor(self._serve)
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._foreign = asyncssh.generate_private_key("ssh-ed25519")

    async def listen(self, address: str, port: int) -> int:
        """Listen; returns the port taken."""
        return await self._acceptor.listen(address, port)

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        await self._acceptor.close()
        self.cut(lambda _host: True)

    def cut(self, of: Callable[[Host], bool]) -> None:
        """Break the connections of some machines without a word, as a power cut does."""
        for connection in list(self._connections):
            if of(connection.get_extra_info("simulated_host")):
                connection.abort()
                self._connections.discard(connection)

    async def _serve(self, sock: socket.socket) -> None:
        host = self._world.reached(sock, 22)
        if host is None or host.faults.ssh == "refused":
            drop(sock)
            return
        if host.faults.ssh == "silent":
            await self._stay_silent(sock)
            return
        try:
            connection = await asyncssh.run_server(sock, **self._options(host))
        except (OSError, asyncssh.Error, ValueError):
            sock.close()
            return
        connection.set_extra_info(simulated_host=host)
        self._connections.add(connection)
        await connection.wait_closed()
        self._connections.discard(connection)

    async def _stay_silent(self, sock: socket.socket) -> None:
        """Hold the connection open without a banner until the client gives up."""
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(sock, 1024):
                continue
        finally:
            sock.close()

    def _options(self, host: Host) -> dict[str, Any]:
        wrong = host.faults.ssh == "wrong-host-key"
        key = self._foreign if wrong else asyncssh.import_private_key(host.files.text(HOST_KEY))
        return {
            "server_factory": lambda: _Door(host),
            "server_host_keys": [key],
            "process_factory": lambda process: self._command(host, process),
            "sftp_factory": lambda channel: self._files(host, channel),
            "encoding": None,
            "login_timeout": LOGIN_SECONDS,
            "keepalive_interval": 0,
            "allow_scp": False,
            "line_editor": False,
        }

    def _files(self, host: Host, channel: asyncssh.SSHServerChannel[bytes]) -> Files:
        self._world.touched(host)
        return Files(channel, host.files, lambda: host.is_full)

    async def _command(self, host: Host, process: asyncssh.SSHServerProcess[bytes]) -> None:
        stdin = await process.stdin.read()
        ended = self._run(host, process.command or "", stdin)
        await asyncio.sleep(ended.seconds)
        process.stdout.write(ended.out.encode())
        process.stderr.write(ended.err.encode())
        process.exit(ended.code)

    def _run(self, host: Host, line: str, stdin: bytes) -> Ended:
        now = self._world.now()
        self._world.settle(host)
        ended = execute(host, shlex.split(line), stdin, Visit(now, self._world.pace))
        jobs.advance(host, now)
        self._world.touched(host)
        return ended


class Visit:
    """When a command is run, and how fast its jobs are."""

    def __init__(self, now: Any, pace: Pace) -> None:
        self.now = now
        self.pace = pace


def execute(host: Host, argv: list[str], stdin: bytes, visit: Visit) -> Ended:
    """Run one command line of an SSH session."""
    if not argv:
        return Ended(127, "", "the simulated machine has no interactive shell")
    basic = run_basic(host.files, argv, stdin)
    if basic is not None:
        return basic
    if argv[0].rsplit("/", 1)[-1] != "python3":
        return programs.run(host, argv)
    if argv[1:3] == ["-", "observe"] and stdin:
        return Ended(out=json.dumps(observe.facts(host)))
    if argv[1:3] == [jobs.AGENT, "start"]:
        if host.files.read(jobs.AGENT) is None:
            missing = f"python3: can't open file '{jobs.AGENT}': [Errno 2] No such file"
            return Ended(2, "", missing)
        return jobs.start(host, argv[3:], visit.now, visit.pace)
    return Ended(127, "", f"the simulated machine cannot run: {shlex.join(argv)}")
