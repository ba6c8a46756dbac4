"""A machine as the operator needs it: run a command, place files, read a file.

    HostError
    ├── Unreachable        no TCP, no SSH banner, connection lost, time-out: wait and try again
    ├── HostKeyMismatch    something answered with a key that is not pinned: refuse, tell a person
    └── LoginRefused       the host answered with the right key but refused ours

Common to every method: it has a time limit; a command that exits with another code than 0 is not
an error but an `Output`; what is started on the host is short (long work is a `Job`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tenant_operator.core.world import File


class HostError(Exception):
    """Talking to a machine failed; the message names address, port and cause, never a secret."""


class Unreachable(HostError):
    """Nobody answered, or the connection broke."""


class HostKeyMismatch(HostError):
    """Somebody answered, but not the machine whose key is pinned."""


class LoginRefused(HostError):
    """The pinned machine does not accept the operator's key."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program and its arguments, never a shell line; `stdin` may carry a secret, argv may not."""

    argv: tuple[str, ...]
    stdin: bytes = field(default=b"", repr=False)
    time_limit_seconds: float = 30


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command ended, with at most 256 KiB of each stream."""

    code: int
    stdout: str
    stderr: str = ""


@dataclass(frozen=True, kw_only=True)
class HostAddress:
    """Where a machine is and how to know that it is the right one.

    `host_keys` are the OpenSSH public keys that are accepted, in order of preference;
    `client_key` is the private key in OpenSSH format.
    """

    address: str
    port: int
    user: str
    host_keys: tuple[str, ...]
    client_key: str = field(repr=False)


class Host(Protocol):
    """An open connection to one machine, used by one task at a time."""

    @property
    def host_key(self) -> str:
        """The one of the pinned keys (`ssh-ed25519 AAAA…`, no comment) that the machine showed."""
        ...

    async def run(self, command: Command) -> Output:
        """Run to the end or to the time limit (`Unreachable`)."""
        ...

    async def put(self, files: Sequence[File]) -> None:
        """Place files atomically: temporary name, mode and owner, sync, rename; makes folders."""
        ...

    async def read(self, path: str) -> bytes | None:
        """A file's content, None when absent; at most 1 MiB."""
        ...

    async def close(self) -> None:
        """Hang up; never raises."""
        ...


class HostFactory(Protocol):
    """How to reach machines."""

    async def connect(self, address: HostAddress) -> Host:
        """Open a connection within 10 s. Raises the three kinds of `HostError`."""
        ...
