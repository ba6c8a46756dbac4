"""Hetzner's other clients against the API: the `hcloud` command line and the Go library.

The command line is the one on `PATH`, and besides it each that `HCLOUD_BINARIES` names (paths with
colons between them): Debian 12 has 1.30, Debian 13 has 1.39, and they ask differently.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from controlplane.binaries import go_toolchain
from plugins.fix_hetzner import TOKEN, HetznerApi
from plugins.hetzner_orders import public_key

GO_TOUR = Path(__file__).parent / "hcloud_go"
SECONDS = 300

PROGRAMS = [
    *filter(None, [shutil.which("hcloud")]),
    *filter(None, os.environ.get("HCLOUD_BINARIES", "").split(":")),
]
needs_hcloud = pytest.mark.skipif(not PROGRAMS, reason="the hcloud command line is not installed")


class CommandLine:
    """`hcloud`, pointed at the API."""

    def __init__(self, program: str, api: HetznerApi, home: Path) -> None:
        self._program = program
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HCLOUD_ENDPOINT": api.url,
            "HCLOUD_TOKEN": TOKEN,
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it and return what came out, whatever its exit code."""
        return subprocess.run(
            [self._program, *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *words: str) -> str:
        """Run it; it has to succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def described(self, kind: str, name: str) -> dict[str, Any]:
        """What `describe` says, as JSON."""
        document: dict[str, Any] = json.loads(self(kind, "describe", name, "-o", "json"))
        return document


@pytest.fixture(params=PROGRAMS)
def hcloud(request: pytest.FixtureRequest, hetzner_api: HetznerApi, tmp_path: Path) -> CommandLine:
    return CommandLine(request.param, hetzner_api, tmp_path)


def iso_name(hcloud: CommandLine) -> str:
    """An ISO that the server can have."""
    listed = hcloud("iso", "list", "-o", "noheader", "-o", "columns=name").splitlines()
    return next(name for name in listed if "arm" not in name).strip()


@needs_hcloud
def test_the_command_line_runs_a_server(hcloud: CommandLine, tmp_path: Path) -> None:
    key = tmp_path / "key.pub"
    key.write_text(public_key())
    hcloud("ssh-key", "create", "--name", "key", "--public-key-from-file", str(key))
    hcloud("volume", "create", "--name", "data", "--size", "10", "--location", "fsn1")
    rules = tmp_path / "rules.json"
    rule = {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0"]}
    rules.write_text(json.dumps([rule]))
    hcloud("firewall", "create", "--name", "wall", "--rules-file", str(rules))
    hcloud("network", "create", "--name", "net", "--ip-range", "10.0.0.0/16")
    network = ("network", "add-subnet", "net", "--type", "cloud")
    hcloud(*network, "--network-zone", "eu-central", "--ip-range", "10.0.1.0/24")
    order = ("--name", "web", "--type", "cx23", "--image", "debian-13", "--location", "fsn1")
    more = ("--ssh-key", "key", "--volume", "data", "--firewall", "wall", "--network", "net")
    hcloud("server", "create", *order, *more, "--label", "a=b")
    server = hcloud.described("server", "web")
    assert server["status"] == "running"
    assert [net["ip"] for net in server["private_net"]] == ["10.0.1.1"]
    assert hcloud("server", "ip", "web").strip() == server["public_net"]["ipv4"]["ip"]
    assert "web" in hcloud("server", "list", "--selector", "a=b", "-o", "columns=name,status")
    hcloud("server", "poweroff", "web")
    hcloud("server", "change-type", "web", "cx33")
    hcloud("server", "create-image", "web", "--type", "snapshot", "--description", "golden")
    assert "golden" in hcloud("image", "list", "--type", "snapshot", "-o", "columns=description")
    metrics = json.loads(hcloud("server", "metrics", "web", "--type", "cpu", "-o", "json"))
    assert "cpu" in str(metrics)
    console = json.loads(hcloud("server", "request-console", "web", "-o", "json"))
    assert any(str(value).startswith("ws://127.0.0.1:") for value in console.values())
    hcloud("server", "enable-backup", "web")
    hcloud("server", "enable-rescue", "web")
    hcloud("server", "attach-iso", "web", iso_name(hcloud))
    hcloud("server", "detach-iso", "web")
    hcloud("server", "enable-protection", "web", "delete", "rebuild")
    assert "protected" in hcloud.run("server", "delete", "web").stderr
    hcloud("server", "disable-protection", "web", "delete", "rebuild")
    hcloud("volume", "detach", "data")
    hcloud("volume", "resize", "data", "--size", "20")
    hcloud("volume", "delete", "data")
    hcloud("server", "delete", "web")
    hcloud("firewall", "delete", "wall")
    hcloud("network", "delete", "net")


@needs_hcloud
def test_the_command_line_shows_the_apis_errors(hcloud: CommandLine) -> None:
    hcloud("placement-group", "create", "--name", "group", "--type", "spread")
    again = hcloud.run("placement-group", "create", "--name", "group", "--type", "spread")
    assert (again.returncode, "name is already used" in again.stderr) == (1, True)
    assert "uniqueness_error" in again.stderr
    absent = hcloud.run("server", "describe", "nobody")
    assert (absent.returncode, "not found" in absent.stderr) == (1, True)
    hcloud("floating-ip", "create", "--type", "ipv4", "--home-location", "fsn1", "--name", "f")
    hcloud("floating-ip", "enable-protection", "f", "delete")
    kept = hcloud.run("floating-ip", "delete", "f")
    assert "Floating IP deletion is protected (protected" in kept.stderr


@needs_hcloud
@pytest.mark.parametrize("kind", ["location", "server-type", "image", "iso", "ssh-key", "volume"])
def test_the_command_line_lists(hcloud: CommandLine, kind: str) -> None:
    assert hcloud(kind, "list").splitlines()[0].startswith("ID")


@pytest.fixture(scope="session")
def go_tour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program of `hcloud_go/`; `hack/setup clients` fetches its modules."""
    binary = tmp_path_factory.mktemp("go") / "tour"
    built = subprocess.run(
        [str(go_toolchain()), "build", "-o", str(binary), "."],
        cwd=GO_TOUR,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return binary


@pytest.mark.timeout(SECONDS)
def test_the_go_library_is_content(hetzner_api: HetznerApi, go_tour: Path) -> None:
    done = subprocess.run(
        [str(go_tour)],
        env={"HCLOUD_ENDPOINT": hetzner_api.url, "HCLOUD_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("is content\n")
