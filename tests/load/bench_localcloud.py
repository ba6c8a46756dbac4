"""The local cloud itself: boot of a stock machine to SSH, and its API with 10,000 servers.

The API's floor is an aiohttp server that answers the same bytes from memory, asked by the same
client in the same run.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from load.figures import Figure, emit, median, percentile, say
from plugins.fix_chain import missing_for_machines
from plugins.fix_localcloud import LocalCloud, start_localcloud
from plugins.ssh_greeting import GREETING, ssh_answer

SERVERS = 10_000
GROUPS = 100
ASKED = 100
POLLED = 25
CLIENTS = 8
SECONDS = 4.0
BOOTS = 3
SUBNET = "198.18.89.0/24"
PLENTY = 100_000_000
FLOOR = Path(__file__).with_name("floor_server.py")


def run() -> None:
    """Both parts."""
    with tempfile.TemporaryDirectory(prefix="bench-cloud-") as folder:
        api(Path(folder) / "memory")
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
    """Return when a banner comes. Raises TimeoutError after two minutes, with what was met last."""
    end, met = time.monotonic() + 120, "nothing"
    while time.monotonic() < end:
        met = ssh_answer(address, 22)
        if met == GREETING:
            return
        time.sleep(0.02)
    raise TimeoutError(f"{address} answers no SSH after two minutes, but {met}")


def purge(folder: Path) -> None:
    """Remove the machines and what they left on this computer."""
    argv = [sys.executable, "-c", "from localcloud.cli import run; run()"]
    subprocess.run([*argv, "down", f"--dir={folder}", "--purge"], check=True, stdout=sys.stderr)


# -- API -----------------------------------------------------------------------------------------
def api(folder: Path) -> None:
    """Creating 10,000 servers that run, then asking for them in every way."""
    cloud = start_localcloud(folder, "--backend=memory", only=("hetzner",))
    try:
        limits = {"requests_per_hour": PLENTY, "resources": {"server": SERVERS + 1}}
        cloud.admin("hetzner").ask("POST", "limits", limits)
        started = time.monotonic()
        made = asyncio.run(fill(cloud))
        first = min(server for server, _ in made)
        with _client(cloud) as client:
            run_all(client)
            creation(time.monotonic() - started)
            pages(client)
            lists(client)
            polls(client, [action for _, actions in made for action in actions])
            body = client.get(f"servers/{first}").raise_for_status().content
        throughput(cloud, f"{cloud.hetzner}/servers/{first}", body)
    finally:
        cloud.stop()


def run_all(client: httpx.Client) -> None:
    """Return once every server runs. Raises TimeoutError after ten minutes."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        answer = client.get("servers", params={"status": "running", "per_page": 1})
        if answer.json()["meta"]["pagination"]["total_entries"] == SERVERS:
            return
        time.sleep(0.2)
    raise TimeoutError(f"of {SERVERS} servers not all run after ten minutes")


def creation(seconds: float) -> None:
    """Servers per second from the request to `running`."""
    context = {"servers": SERVERS, "clients": CLIENTS, "seconds": round(seconds, 1)}
    rate = SERVERS / seconds
    emit(
        Figure(
            name="localcloud_create", value=rate, unit="servers/s", better="higher", context=context
        )
    )


def _median_ms(ask: Callable[[int], httpx.Response]) -> tuple[float, float]:
    """Median and 95th percentile of what `ask` takes."""
    taken = []
    for number in range(ASKED):
        started = time.perf_counter()
        ask(number).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
    return median(taken), percentile(taken, 0.95)


def lists(client: httpx.Client) -> None:
    """Servers by a label that a hundredth of them has, and by one that all have."""
    for name, selector in (("rare", "group={}"), ("common", "bench=yes")):
        value, p95 = _median_ms(
            lambda n, s=selector: client.get(  # type: ignore[misc]
                "servers", params={"label_selector": s.format(n % GROUPS), "per_page": 50}
            )
        )
        context = {"servers": SERVERS, "selector": selector.format("n"), "p95": round(p95, 1)}
        emit(Figure(name=f"localcloud_list_{name}", value=value, unit="ms", context=context))


def polls(client: httpx.Client, actions: list[int]) -> None:
    """25 actions in one request, as hcloud-go polls."""
    value, p95 = _median_ms(
        lambda n: client.get(
            "actions",
            params=[
                ("sort", "status"),
                ("sort", "id"),
                *(("id", action) for action in actions[n * POLLED : (n + 1) * POLLED]),
            ],
        )
    )
    context = {"actions": len(actions), "ids": POLLED, "p95": round(p95, 1)}
    emit(Figure(name="localcloud_poll", value=value, unit="ms", context=context))


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


async def fill(cloud: LocalCloud) -> list[tuple[int, list[int]]]:
    """Make the servers; returns for each its id and its actions'."""
    headers = {"Authorization": f"Bearer {cloud.hetzner_token}"}
    waiting = iter(range(SERVERS))
    made: list[tuple[int, list[int]]] = []
    async with aiohttp.ClientSession(headers=headers) as session:

        async def work() -> None:
            for number in waiting:
                server = await make(session, cloud.hetzner, number)
                made.append(server)

        await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return made


async def make(session: aiohttp.ClientSession, hetzner: str, number: int) -> tuple[int, list[int]]:
    """One server; its id and those of its actions."""
    body: dict[str, Any] = {
        "name": f"bench{number}",
        "server_type": "cx23",
        "image": "debian-13",
        "location": "fsn1",
        "labels": {"bench": "yes", "group": str(number % GROUPS)},
    }
    async with session.post(f"{hetzner}/servers", json=body) as answer:
        answer.raise_for_status()
        document = await answer.json()
    actions = [document["action"], *document["next_actions"]]
    return int(document["server"]["id"]), [int(action["id"]) for action in actions]


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
