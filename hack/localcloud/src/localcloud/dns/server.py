"""The DNS sockets: UDP and TCP on one address each, as many addresses as asked for.

A reply never takes longer to make than its upstream; each UDP question is a task of its own, a TCP
connection is served in order and closed when it idles.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from localcloud.dns.reply import Replies

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
PORT_TRIES = 20
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def may_recurse(address: str, networks: Sequence[Network]) -> bool:
    """Whether names outside our zones are looked up for this asker."""
    asker = ipaddress.ip_address(address)
    return asker.is_loopback or any(asker in network for network in networks)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.ensure_future(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = await self._server.reply(data, addr[0], tcp=False)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


class DnsServer:
    """Listens where it is told; every socket gives the same answers."""

    def __init__(self, replies: Replies, *, recursion_for: Sequence[Network] = ()) -> None:
        self._replies = replies
        self._networks = tuple(recursion_for)
        self._udp: list[asyncio.DatagramTransport] = []
        self._tcp: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Answer on `host:port`, UDP and TCP; returns the port (0 chooses one free in both)."""
        for attempt in range(PORT_TRIES):
            tcp = await asyncio.start_server(self._accept, host, port)
            chosen = int(tcp.sockets[0].getsockname()[1])
            try:
                await self._listen_udp(host, chosen)
            except OSError:
                tcp.close()
                if port or attempt == PORT_TRIES - 1:
                    raise
                continue
            self._tcp.append(tcp)
            return chosen
        raise AssertionError("the last attempt returns or raises")

    async def _listen_udp(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self), local_addr=(host, port)
        )
        self._udp.append(transport)

    async def close(self) -> None:
        """Close every socket and connection."""
        for transport in self._udp:
            transport.close()
        for server in self._tcp:
            server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def reply(self, wire: bytes, peer: str, *, tcp: bool) -> bytes | None:
        """The reply to one packet of `peer`."""
        return await self._replies.reply(wire, tcp=tcp, recurse=may_recurse(peer, self._networks))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve_tcp(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._exchange(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        with suppress(asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    wire = await reader.readexactly(length)
                reply = await self.reply(wire, peer, tcp=True)
                if reply is None:
                    return
                writer.write(struct.pack("!H", len(reply)) + reply)
                await writer.drain()
