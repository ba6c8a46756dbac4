"""The proxied edge before real origins: certificates, addresses, streams, sockets, trouble."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from localcloud.authority import Authority
from localcloud.clock import RealClock
from localcloud.cloudflare.directory import Batch, Directory, is_proxied
from localcloud.dns.zones import Zones
from localcloud.edge.listeners import Listener
from localcloud.edge.origins import Origins
from localcloud.edge.passthrough import PassThrough, Visitors
from localcloud.edge.proxy import ProxyOptions, start_proxy
from localcloud.records import RecordStore, Zone
from localcloud.rows import Rows

HOST = "127.0.0.1"
EDGE = "127.63.0.9"
NAME = "agent.acme.test"
DIRECT = "direct.acme.test"


class ToEdge(AbstractResolver):
    """Every name is at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = ResolveResult(
            hostname=host, host=self._address, port=port, family=2, proto=0, flags=0
        )
        return [found]

    async def close(self) -> None:
        return None


async def tell(request: web.Request) -> web.Response:
    """What the origin sees of a request."""
    body = await request.read()
    assert request.transport is not None
    seen = {
        "headers": dict(request.headers),
        "peer": request.transport.get_extra_info("peername")[0],
        "host": request.host,
        "path": request.raw_path,
        "size": len(body),
        "scheme": request.scheme,
    }
    answer = web.json_response(seen)
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


