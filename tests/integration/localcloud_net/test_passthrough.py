"""The loopback edge on real sockets, with real TLS behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from localcloud.authority import Authority
from localcloud.edge.listeners import Listener, forwarder
from localcloud.edge.passthrough import PassThrough, Visitors
from localcloud.edge.splice import Streams, close
from plugins.waiting import expect

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST = "127.0.0.1"
NAME = "agent.acme.test"


class Edge:
    """An edge whose only known names are given, and the ends of everything opened for a test."""

    def __init__(self, authority: Authority, ends: AsyncExitStack) -> None:
        self.authority = authority
        self.visitors = Visitors()
        self.known: dict[str, tuple[str, ...]] = {NAME: (HOST,)}
        self._ends = ends

    async def listen(self, listener: Listener) -> int:
        self._ends.push_async_callback(listener.close)
        return await listener.listen(HOST, 0)

    async def before(self, port: int) -> tuple[int, int]:
        """TLS and HTTP port of an edge before a machine that listens on `port`."""
        through = PassThrough(
            addresses=lambda name: self.known.get(name, ()),
            port=port,
            http_port=port,
            visitors=self.visitors,
        )
        tls = await self.listen(Listener(through.serve_tls))
        return tls, await self.listen(Listener(through.serve_http))

    async def machine(self, serve: Serve, *, tls: bool = True) -> int:
        context = self.authority.certificate(NAME).server_context() if tls else None

        async def kept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._ends.callback(abort_open, writer)
            await serve(reader, writer)

        server = await asyncio.start_server(kept, HOST, 0, ssl=context)
        self._ends.callback(server.close)
        return int(server.sockets[0].getsockname()[1])

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.root_pem)


def abort_open(writer: asyncio.StreamWriter) -> None:
    """End what a test left open; TLS that was closed from both sides has nothing to abort."""
    if not writer.transport.is_closing():
        writer.transport.abort()


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    async with AsyncExitStack() as ends:
        yield Edge(Authority(tmp_path), ends)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, and the end when it ends."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    await close(writer)


async def test_tls_goes_through_to_the_machine_that_dns_names(edge: Edge) -> None:
    tls, _ = await edge.before(await edge.machine(echo))
    reader, writer = await asyncio.open_connection(
        HOST, tls, ssl=edge.trust(), server_hostname=NAME
    )
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert writer.get_extra_info("peercert")["subjectAltName"] == (("DNS", NAME),)
    await close(writer)


@pytest.mark.parametrize("name", ["unknown.acme.test", None])
async def test_an_unknown_name_is_answered_with_the_tls_alert(edge: Edge, name: str | None) -> None:
    tls, _ = await edge.before(await edge.machine(echo))
    context = edge.trust()
    context.check_hostname = False
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        await asyncio.open_connection(HOST, tls, ssl=context, server_hostname=name or HOST)


async def test_a_machine_that_is_down_is_answered_with_an_alert(
    edge: Edge, unused_tcp_port: int
) -> None:
    tls, _ = await edge.before(unused_tcp_port)
    with pytest.raises(ssl.SSLError, match="INTERNAL_ERROR"):
        await asyncio.open_connection(HOST, tls, ssl=edge.trust(), server_hostname=NAME)


async def test_what_is_no_tls_is_closed(edge: Edge) -> None:
    tls, _ = await edge.before(await edge.machine(echo))
    reader, writer = await asyncio.open_connection(HOST, tls)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await reader.read() == b""
    await close(writer)


async def ask_http(port: int, host: str) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    writer.write_eof()
    answer = await reader.read()
    await close(writer)
    return answer


async def test_plain_http_goes_by_the_host_header(edge: Edge, unused_tcp_port: int) -> None:
    _, http = await edge.before(await edge.machine(echo, tls=False))
    assert await ask_http(http, f"{NAME}:8082") == b"GET / HTTP/1.1\r\nHost: " + (
        f"{NAME}:8082\r\n\r\n".encode()
    )
    unknown = await ask_http(http, "unknown.acme.test")
    assert unknown.startswith(b"HTTP/1.1 404")
    assert b"no DNS record of this cloud names 'unknown.acme.test'" in unknown
    _, nobody = await edge.before(unused_tcp_port)
    assert (await ask_http(nobody, NAME)).startswith(b"HTTP/1.1 502")


async def test_nothing_is_kept_back(edge: Edge) -> None:
    """Each piece arrives before the next is sent."""
    arrived = asyncio.Event()

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in (b"1", b"2", b"3"):
            writer.write(piece)
            await writer.drain()
            await arrived.wait()
            arrived.clear()
        writer.close()

    tls, _ = await edge.before(await edge.machine(trickle))
    reader, writer = await asyncio.open_connection(
        HOST, tls, ssl=edge.trust(), server_hostname=NAME
    )
    for piece in (b"1", b"2", b"3"):
        assert await reader.readexactly(1) == piece
        arrived.set()
    await close(writer)


async def test_one_direction_may_end_before_the_other(edge: Edge) -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = len(await reader.read(-1))
        writer.write(b"%d" % size)
        writer.close()

    target = await edge.machine(count, tls=False)
    port = await edge.listen(forwarder(HOST, target))
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"x" * 300_000)
    writer.write_eof()
    assert await reader.read() == b"300000"
    await close(writer)


async def test_a_reader_who_does_not_read_stops_the_sender(edge: Edge) -> None:
    sent = 0
    stuck = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                stuck.set()
                writer.transport.abort()
                return

    port = await edge.listen(forwarder(HOST, await edge.machine(flood, tls=False)))
    _, writer = await asyncio.open_connection(HOST, port, limit=1024)
    await stuck.wait()
    assert sent < 64 * 2**20
    writer.transport.abort()


async def test_a_reset_reaches_the_other_side(edge: Edge) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    port = await edge.listen(forwarder(HOST, await edge.machine(reset, tls=False)))
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"x")
    assert await ended(reader)
    await close(writer)


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_the_visitor_is_known_while_the_connection_lives(edge: Edge) -> None:
    seen: list[str] = []

    async def who(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        seen.append(edge.visitors.of(writer.get_extra_info("peername")[:2]))
        writer.close()

    tls, _ = await edge.before(await edge.machine(who))
    reader, writer = await asyncio.open_connection(
        HOST, tls, ssl=edge.trust(), server_hostname=NAME, local_addr=("127.5.6.7", 0)
    )
    writer.write(b"?")
    await reader.read()
    await close(writer)
    assert seen == ["127.5.6.7"]
    await asyncio.to_thread(expect, lambda: edge.visitors.known == {}, "the visitor's leaving")


async def test_closing_a_listener_ends_its_connections(edge: Edge) -> None:
    async def serve(client: Streams) -> None:
        await client[0].read()

    listener = Listener(serve)
    port = await listener.listen(HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, port)
    await asyncio.sleep(0)
    await listener.close()
    assert await ended(reader)
    await close(writer)
