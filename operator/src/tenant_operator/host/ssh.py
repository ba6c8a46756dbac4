"""Machines over SSH; the only importer of asyncssh.

A machine is known by the keys the operator gave it: the host key is compared with the pinned ones
and nothing else is trusted (no known_hosts file, no certificates, no agent, no user's SSH config).
Connections are kept per address and reused; a broken one is dropped and the caller sees
`Unreachable`. Programs get an argument list, quoted here and nowhere else. Files go through SFTP to
a temporary name, are synced, then renamed over the old one.
"""

from __future__ import annotations

import asyncio
import itertools
import posixpath
import shlex
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncssh

from tenant_operator.core.world import File
from tenant_operator.host.port import (
    Command,
    HostAddress,
    HostKeyMismatch,
    LoginRefused,
    Output,
    Unreachable,
)

CONNECT_SECONDS: Final = 10.0
KNOCK_SECONDS: Final = 2.0
"""For TCP alone: a machine on its way up swallows packets, and the kernel repeats them ever more
seldom, so a new try is heard sooner than an old one."""
FILES_SECONDS: Final = 120.0
KEEPALIVE_SECONDS: Final = 15
LIMIT_BYTES: Final = 256 * 1024
READ_BYTES: Final = 1024 * 1024
FILES_AT_ONCE: Final = 8
_serial = itertools.count()


def command_line(argv: Sequence[str]) -> str:
    """An argument list as one line for the remote shell; the only place where quoting happens."""
    return shlex.join(argv)