class World:
    """A zone, an origin machine, the proxied edge and the loopback edge before it."""

    def __init__(self, folder: Path, ends: AsyncExitStack) -> None:
        self.ends = ends
        self.authority = Authority(folder / "ca")
        self.bundle = folder / "ca.pem"
        self.bundle.write_text(self.authority.root_pem)
        self.visitors = Visitors()
        rows = Rows(None)
        ends.callback(rows.close)
        store = RecordStore(rows)
        self.directory = Directory(store, RealClock())
        self.zone: Zone = self.directory.add_zone("acme.test")
        self.zones = Zones(store=store, gateway=HOST, proxy_address=EDGE, proxied=is_proxied)
        self.step = asyncio.Event()
        self.gone = asyncio.Event()

    def point(self, address: str = HOST) -> None:
        posts = [
            {"type": "A", "name": "agent", "content": address, "ttl": 1, "proxied": True},
            {"type": "A", "name": "direct", "content": address, "ttl": 60},
        ]
        self.directory.apply(self.zone, Batch(posts=posts))

    async def origin(self, *, names: tuple[str, ...] = (NAME,)) -> tuple[int, int]:
        """A machine's web server: TLS and plain port."""
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/socket", self._socket)
        app.router.add_get("/cut", self._cut)
        app.router.add_route("*", "/{path:.*}", tell)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        self.ends.push_async_callback(runner.cleanup)
        tls = self.authority.certificate(*names).server_context()
        await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
        await web.TCPSite(runner, HOST, 0).start()
        return runner.addresses[0][1], runner.addresses[1][1]

    async def edge(self, ports: tuple[int, int]) -> None:
        """Start the edges before an origin on these ports."""
        options = ProxyOptions(
            address=EDGE,
            port=0,
            http_port=0,
            origin_port=ports[0],
            origin_http_port=ports[1],
            bundle=self.bundle,
        )
        proxy = await start_proxy(options, Origins(self.zones), self.authority, self.visitors)
        self.ends.push_async_callback(proxy.close)
        self.port, self.http_port = proxy.port, proxy.http_port
        through = PassThrough(
            addresses=self.zones.addresses,
            visitors=self.visitors,
            special={EDGE: (proxy.port, proxy.http_port)},
        )
        listener = Listener(through.serve_tls)
        self.ends.push_async_callback(listener.close)
        self.desk = await listener.listen(HOST, 0)

    async def client(self, address: str = EDGE, source: str = "127.5.6.7") -> aiohttp.ClientSession:
        """A browser at `source` for which every name is at `address`."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=ToEdge(address),
                ssl=ssl.create_default_context(cadata=self.authority.root_pem),
                local_addr=(source, 0),
            )
        )
        self.ends.push_async_callback(session.close)
        return session

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in range(3):
                await response.write(f"data: {number}\n\n".encode())
                await self.step.wait()
                self.step.clear()
        except (asyncio.CancelledError, ConnectionError):
            self.gone.set()
            raise
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("chat",))
        await socket.prepare(request)
        await socket.send_str(request.headers["CF-Connecting-IP"])
        async for message in socket:
            await socket.send_bytes(message.data[::-1])
        self.gone.set()
        return socket

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as ends:
        world = World(tmp_path, ends)
        world.point()
        yield world


async def test_a_proxied_name_has_its_own_certificate_and_tells_the_origin_who_asks(
    world: World,
) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    before = {"X-Forwarded-For": "192.0.2.1", "CF-Connecting-IP": "192.0.2.66"}
    url = f"https://{NAME}:{world.port}/a%2Fb?q=1"
    async with session.post(url, data=b"x" * 100_000, headers=before) as answer:
        seen = await answer.json()
        cookies = answer.headers.getall("Set-Cookie")
    headers = seen["headers"]
    assert headers["X-Forwarded-For"] == "192.0.2.1, 127.5.6.7"
    assert headers["CF-Connecting-IP"] == "127.5.6.7"
    assert headers["X-Forwarded-Proto"] == "https"
    assert seen["peer"] == EDGE
    assert (seen["path"], seen["size"]) == ("/a%2Fb?q=1", 100_000)
    assert seen["host"] == f"{NAME}:{world.port}"
    assert [cookie.split(";")[0] for cookie in cookies] == ["a=1", "b=2"]


async def test_through_the_loopback_edge_the_visitor_stays_known(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client(HOST, source="127.9.9.9")
    async with session.get(f"https://{NAME}:{world.desk}/") as answer:
        seen = await answer.json()
    assert seen["headers"]["CF-Connecting-IP"] == "127.9.9.9"


async def test_plain_http_reaches_the_origin_plain_for_challenges(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    url = f"http://{NAME}:{world.http_port}/.well-known/acme-challenge/token"
    async with session.get(url) as answer:
        seen = await answer.json()
    assert (seen["scheme"], seen["path"]) == ("http", "/.well-known/acme-challenge/token")
    assert seen["headers"]["X-Forwarded-Proto"] == "http"


async def test_events_arrive_one_by_one(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    async with session.get(f"https://{NAME}:{world.port}/stream") as answer:
        assert answer.content_type == "text/event-stream"
        for number in range(3):
            line = await answer.content.readuntil(b"\n\n")
            assert line == f"data: {number}\n\n".encode()
            world.step.set()


async def test_an_upload_arrives_while_it_is_being_sent(world: World) -> None:
    ports = await world.origin()
    arrived = asyncio.Event()

    async def first_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"first")
        arrived.set()
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    tls = world.authority.certificate(NAME).server_context()
    server = await asyncio.start_server(first_byte, HOST, 0, ssl=tls)
    world.ends.callback(server.close)
    await world.edge((server.sockets[0].getsockname()[1], ports[1]))

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await arrived.wait()
        yield b"second"

    session = await world.client()
    async with session.post(f"https://{NAME}:{world.port}/", data=body()) as answer:
        assert answer.status == 204


async def test_a_visitor_who_leaves_is_gone_at_the_origin(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    async with session.get(f"https://{NAME}:{world.port}/stream") as answer:
        await answer.content.readuntil(b"\n\n")
        answer.close()
    assert await asyncio.wait_for(world.gone.wait(), 60)


async def test_web_sockets_pass_both_ways(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    url = f"https://{NAME}:{world.port}/socket"
    async with session.ws_connect(url, protocols=("other", "chat")) as socket:
        assert socket.protocol == "chat"
        assert await socket.receive_str() == "127.5.6.7"
        await socket.send_bytes(b"abc" * 50_000)
        assert await socket.receive_bytes() == b"cba" * 50_000
    assert await asyncio.wait_for(world.gone.wait(), 60)


async def test_an_answer_that_breaks_off_breaks_off(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    async with session.get(f"https://{NAME}:{world.port}/cut") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_names_that_are_not_proxied_are_not_served(world: World) -> None:
    await world.edge(await world.origin())
    session = await world.client()
    trust = ssl.create_default_context(cadata=world.authority.root_pem)
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.open_connection(EDGE, world.port, ssl=trust, server_hostname=DIRECT)
    async with session.get(f"http://{DIRECT}:{world.http_port}/") as answer:
        assert answer.status == 530


@pytest.mark.parametrize(
    ("mode", "names", "status"),
    [
        ("full", ("wrong.acme.test",), 200),
        ("strict", (NAME,), 200),
        ("strict", ("wrong.acme.test",), 526),
        ("flexible", ("wrong.acme.test",), 200),
    ],
)
async def test_the_zone_says_how_strictly_origins_are_checked(
    world: World, mode: str, names: tuple[str, ...], status: int
) -> None:
    await world.edge(await world.origin(names=names))
    world.zone = world.directory.set_ssl(world.zone, mode)
    session = await world.client()
    async with session.get(f"https://{NAME}:{world.port}/") as answer:
        assert answer.status == status


async def test_trouble_with_the_origin_has_cloudflares_numbers(
    world: World, unused_tcp_port: int
) -> None:
    _, plain = await world.origin()
    await world.edge((plain, unused_tcp_port))
    session = await world.client()
    async with session.get(f"https://{NAME}:{world.port}/") as no_tls:
        assert no_tls.status == 525
    async with session.get(f"http://{NAME}:{world.http_port}/") as down:
        assert down.status == 521
        assert await down.text() == "error code: 521\n"
