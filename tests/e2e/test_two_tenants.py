"""Two customers side by side: neither reaches what is the other's, and strangers are kept out."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from demo import objects
from demo.chain import Chain
from demo.customer import Customer
from plugins.fix_chain import STRANGER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SCAN = """
import json, resource, select, socket, sys, time
STEP = 8192
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
found = []
for first in range(1, 65536, STEP):
    poll, trying = select.epoll(), {}
    for port in range(first, min(first + STEP, 65536)):
        attempt = socket.socket()
        attempt.setblocking(False)
        attempt.connect_ex((sys.argv[1], port))
        trying[attempt.fileno()] = attempt, port
        poll.register(attempt, select.EPOLLOUT)
    end = time.monotonic() + 1
    while (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left):
            attempt, port = trying.pop(number)
            if attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(port)
            attempt.close()
    for attempt, _ in trying.values():
        attempt.close()
print(json.dumps(sorted(found)))
"""


@pytest.fixture(scope="module")
def pair(chain: Chain) -> Iterator[tuple[objects.Document, objects.Document]]:
    """Two Tenants that are ready, made at the same time."""
    names = ("north", "south")
    for name in names:
        chain.apply_tenant(name)
    for name in names:
        for _ in chain.follow("tenant", name):
            pass
    yield chain.get("tenant", names[0]), chain.get("tenant", names[1])
    for name in names:
        chain.delete_tenant(name)


def inside(tenant: objects.Document, *argv: str, stdin: str | None = None) -> str:
    """Run a program on the tenant's machine, as its root."""
    server = tenant["status"]["server"]["id"]
    names = subprocess.run(
        ["/usr/bin/docker", "ps", "--format", "{{.Names}}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    machine = next(name for name in names if name.endswith(f"-{server}"))
    result = subprocess.run(
        ["/usr/bin/docker", "exec", "-i", machine, *argv],
        input=stdin or "",
        capture_output=True,
        text=True,
        check=False,
    )
    # grep answers 2 when a place does not exist on this machine; it still read all others.
    assert result.returncode in (0, 1, 2), result.stderr
    return result.stdout


def test_from_the_neighbour_only_the_web_ports_are_open(
    pair: tuple[objects.Document, objects.Document],
) -> None:
    north, south = pair
    found = inside(north, "python3", "-c", SCAN, south["status"]["server"]["ipv4"])
    assert json.loads(found) == [80, 443]


OWN = ("database_password", "session_key", "redis_password", "bootstrap_password")
PLACES = ("/opt", "/srv", "/etc", "/root", "/home", "/run", "/tmp", "/var")
PROBE = """
import asyncio, json, sys
async def probe(address, port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 3)
    except (TimeoutError, OSError):
        return None
    writer.close()
    return address, port
async def main():
    found = await asyncio.gather(*(probe(*pair) for pair in json.loads(sys.argv[1])))
    print(json.dumps([pair for pair in found if pair]))
asyncio.run(main())
"""


def found_on(tenant: objects.Document, texts: dict[str, str]) -> set[str]:
    """Which of these are in any file, environment or command line of the tenant's machine."""
    search = "grep -rohsaF -D skip --exclude-dir=merged -f - "
    search += " ".join((*PLACES, "/proc/[0-9]*/environ", "/proc/[0-9]*/cmdline"))
    # By standard input: as an argument each would be found in the search's own command line.
    matches = inside(tenant, "sh", "-c", search, stdin="\n".join(texts.values()))
    return {name for name, value in texts.items() if value in set(matches.splitlines())}


def own_secrets(chain: Chain, name: str) -> dict[str, str]:
    """What is one customer's alone."""
    held = {key: chain.secret(f"{name}-secrets", key) for key in OWN}
    return {**held, "model key": chain.secret(objects.model_secret(name), "api-key")}


def test_no_secret_of_a_tenant_or_of_the_agency_is_on_the_neighbours_machine(
    chain: Chain, pair: tuple[objects.Document, objects.Document]
) -> None:
    tokens = {f"{name} token": value for name, value in chain.endpoints["tokens"].items()}
    for here, there in (pair, pair[::-1]):
        own = own_secrets(chain, here["metadata"]["name"])
        foreign = own_secrets(chain, there["metadata"]["name"])
        assert found_on(here, {**foreign, **tokens}) == set()
        assert found_on(here, own) == set(own)


def test_each_tenant_has_a_model_key_of_its_own_that_is_accepted(
    chain: Chain, pair: tuple[objects.Document, objects.Document]
) -> None:
    keys = [own_secrets(chain, tenant["metadata"]["name"])["model key"] for tenant in pair]
    assert keys[0] != keys[1]
    url = f"{chain.endpoints['model_local']}/v1beta/models"
    for key in (*keys, "AIzaNobody"):
        accepted = httpx.get(url, headers={"x-goog-api-key": key}).status_code == 200
        assert accepted == (key in keys)


def test_containers_of_one_tenant_reach_no_service_of_the_other(
    pair: tuple[objects.Document, objects.Document],
) -> None:
    """From inside the worker: the other's public address, and the private ones of its networks."""
    for here, there in (pair, pair[::-1]):
        public = there["status"]["server"]["ipv4"]
        asked = [(public, port) for port in (22, 2375, 5432, 6379, 8000, 8080)]
        asked += [(address, port) for address, port in private_services(there)]
        reached = from_the_worker(here, [(public, 443), *asked])
        own = private_services(here)
        assert reached - {(address, port) for address, port in own} == {(public, 443)}


def from_the_worker(
    tenant: objects.Document, places: list[tuple[str, int]]
) -> set[tuple[str, int]]:
    """Which of these a program in the tenant's worker can connect to."""
    worker = inside(tenant, "docker", "ps", "-qf", "name=worker").strip()
    argv = ("docker", "exec", worker, "python3", "-c", PROBE, json.dumps(places))
    return {(address, port) for address, port in json.loads(inside(tenant, *argv))}


def private_services(tenant: objects.Document) -> list[tuple[str, int]]:
    """Where a tenant's services listen inside its machine."""
    template = "{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    asked = f"docker inspect -f '{template}' $(docker ps -q)"
    ports = {"agent": 8000, "postgres": 5432, "redis": 6379, "traefik": 8080}
    found = []
    for line in inside(tenant, "sh", "-c", asked).splitlines():
        name, *addresses = line.split()
        found += [(a, port) for part, port in ports.items() if part in name for a in addresses]
    assert len(found) >= len(ports)
    return found


def test_documents_of_one_tenant_are_nowhere_on_the_others_machine(
    chain: Chain, pair: tuple[objects.Document, objects.Document]
) -> None:
    marks = {}
    for number, tenant in enumerate(pair):
        name, mark = tenant["metadata"]["name"], f"Kennwort-{secrets.token_hex(12)}"
        once = chain.secret(f"{name}-secrets", "bootstrap_password")
        with Customer(chain.door(tenant)) as customer:
            customer.sign_in(tenant["spec"]["agent"]["adminEmail"], once)
            customer.change_password(once, secrets.token_urlsafe(12))
            customer.upload("notiz.txt", f"Das Stichwort lautet {mark}.".encode())
        marks[f"document {number}"] = mark
    for number, tenant in enumerate(pair):
        assert found_on(tenant, marks) == {f"document {number}"}


def test_containers_cannot_read_the_metadata_service(
    pair: tuple[objects.Document, objects.Document],
) -> None:
    asked = "import socket; socket.create_connection(('169.254.169.254', 80), 3)"
    worker = "$(docker ps -qf name=worker)"
    code = f'docker exec {worker} python3 -c "{asked}" 2>/dev/null; echo $?'
    assert inside(pair[0], "sh", "-c", code).strip() != "0"


@contextmanager
def stranger_address() -> Iterator[str]:
    """An address of the agency's networks that is not the operator's own."""
    argv = ["ip", "address", "{}", f"{STRANGER}/32", "dev", "lo"]
    subprocess.run([word.format("add") for word in argv], check=True)
    try:
        yield STRANGER
    finally:
        subprocess.run([word.format("del") for word in argv], check=True)


def ssh_greeting(address: str, source: str) -> bytes:
    """The first bytes of sshd, or none when the connection is not let in."""
    try:
        with closing(
            socket.create_connection((address, 22), timeout=20, source_address=(source, 0))
        ) as connection:
            return connection.recv(8)
    except OSError:
        return b""


def guess(argv: list[str], *, times: int) -> int:
    """Try to get in, until there is no answer any more; how often that was refused."""
    for refused in range(times):
        try:
            done = subprocess.run(argv, capture_output=True, check=False, timeout=20)
        except subprocess.TimeoutExpired:  # the ban came in the middle of a handshake
            return refused
        assert done.returncode == 255
    return times


def test_who_guesses_at_ssh_is_banned_and_the_operator_is_not(
    chain: Chain, pair: tuple[objects.Document, objects.Document], tmp_path: Path
) -> None:
    address = pair[1]["status"]["server"]["ipv4"]
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes")
    words = [word for option in options for word in ("-o", option)]
    with stranger_address() as source:
        assert ssh_greeting(address, source) == b"SSH-2.0-"
        argv = ["ssh", "-b", source, "-i", str(key), *words, f"root@{address}", "true"]
        assert guess(argv, times=6) > 0
        deadline = time.monotonic() + 60
        while ssh_greeting(address, source) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert ssh_greeting(address, source) == b""
    assert ssh_greeting(address, chain.endpoints["gateway"]) == b"SSH-2.0-"


def test_one_machine_becomes_larger_and_comes_back_while_the_other_runs_on(
    chain: Chain, pair: tuple[objects.Document, objects.Document]
) -> None:
    """Last, because the machine starts anew."""
    north, south = pair
    began = inside(south, "ps", "-o", "lstart=", "-p", "1")
    mark = secrets.token_hex(12)
    inside(north, "sh", "-c", f"echo {mark} > /srv/tenant/mark")
    assert north["status"]["server"]["type"] == "cx33"
    patch = {"spec": {"server": {"types": ["cpx32"]}}}
    chain.kubectl("patch", "tenant", "north", "--type=merge", "-p", json.dumps(patch))
    for _ in chain.follow("tenant", "north"):
        pass
    changed = chain.get("tenant", "north")["status"]
    assert changed["server"]["type"] == "cpx32"
    assert {**changed["server"], "type": "cx33"} == north["status"]["server"]
    assert changed["volume"] == north["status"]["volume"]
    assert inside(north, "cat", "/srv/tenant/mark").strip() == mark
    assert inside(south, "ps", "-o", "lstart=", "-p", "1") == began