class _Pinned(asyncssh.SSHClient):
    """Accepts the pinned keys only, and remembers what it was shown."""

    def __init__(self, pinned: Sequence[str]) -> None:
        self._pinned = {bare(key) for key in pinned}
        self.shown = ""

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Called because no known-hosts entry exists; True only for a pinned key."""
        del host, addr, port
        self.shown = bare(key.export_public_key().decode())
        return self.shown in self._pinned


def bare(public: str) -> str:
    """An OpenSSH public key without its comment."""
    return " ".join(public.split()[:2])


class SshHost:
    """One machine behind an open connection (see `host.port.Host`)."""

    def __init__(
        self, address: HostAddress, connection: asyncssh.SSHClientConnection, host_key: str
    ) -> None:
        self._address = address
        self._connection = connection
        self._host_key = host_key

    @property
    def host_key(self) -> str:
        """The pinned key the machine showed."""
        return self._host_key

    @property
    def is_open(self) -> bool:
        """Whether the connection can still be used."""
        return not self._connection.is_closed()

    async def run(self, command: Command) -> Output:
        """Run to the end or to the time limit."""
        async with self._guarded(command.time_limit_seconds, command.argv[0]):
            process = await self._connection.create_process(
                command_line(command.argv), encoding=None
            )
            # Not `async with`: leaving that waits for the remote program, time limit or not.
            hand_over(process.stdin, command.stdin)
            out, err = await asyncio.gather(capped(process.stdout), capped(process.stderr))
            await process.wait_closed()
        code = process.returncode
        return Output(code=code if code is not None else -1, stdout=out, stderr=err)

    async def put(self, files: Sequence[File]) -> None:
        """Place files atomically, a few at a time; makes folders."""
        async with self._guarded(FILES_SECONDS, "copying files"), self._sftp() as sftp:
            for folder in sorted({posixpath.dirname(file.path) for file in files}):
                await sftp.makedirs(folder, exist_ok=True)
            gate = asyncio.Semaphore(FILES_AT_ONCE)
            await asyncio.gather(*(place(sftp, file, gate) for file in files))

    async def read(self, path: str) -> bytes | None:
        """A file's content, None when absent."""
        async with self._guarded(30, f"reading {path}"), self._sftp() as sftp:
            try:
                async with sftp.open(path, "rb") as source:
                    content: bytes = await source.read(READ_BYTES)
            except asyncssh.SFTPNoSuchFile:
                return None
            return content

    async def close(self) -> None:
        """Hang up."""
        self._connection.close()
        try:
            async with asyncio.timeout(2):
                await self._connection.wait_closed()
        except (TimeoutError, OSError, asyncssh.Error):
            self._connection.abort()

    @asynccontextmanager
    async def _sftp(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """A file session of this connection."""
        async with self._connection.start_sftp_client() as sftp:
            yield sftp

    @asynccontextmanager
    async def _guarded(self, seconds: float, what: str) -> AsyncIterator[None]:
        """A time limit, and every way a connection breaks as `Unreachable`."""
        where = f"{self._address.address}:{self._address.port}"
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            self._connection.abort()
            raise Unreachable(f"{where}: {what}: no end after {seconds:.0f} s") from error
        except asyncssh.SFTPError as error:
            raise Unreachable(f"{where}: {what}: {error.reason or error}") from error
        except (OSError, asyncssh.Error) as error:
            self._connection.abort()
            raise Unreachable(f"{where}: {what}: the connection broke: {error}") from error


async def capped(stream: asyncssh.SSHReader[bytes]) -> str:
    """A stream to its end, keeping its first part only."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: LIMIT_BYTES - len(kept)]
    return kept.decode(errors="replace")


def hand_over(stdin: asyncssh.SSHWriter[bytes], content: bytes) -> None:
    """Write a program's input; one that has ended by then is no broken connection.

    A short program can be over before its channel is written to; reading its output, which comes
    next, tells a connection that is gone.
    """
    with suppress(BrokenPipeError):
        stdin.write(content)
        stdin.write_eof()


async def place(sftp: asyncssh.SFTPClient, file: File, gate: asyncio.Semaphore) -> None:
    """One file: temporary name, mode and owner before content, sync, rename."""
    async with gate:
        folder, name = posixpath.split(file.path)
        temporary = posixpath.join(folder, f".{name}.{next(_serial)}.new")
        uid, gid = owner_ids(file.owner)
        async with sftp.open(temporary, "wb", asyncssh.SFTPAttrs(permissions=0o600)) as target:
            await target.write(file.content)
            await target.setstat(asyncssh.SFTPAttrs(uid=uid, gid=gid))
            await target.setstat(asyncssh.SFTPAttrs(permissions=file.mode))
            await target.fsync()
        await sftp.posix_rename(temporary, file.path)


def owner_ids(owner: str) -> tuple[int, int]:
    """`10001:10001` or `root:root` as numbers; other names are not known across machines."""
    user, _, group = owner.partition(":")
    known = {"root": 0}
    return known.get(user, -1) if user in known else int(user), (
        known[group] if group in known else int(group)
    )


class SshHosts:
    """Opens connections (see `host.port.HostFactory`)."""

    async def connect(self, address: HostAddress) -> SshHost:
        """Open a connection to a pinned machine within 10 s.

        Raises:
            Unreachable: nobody answers, or what answers is no SSH server.
            HostKeyMismatch: the key shown is not pinned.
            LoginRefused: the right machine does not accept the client key.
        """
        where = f"{address.address}:{address.port}"
        watcher = _Pinned(address.host_keys)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await self._open(address, watcher)
        except asyncssh.HostKeyNotVerifiable as error:
            raise HostKeyMismatch(mismatch(where, watcher.shown, address.host_keys)) from error
        except asyncssh.PermissionDenied as error:
            raise LoginRefused(
                f"{where}: the machine showed a pinned host key but refused the operator's key "
                f"for {address.user}: its authorized_keys must hold it"
            ) from error
        except TimeoutError as error:
            raise Unreachable(f"{where}: no SSH in time") from error
        except (OSError, asyncssh.Error) as error:
            raise Unreachable(f"{where}: {error}") from error
        return SshHost(address, connection, watcher.shown)

    async def _open(self, address: HostAddress, watcher: _Pinned) -> asyncssh.SSHClientConnection:
        """The TCP and SSH handshake with nothing taken from the user's surroundings."""
        return await asyncssh.connect(
            address.address,
            port=address.port,
            username=address.user,
            client_factory=lambda: watcher,
            client_keys=[asyncssh.import_private_key(address.client_key)],
            known_hosts=b"",
            server_host_key_algs=["ssh-ed25519"],
            config=None,
            agent_path=None,
            preferred_auth=["publickey"],
            compression_algs=None,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=2,
            login_timeout=CONNECT_SECONDS,
            sock=await knock(address.address, address.port),
        )


async def knock(address: str, port: int) -> socket.socket:
    """An open TCP connection. Raises OSError, TimeoutError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened


def mismatch(where: str, shown: str, pinned: Sequence[str]) -> str:
    """What was shown and what was expected, as fingerprints people can compare."""
    expected = ", ".join(fingerprint(key) for key in pinned)
    return (
        f"{where}: the machine shows host key {fingerprint(shown)}, pinned is {expected}: "
        "either the address belongs to another machine now or somebody is in between; "
        "nothing was sent"
    )


def fingerprint(public: str) -> str:
    """SHA256 fingerprint of an OpenSSH public key, as `ssh-keygen -l` prints it."""
    if not public:
        return "none"
    return asyncssh.import_public_key(public).get_fingerprint()
