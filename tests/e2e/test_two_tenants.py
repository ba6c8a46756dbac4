"""Two customers side by side: neither reaches what is the other's, and strangers are kept out."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from demo import objects
from demo.chain import Chain
from plugins.fix_chain import STRANGER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SCAN = """
import asyncio, json, sys
address = sys.argv[1]
async def probe(port, gate):
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 1)
        except (TimeoutError, OSError):
            return None
        writer.close()
        return port
async def main():
    gate = asyncio.Semaphore(2000)
    found = await asyncio.gather(*(probe(port, gate) for port in range(1, 65536)))
    print(json.dumps([port for port in found if port]))
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def pair(chain: Chain) -> Iterator[tuple[objects.Document, objects.Document]]:
    """Two Tenants that are ready, made at the same time."""
    names = ("north", "south")
    chain.apply(*(objects.tenant(name) for name in names))
    for name in names:
        for _ in chain.follow("tenant", name):
            pass
    yield chain.get("tenant", names[0]), chain.get("tenant", names[1])
    for name in names:
        chain.delete_tenant(name)


def inside(tenant: objects.Document, *argv: str) -> str:
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
        ["/usr/bin/docker", "exec", machine, *argv], capture_output=True, text=True, check=False
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


def test_no_secret_of_a_tenant_or_of_the_agency_is_on_the_neighbours_machine(
    chain: Chain, pair: tuple[objects.Document, objects.Document]
) -> None:
    north, _south = pair
    foreign = [
        chain.secret("south-secrets", key)
        for key in ("database_password", "session_key", "redis_password", "bootstrap_password")
    ]
    foreign.append(chain.endpoints["tokens"]["hetzner"])
    places = ("/opt", "/srv", "/etc", "/root", "/var/lib/cloud", "/run/secrets")
    for secret in foreign:
        assert inside(north, "grep", "-rlsF", "--", secret, *places) == ""
    own = chain.secret("north-secrets", "database_password")
    assert inside(north, "grep", "-rlsF", "--", own, *places) != ""


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
            socket.create_connection((address, 22), timeout=3, source_address=(source, 0))
        ) as connection:
            return connection.recv(8)
    except OSError:
        return b""


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
        for _ in range(6):
            assert subprocess.run(argv, capture_output=True, check=False).returncode == 255
        deadline = time.monotonic() + 60
        while ssh_greeting(address, source) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert ssh_greeting(address, source) == b""
    assert ssh_greeting(address, chain.endpoints["gateway"]) == b"SSH-2.0-"
