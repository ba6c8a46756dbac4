"""`localcloud` as people and tests start it: a process, its folder, its end."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from hcloud import Client
from hcloud.images import Image
from hcloud.server_types import ServerType
from hcloud.zones import ZoneRecord
from localcloud.administration import AdministrationError, of
from localcloud.cli import command
from plugins.fix_localcloud import LocalCloud, RunLocalCloud
from plugins.hetzner_orders import order_server
from plugins.waiting import expect

HOST = "127.0.0.1"
SECONDS = 30.0


def address_of(cloud: LocalCloud, name: str) -> list[str]:
    host, port = cloud.address("dns")
    answer = dns.query.udp(dns.message.make_query(name, "A"), host, port=port, timeout=SECONDS)
    return [data.address for rrset in answer.answer for data in rrset]


def make_record(cloud: LocalCloud) -> None:
    """A zone and a record over Hetzner's API."""
    client = Client(cloud.hetzner_token, api_endpoint=cloud.hetzner)
    made = client.zones.create(name="kept.example.org", mode="primary")
    made.zone.create_rrset(name="www", type="A", records=[ZoneRecord(value="198.18.0.7")])


def test_it_says_what_runs_and_leaves_nothing(
    run_localcloud: RunLocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = run_localcloud()
    assert command(["status", f"--dir={cloud.dir}"]) == 0
    assert cloud.hetzner in capsys.readouterr().out
    assert stat.S_IMODE((cloud.dir / "endpoints.json").stat().st_mode) == 0o600
    assert cloud.stop() == 0
    assert not (cloud.dir / "endpoints.json").exists()
    assert command(["status", f"--dir={cloud.dir}"]) == 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(cloud.address("edge"), timeout=SECONDS)


def test_state_and_tokens_are_kept_and_down_ends_it(run_localcloud: RunLocalCloud) -> None:
    first = run_localcloud()
    make_record(first)
    assert command(["down", f"--dir={first.dir}"]) == 0
    assert first.process.wait(SECONDS) == 0
    again = run_localcloud()
    assert again.endpoints["tokens"] == first.endpoints["tokens"]
    assert address_of(again, "www.kept.example.org") == ["198.18.0.7"]


def test_a_killed_instance_can_be_started_again(run_localcloud: RunLocalCloud) -> None:
    first = run_localcloud()
    make_record(first)
    first.stop(signal.SIGKILL)
    (first.dir / "endpoints.json").unlink()
    again = run_localcloud()
    assert address_of(again, "www.kept.example.org") == ["198.18.0.7"]


def test_what_was_begun_before_a_kill_is_ended_after_it(run_localcloud: RunLocalCloud) -> None:
    """Killed between a create's answer and its end: every server that was promised comes to run."""
    slow = ("--backend=memory", "--subnet=127.72.0.0/24", "--pace=0.05")
    cloud = run_localcloud(*slow, only=("hetzner",))
    client: Any = Client(cloud.hetzner_token, api_endpoint=cloud.hetzner)
    kind, image = ServerType(name="cx23"), Image(name="debian-13")
    promised = [client.servers.create(f"s{n}", kind, image).server.id for n in range(8)]
    cloud.stop(signal.SIGKILL)
    (cloud.dir / "endpoints.json").unlink()
    again = run_localcloud(*slow, only=("hetzner",))
    client = Client(again.hetzner_token, api_endpoint=again.hetzner)
    expect(lambda: all(s.status == "running" for s in client.servers.get_all()), "all that run")
    servers = client.servers.get_all()
    assert [server.id for server in servers] == promised
    addresses = {server.public_net.ipv4.ip for server in servers}
    assert len(addresses) == len(promised)
    fresh = order_server(client, "fresh")
    assert fresh.public_net.ipv4.ip not in addresses
    assert fresh.id > max(promised)


def test_two_instances_run_side_by_side(run_localcloud: RunLocalCloud) -> None:
    one, two = run_localcloud(name="one"), run_localcloud(name="two")
    make_record(one)
    assert address_of(one, "www.kept.example.org") == ["198.18.0.7"]
    assert address_of(two, "www.kept.example.org") == []
    assert one.hetzner_token != two.hetzner_token


def test_simulated_machines_and_an_edge_share_a_port_and_no_two_clouds_do(
    run_localcloud: RunLocalCloud, tmp_path: Path
) -> None:
    """As with the ports that are the same by default: 443 of machines, and 443 of the edge."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    ports = f"--ports=machine={port},proxy={port}"
    memory = run_localcloud("--backend=memory", "--subnet=127.70.0.0/24", ports, name="memory")
    beside = run_localcloud(f"--ports=proxy={port}", name="beside")
    places = [memory.endpoints["proxy"], beside.endpoints["proxy"], f"127.70.0.9:{port}"]
    assert places[:2] == [f"127.70.0.254:{port}", f"127.63.0.1:{port}"]
    assert [is_taken(place) for place in places] == [True, True, True]
    for backend, kept in (("memory", "loopback"), ("inert", "127.63.0.1")):
        argv = [sys.executable, "-c", "from localcloud.cli import run; run()", "up"]
        argv += [f"--dir={tmp_path / 'third'}", f"--backend={backend}", "--port-base=0", ports]
        ended = subprocess.run([*argv, "--only=proxy"], capture_output=True, text=True)
        assert ended.returncode == 1
        assert f"another local cloud has {kept}, port {port}" in ended.stderr


def is_taken(place: str) -> bool:
    """Whether somebody listens there; who hangs up at once, as for no machine, does listen."""
    host, _, port = place.rpartition(":")
    with socket.socket() as client:
        client.settimeout(SECONDS)
        return client.connect_ex((host, int(port))) in (0, errno.ECONNRESET)


def test_two_clouds_in_memory_have_subnets_of_their_own(run_localcloud: RunLocalCloud) -> None:
    for name, subnet in (("one", "127.70.0.0/24"), ("two", "127.71.0.0/24")):
        cloud = run_localcloud("--backend=memory", f"--subnet={subnet}", name=name)
        client = Client(cloud.hetzner_token, api_endpoint=cloud.hetzner, poll_interval=0.01)
        server = order_server(client)
        assert server.public_net.ipv4.ip.startswith(subnet[:9])


def test_a_folder_belongs_to_one_instance(
    run_localcloud: RunLocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = run_localcloud()
    argv = ["up", f"--dir={cloud.dir}", "--backend=inert", "--port-base=0", "--only=dns"]
    assert command(argv) == 1
    told = capsys.readouterr().err
    assert f"process {cloud.process.pid} runs a local cloud in {cloud.dir}" in told
    assert "localcloud down --dir" in told


def test_purge_removes_the_folder(run_localcloud: RunLocalCloud) -> None:
    cloud = run_localcloud()
    assert command(["down", f"--dir={cloud.dir}", "--purge"]) == 0
    assert cloud.process.wait(SECONDS) == 0
    assert not cloud.dir.exists()


def test_a_port_in_use_is_said_with_the_part(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = [sys.executable, "-c", "from localcloud.cli import run; run()", "up"]
        argv += [f"--dir={tmp_path}", "--backend=inert", "--port-base=0", f"--ports=edge={port}"]
        ended = subprocess.run([*argv, "--only=dns,edge"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "localcloud: edge did not start" in ended.stderr
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "endpoints.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--subnet=nonsense"], ["--only=smtp"], ["--ports=edge=high"], ["--ports=smtp=25"]],
)
def test_wrong_settings_are_a_sentence(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["up", f"--dir={tmp_path}", *arguments]) == 1
    assert capsys.readouterr().err.startswith("localcloud: ")


def test_faults_and_tokens_from_the_command_line(
    localcloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = f"--dir={localcloud.dir}"
    fault = {"kind": "error", "status": 503, "code": "unavailable", "times": 1}
    assert command(["fault", folder, "add", json.dumps(fault)]) == 0
    assert command(["fault", folder, "list"]) == 0
    assert '"unavailable"' in capsys.readouterr().out
    assert command(["fault", folder, "clear"]) == 0
    assert of(localcloud.dir, "hetzner").faults() == {"faults": []}
    assert command(["fault", folder, "add", "nonsense"]) == 1
    assert command(["token", folder, "create", "--read-only"]) == 0
    token = capsys.readouterr().out.splitlines()[-1]
    reader = Client(token, api_endpoint=localcloud.hetzner)
    assert reader.servers.get_all() == []


def test_the_fixture_cleans_up_between_tests(localcloud: LocalCloud) -> None:
    client = Client(localcloud.hetzner_token, api_endpoint=localcloud.hetzner)
    assert client.zones.get_all() == []
    make_record(localcloud)
    localcloud.admin("hetzner").ask("POST", "reset")
    assert client.zones.get_all() == []


def test_a_service_that_does_not_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(AdministrationError, match="localcloud up"):
        of(tmp_path, "hetzner")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is missing")
def test_children_die_with_their_parent(tmp_path: Path) -> None:
    """Not even `kill -9` leaves a child behind."""
    program = (
        "import asyncio, os, pathlib\n"
        "from localcloud.processes import Child\n"
        "async def main():\n"
        f"    log = pathlib.Path({str(tmp_path)!r}, 'x')\n"
        "    child = await Child.start(['sleep', '600'], log=log)\n"
        "    print(child.pid, flush=True)\n"
        # The kernel is asked for the signal before the program is started: it runs, so it is set.
        "    while pathlib.Path(f'/proc/{child.pid}/comm').read_text() != 'sleep\\n':\n"
        "        await asyncio.sleep(0.01)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pid = int(ended.stdout)
    watched = Path(f"/proc/{pid}")
    expect(lambda: not _runs(watched), "the end of the child")


def _runs(process: Path) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return (process / "stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_trust_bundle_is_what_clients_need(localcloud: LocalCloud) -> None:
    context = ssl.create_default_context(cafile=localcloud.ca)
    assert context.cert_store_stats()["x509_ca"] == 1


def test_answers_are_held_against_a_document(run_localcloud: RunLocalCloud, tmp_path: Path) -> None:
    """A document that demands what the API never sends is found out at the end."""
    schema = {"type": "object", "required": ["nonsense"]}
    wrong = {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    paths = ("/locations", "/networks/{id}", "/datacenters", "/datacenters/{id}")
    document = tmp_path / "document.json"
    document.write_text(json.dumps({"paths": {path: {"get": wrong} for path in paths}}))
    cloud = run_localcloud(f"--openapi={document}", only=("hetzner",))
    Client(cloud.hetzner_token, api_endpoint=cloud.hetzner).locations.get_all()
    assert cloud.stop() == 0
    told = cloud.dir.with_suffix(".log").read_text()
    assert "an answer differs from the document: GET /locations 200" in told
    assert "nonsense" in told


def test_another_document_is_refused_with_a_sentence(tmp_path: Path) -> None:
    document = tmp_path / "document.json"
    document.write_text("{}")
    argv = [sys.executable, "-c", "from localcloud.cli import run; run()", "up"]
    argv += [f"--dir={tmp_path / 'x'}", "--backend=inert", "--port-base=0", "--only=hetzner"]
    ended = subprocess.run([*argv, f"--openapi={document}"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "is not Hetzner's document" in ended.stderr
    assert "Traceback" not in ended.stderr
