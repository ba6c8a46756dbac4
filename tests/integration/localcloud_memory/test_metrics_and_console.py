"""Metrics and the console of simulated machines, as Hetzner's client and a VNC client see them."""

from __future__ import annotations

import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hcloud import APIException, Client
from localcloud.console.picture import HEIGHT, WIDTH
from localcloud.console.rfb import VERSION, Format, scrambled
from plugins.fix_localcloud import LocalCloud, RunLocalCloud
from plugins.hetzner_orders import finished, order_server

SECONDS = 30.0
NAMES = {"disk": 4, "network": 4, "cpu": 1}


@pytest.fixture
def cloud(run_localcloud: RunLocalCloud) -> LocalCloud:
    return run_localcloud("--backend=memory", only=("hetzner",))


@pytest.fixture
def client(cloud: LocalCloud) -> Any:
    return Client(cloud.hetzner_token, api_endpoint=cloud.hetzner, poll_interval=0.01)


def test_metrics_are_those_of_hetzner(client: Any) -> None:
    server = order_server(client)
    end = datetime.now(UTC) + timedelta(seconds=60)
    for kind, count in NAMES.items():
        found = client.servers.get_metrics(server, kind, end - timedelta(hours=1), end).metrics
        assert len(found.time_series) == count
        assert all(name.startswith(kind) for name in found.time_series)
        assert found.step == 18.0
    with pytest.raises(APIException, match="type"):
        client.servers.get_metrics(server, "weather", end, end)


def test_a_machine_that_is_on_uses_something(client: Any, cloud: LocalCloud) -> None:
    server = order_server(client)
    values: list[Any] = []
    while len(values) < 2:
        end = datetime.now(UTC)
        asked = client.servers.get_metrics(server, "cpu", end - timedelta(seconds=30), end, 1)
        values = asked.metrics.time_series["cpu"]["values"]
    assert all(isinstance(at, float) and float(value) > 0 for at, value in values)
    finished(server.power_off())
    end = datetime.now(UTC)
    off = client.servers.get_metrics(server, "cpu", end - timedelta(seconds=30), end).metrics
    assert off.time_series["cpu"]["values"] == []


class Vnc:
    """The client's side of RFB, as far as the server speaks it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._left = b""

    async def read(self, count: int) -> bytes:
        while len(self._left) < count:
            self._left += await self._socket.receive_bytes(timeout=SECONDS)
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    async def say(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def sign_in(self, password: str) -> int:
        """Shake hands; returns the server's result, 0 for welcome."""
        assert await self.read(12) == VERSION
        await self.say(VERSION)
        assert await self.read(2) == b"\x01\x02"
        await self.say(b"\x02")
        await self.say(scrambled(await self.read(16), password))
        return int.from_bytes(await self.read(4), "big")

    async def begin(self) -> str:
        """Learn size and name of the screen."""
        await self.say(b"\x01")
        assert struct.unpack(">HH", await self.read(4)) == (WIDTH, HEIGHT)
        await self.read(16)
        return (await self.read(int.from_bytes(await self.read(4), "big"))).decode()

    async def look(self, *, incremental: bool = False, bits: int = 32) -> bytes:
        """The picture."""
        await self.say(struct.pack(">BBHHHH", 3, incremental, 0, 0, WIDTH, HEIGHT))
        rectangle = struct.unpack(">BxHHHHHi", await self.read(16))
        assert rectangle == (0, 1, 0, 0, WIDTH, HEIGHT, 0)
        return await self.read(WIDTH * HEIGHT * bits // 8)


@dataclass
class Opened:
    """A console that was asked for."""

    url: str
    password: str


def asked_for(server: Any) -> Opened:
    answer = server.request_console()
    finished(answer.action)
    return Opened(answer.wss_url, answer.password)


@asynccontextmanager
async def visiting(opened: Opened, cloud: LocalCloud) -> AsyncIterator[Vnc]:
    trust = ssl.create_default_context(cafile=str(cloud.ca))
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(opened.url, ssl=trust, protocols=("binary",)) as socket,
    ):
        yield Vnc(socket)


async def test_the_console_shows_the_machines_screen(
    socket_enabled: None, client: Any, cloud: LocalCloud
) -> None:
    server = order_server(client)
    opened = asked_for(server)
    assert opened.url.startswith("wss://127.0.0.1:")
    async with visiting(opened, cloud) as vnc:
        assert await vnc.sign_in(opened.password) == 0
        assert await vnc.begin() == "web"
        seen = await vnc.look()
        assert len(set(struct.unpack(f"<{WIDTH * HEIGHT}I", seen))) == 2
        await vnc.say(struct.pack(">BBxxI", 4, 1, ord("a")))
        await vnc.say(struct.pack(">BBHH", 5, 0, 1, 1))
        await vnc.say(struct.pack(">BxHi", 2, 1, 0))
        await vnc.say(struct.pack(">BxxxI", 6, 3) + b"cut")
        small = Format(bits=8, maxima=(7, 7, 3), shifts=(0, 3, 6))
        await vnc.say(struct.pack(">Bxxx", 0) + small.packed())
        assert len(set(await vnc.look(bits=8))) == 2
        finished(server.power_off())
        assert await vnc.look(incremental=True, bits=8) != seen


async def test_a_console_opens_with_its_own_address_and_password_only(
    socket_enabled: None, client: Any, cloud: LocalCloud
) -> None:
    opened = asked_for(order_server(client))
    async with visiting(opened, cloud) as vnc:
        assert await vnc.sign_in("guessed!") == 1
    forged = Opened(opened.url.replace("token=", "token=x"), opened.password)
    other = Opened(opened.url.replace("server_id=", "server_id=1"), opened.password)
    trust = ssl.create_default_context(cafile=str(cloud.ca))
    async with aiohttp.ClientSession() as session:
        for wrong in (forged, other):
            async with session.get(wrong.url.replace("wss:", "https:"), ssl=trust) as answer:
                assert answer.status == 403


async def test_https_serves_the_same_api(
    socket_enabled: None, client: Any, cloud: LocalCloud
) -> None:
    order_server(client)
    trust = ssl.create_default_context(cafile=str(cloud.ca))
    headers = {"Authorization": f"Bearer {cloud.hetzner_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"{cloud.endpoints['hetzner_tls']}/servers"
        async with session.get(url, ssl=trust) as answer:
            assert [server["name"] for server in (await answer.json())["servers"]] == ["web"]
