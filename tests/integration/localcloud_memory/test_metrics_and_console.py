"""Metrics and the console of simulated machines, as Hetzner's client and a VNC client see them."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hcloud import APIException, Client
from localcloud.console.picture import HEIGHT, WIDTH
from localcloud.console.rfb import VERSION, Format, scrambled
from plugins.fix_localcloud import LocalCloud, start_localcloud
from plugins.hetzner_orders import finished, order_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

SECONDS = 30.0
NAMES = {"disk": 4, "network": 4, "cpu": 1}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("memory") / "cloud"
    arguments = ("--backend=memory", "--subnet=127.74.0.0/24")
    running = start_localcloud(folder, *arguments, only=("hetzner",))
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[Any]:
    yield Client(cloud.hetzner_token, api_endpoint=cloud.hetzner, poll_interval=0.01)
    cloud.admin("hetzner").ask("POST", "reset")


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

    def __init__(self, socket: ClientConnection, runner: asyncio.Runner) -> None:
        self._socket = socket
        self._runner = runner
        self._left = b""

    def read(self, count: int) -> bytes:
        while len(self._left) < count:
            message = self._runner.run(asyncio.wait_for(self._socket.recv(), SECONDS))
            assert isinstance(message, bytes)
            self._left += message
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def say(self, data: bytes) -> None:
        self._runner.run(self._socket.send(data))

    def sign_in(self, password: str) -> int:
        """Shake hands; returns the server's result, 0 for welcome."""
        assert self.read(12) == VERSION
        self.say(VERSION)
        assert self.read(2) == b"\x01\x02"
        self.say(b"\x02")
        self.say(scrambled(self.read(16), password))
        return int.from_bytes(self.read(4), "big")

    def begin(self) -> str:
        """Learn size and name of the screen."""
        self.say(b"\x01")
        assert struct.unpack(">HH", self.read(4)) == (WIDTH, HEIGHT)
        self.read(16)
        return self.read(int.from_bytes(self.read(4), "big")).decode()

    def look(self, *, incremental: bool = False, bits: int = 32) -> bytes:
        """The picture."""
        self.say(struct.pack(">BBHHHH", 3, incremental, 0, 0, WIDTH, HEIGHT))
        rectangle = struct.unpack(">BxHHHHHi", self.read(16))
        assert rectangle == (0, 1, 0, 0, WIDTH, HEIGHT, 0)
        return self.read(WIDTH * HEIGHT * bits // 8)


@dataclass
class Opened:
    """A console that was asked for."""

    url: str
    password: str


def asked_for(server: Any) -> Opened:
    answer = server.request_console()
    finished(answer.action)
    return Opened(answer.wss_url, answer.password)


@contextmanager
def visiting(opened: Opened, cloud: LocalCloud) -> Iterator[Vnc]:
    """A connection that one thread both reads and writes.

    `websockets.sync` does each in a thread of its own, and Python's ssl module does not promise
    that a TLS connection survives that (python/cpython#151508).
    """
    trust = ssl.create_default_context(cafile=str(cloud.ca))
    binary = [Subprotocol("binary")]

    async def opening() -> ClientConnection:
        return await connect(opened.url, ssl=trust, subprotocols=binary, open_timeout=SECONDS)

    with asyncio.Runner() as runner:
        socket = runner.run(opening())
        try:
            yield Vnc(socket, runner)
        finally:
            runner.run(socket.close())


def test_the_console_shows_the_machines_screen(client: Any, cloud: LocalCloud) -> None:
    server = order_server(client)
    opened = asked_for(server)
    assert opened.url.startswith("wss://127.0.0.1:")
    with visiting(opened, cloud) as vnc:
        assert vnc.sign_in(opened.password) == 0
        assert vnc.begin() == "web"
        seen = vnc.look()
        assert len(set(struct.unpack(f"<{WIDTH * HEIGHT}I", seen))) == 2
        vnc.say(struct.pack(">BBxxI", 4, 1, ord("a")))
        vnc.say(struct.pack(">BBHH", 5, 0, 1, 1))
        vnc.say(struct.pack(">BxHi", 2, 1, 0))
        vnc.say(struct.pack(">BxxxI", 6, 3) + b"cut")
        small = Format(bits=8, maxima=(7, 7, 3), shifts=(0, 3, 6))
        vnc.say(struct.pack(">Bxxx", 0) + small.packed())
        assert len(set(vnc.look(bits=8))) == 2
        finished(server.power_off())
        assert vnc.look(incremental=True, bits=8) != seen


def test_a_console_opens_with_its_own_address_and_password_only(
    client: Any, cloud: LocalCloud
) -> None:
    opened = asked_for(order_server(client))
    with visiting(opened, cloud) as vnc:
        assert vnc.sign_in("guessed!") == 1
    forged = Opened(opened.url.replace("token=", "token=x"), opened.password)
    other = Opened(opened.url.replace("server_id=", "server_id=1"), opened.password)
    for wrong in (forged, other):
        with pytest.raises(InvalidStatus, match="403"), visiting(wrong, cloud):
            raise AssertionError("a console opened with a wrong address")


def test_https_serves_the_same_api(client: Any, cloud: LocalCloud) -> None:
    order_server(client)
    answer = requests.get(
        f"{cloud.endpoints['hetzner_tls']}/servers",
        headers={"Authorization": f"Bearer {cloud.hetzner_token}"},
        verify=str(cloud.ca),
        timeout=SECONDS,
    )
    assert [server["name"] for server in answer.json()["servers"]] == ["web"]
