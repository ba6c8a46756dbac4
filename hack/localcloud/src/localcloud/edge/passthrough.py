"""The loopback edge: a browser on the developer's desk reaches the machine that DNS names.

TLS is passed through unread, chosen by the server name of the ClientHello; plain HTTP by the Host
header of the first request. Later requests of that HTTP connection go to the same machine. No
certificate, no cache, no buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from localcloud.edge.hello import (
    INTERNAL_ERROR,
    UNRECOGNIZED_NAME,
    NotTlsError,
    read_hello,
)
from localcloud.edge.splice import CHUNK, Streams, close, connect, splice

HELLO_SECONDS = 10.0
MOST = 65536

T = TypeVar("T")
Addresses = Callable[[str], tuple[str, ...]]


@dataclass
class Visitors:
    """Who is behind a connection that an edge opened, by its local address.

    The proxied edge is in this process too; so it can tell its origin the visitor's address and not
    this edge's. Entries live as long as their connection.
    """

    known: dict[tuple[str, int], str] = field(default_factory=dict)

    def of(self, peer: tuple[str, int]) -> str:
        """The visitor's address; without an entry the peer is the visitor."""
        return self.known.get(peer, peer[0])


@dataclass(frozen=True, kw_only=True)
class PassThrough:
    """Sends connections to `port` (TLS) or `http_port` of the address that `addresses` knows.

    `special` names addresses whose two ports differ from the machines'.
    """

    addresses: Addresses
    port: int = 443
    http_port: int = 80
    visitors: Visitors = field(default_factory=Visitors)
    special: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    async def serve_tls(self, client: Streams) -> None:
        """One TLS connection, passed to the machine of its server name."""
        try:
            hello, head = await _read_until(client[0], read_hello)
        except NotTlsError:
            return
        found = self.addresses(hello.server_name) if hello.server_name else ()
        if not found:
            await _say(client, UNRECOGNIZED_NAME)
            return
        try:
            await self._pass(client, self._target(found[0], 0), head)
        except _UnreachableError:
            await _say(client, INTERNAL_ERROR)

    async def serve_http(self, client: Streams) -> None:
        """One HTTP connection, passed to the machine of its first Host header."""
        try:
            host, head = await _read_until(client[0], read_host)
        except BadRequestError as error:
            await _say(client, _http(400, "Bad Request", str(error)))
            return
        found = self.addresses(host) if host else ()
        if not found:
            why = f"no DNS record of this cloud names {host!r}"
            await _say(client, _http(404, "Not Found", why))
            return
        try:
            await self._pass(client, self._target(found[0], 1), head)
        except _UnreachableError as error:
            await _say(client, _http(502, "Bad Gateway", str(error)))

    def _target(self, address: str, which: int) -> tuple[str, int]:
        return address, self.special.get(address, (self.port, self.http_port))[which]

    async def _pass(self, client: Streams, target: tuple[str, int], head: bytes) -> None:
        try:
            origin = await connect(*target)
        except OSError as error:
            where = f"{target[0]}:{target[1]}"
            raise _UnreachableError(f"{where} cannot be reached: {error or 'time-out'}") from error
        local = origin[1].get_extra_info("sockname")[:2]
        self.visitors.known[local] = self.visitors.of(client[1].get_extra_info("peername")[:2])
        try:
            origin[1].write(head)
            await origin[1].drain()
            await splice(client, origin)
        finally:
            self.visitors.known.pop(local, None)
            await close(origin[1])


class _UnreachableError(Exception):
    """The machine does not take the connection."""


class BadRequestError(ValueError):
    """The first bytes are no HTTP request with a Host."""


def read_host(data: bytes) -> str | None:
    """The Host of an HTTP request, without its port; `None` while the head is incomplete.

    Raises:
        BadRequestError: the head is complete and names no host.
    """
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"host":
            return _without_port(value.decode("latin-1").strip().lower())
    raise BadRequestError("the request has no Host header")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).rstrip(".")


async def _read_until(
    reader: asyncio.StreamReader, parse: Callable[[bytes], T | None]
) -> tuple[T, bytes]:
    """Read until `parse` finds what it looks for; returns that and every byte read so far."""
    data = b""
    async with asyncio.timeout(HELLO_SECONDS):
        while len(data) <= MOST:
            found = parse(data)
            if found is not None:
                return found, data
            more = await reader.read(CHUNK)
            if not more:
                raise ConnectionResetError("the client left before it said what it wants")
            data += more
    raise ConnectionAbortedError("the client's first message is too long")


async def _say(client: Streams, message: bytes) -> None:
    client[1].write(message)
    await client[1].drain()


def _http(status: int, reason: str, text: str) -> bytes:
    body = (text + "\n").encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body
