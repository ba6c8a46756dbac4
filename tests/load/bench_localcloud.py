"""The local cloud itself: boot of a stock machine to SSH, and its API with 10,000 servers.

The API's floor is an aiohttp server that answers the same bytes from memory, asked by the same
client in the same run.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from load.figures import Figure, emit, median, percentile, say
from plugins.fix_chain import missing_for_machines
from plugins.fix_localcloud import LocalCloud, start_localcloud

SERVERS = 10_000
CLIENTS = 8
SECONDS = 4.0
BOOTS = 3
SUBNET = "198.18.89.0/24"
PLENTY = 100_000_000
FLOOR = Path(__file__).with_name("floor_server.py")


def run() -> None:
    """Both parts."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder:
        api(Path(folder) / "inert")
        missing = missing_for_machines()
        if missing is None:
            boots(Path(folder) / "container")
        else:
            say(f"boot to SSH is left out: {missing}")


# -- boot ----------------------------------------------------------------------------------------
def boots(folder: Path) -> None:
    """From the request for a server of the stock image to the first words of its sshd."""
    arguments = ("--backend=container", f"--subnet={SUBNET}")
    cloud = start_localcloud(folder, *arguments, only=("hetzner", "dns"))
    try:
        with _client(cloud) as client:
            found = [boot(client, f"bench{number}") for number in range(BOOTS)]
    finally:
        cloud.stop()
        purge(folder)
    context = {"runs": [round(each, 2) for each in found], "image": "debian-13", "type": "cx23"}
    emit(Figure(name="localcloud_boot", value=median(found), unit="s", bar=10, context=context))


def boot(client: httpx.Client, name: str) -> float:
    """Seconds to SSH of one server, which is deleted again."""
    body = {"name": name, "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
    started = time.monotonic()
    made = client.post("servers", json=body).raise_for_status().json()["server"]
    wait_for_ssh(made["public_net"]["ipv4"]["ip"])
    seconds = time.monotonic() - started
    client.delete(f"servers/{made['id']}").raise_for_status()
    say(f"SSH answered after {seconds:.1f} s")
    return seconds


def wait_for_ssh(address: str) -> None:
    """Return when a banner comes. Raises TimeoutError after two minutes."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with socket.create_connection((address, 22), timeout=1) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"{address} answers no SSH after two minutes")


def purge(folder: Path) -> None:
    """Remove the machines and what they left on this computer."""
    argv = [sys.executable, "-c", "from localcloud.cli import run; run()"]
    subprocess.run([*argv, "down", f"--dir={folder}", "--purge"], check=True, stdout=sys.stderr)


# -- API -----------------------------------------------------------------------------------------
def api(folder: Path) -> None:
    """Pages and single servers among 10,000."""
    cloud = start_localcloud(folder, "--subnet=198.18.0.0/15", only=("hetzner",))
    try:
        limits = {"requests_per_hour": PLENTY, "resources": {"server": SERVERS + 1}}
        cloud.admin("hetzner").ask("POST", "limits", limits)
        started = time.monotonic()
        first = asyncio.run(fill(cloud))
        say(f"{SERVERS} servers made in {time.monotonic() - started:.0f} s")
        with _client(cloud) as client:
            pages(client)
            body = client.get(f"servers/{first}").raise_for_status().content
        throughput(cloud, f"{cloud.hetzner}/servers/{first}", body)
    finally:
        cloud.stop()


def pages(client: httpx.Client) -> None:
    """All 200 pages of 50."""
    taken = []
    for page in range(1, SERVERS // 50 + 1):
        started = time.perf_counter()
        answer = client.get("servers", params={"per_page": 50, "page": page}).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
        if len(answer.json()["servers"]) != 50:
            raise RuntimeError(f"page {page} is not full: {SERVERS} servers were made")
    context = {"servers": SERVERS, "pages": len(taken), "p95": round(percentile(taken, 0.95), 1)}
    emit(Figure(name="localcloud_page", value=median(taken), unit="ms", context=context))


def throughput(cloud: LocalCloud, url: str, body: bytes) -> None:
    """`GET /servers/{id}` per second, and the same bytes from a bare server."""
    headers = {"Authorization": f"Bearer {cloud.hetzner_token}"}
    measured = asyncio.run(rate(url, headers))
    with floor_server(body) as bare:
        floor = asyncio.run(rate(bare, headers))
    context = {"floor": "the same bytes from bare aiohttp", "floor_per_s": round(floor),
               "clients": CLIENTS, "bytes": len(body), "servers": SERVERS}  # fmt: skip
    figure = Figure(
        name="localcloud_rate", value=measured, unit="requests/s", better="higher", context=context
    )
    emit(figure)


async def rate(url: str, headers: dict[str, str]) -> float:
    """Answers per second with a few clients at once, after a moment to warm up."""
    async with aiohttp.ClientSession(headers=headers) as session:
        await count_answers(session, url, 0.5)
        found = await asyncio.gather(
            *(count_answers(session, url, SECONDS) for _ in range(CLIENTS))
        )
    return sum(found) / SECONDS


async def count_answers(session: aiohttp.ClientSession, url: str, seconds: float) -> int:
    """How often one client is answered."""
    end, found = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        async with session.get(url) as answer:
            answer.raise_for_status()
            await answer.read()
            found += 1
    return found


async def fill(cloud: LocalCloud) -> int:
    """Make the servers; returns the id of the first."""
    headers = {"Authorization": f"Bearer {cloud.hetzner_token}"}
    waiting = iter(range(SERVERS))
    made: list[int] = []
    async with aiohttp.ClientSession(headers=headers) as session:

        async def work() -> None:
            for number in waiting:
                identity = await make(session, cloud.hetzner, number)
                made.append(identity)

        await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return min(made)


async def make(session: aiohttp.ClientSession, hetzner: str, number: int) -> int:
    """One server that is never started."""
    body: dict[str, Any] = {
        "name": f"bench{number}",
        "server_type": "cx23",
        "image": "debian-13",
        "location": "fsn1",
        "start_after_create": False,
    }
    async with session.post(f"{hetzner}/servers", json=body) as answer:
        answer.raise_for_status()
        return int((await answer.json())["server"]["id"])


@contextmanager
def floor_server(body: bytes) -> Iterator[str]:
    """A process that answers everything with these bytes; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, str(FLOOR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the pipes of the floor's process are missing")
        process.stdin.write(body)
        process.stdin.close()
        yield process.stdout.readline().decode().strip()
    finally:
        process.terminate()
        process.wait()


def _client(cloud: LocalCloud) -> httpx.Client:
    headers = {"Authorization": f"Bearer {cloud.hetzner_token}"}
    return httpx.Client(base_url=f"{cloud.hetzner}/", headers=headers, timeout=60)
