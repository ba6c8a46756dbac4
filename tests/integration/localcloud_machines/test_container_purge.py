"""What is left of an instance that could not start is removed by one command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from localcloud.cli import command
from localcloud.machines.container import ContainerSettings
from localcloud.settings import Settings
from plugins.fix_container import free_subnet, traces

pytestmark = [pytest.mark.container, pytest.mark.usefixtures("container_host")]
LINK = "lctaken0"


@pytest.fixture
def taken_subnet() -> Iterator[str]:
    """A subnet of which another interface of this host has an address."""
    subnet = free_subnet()
    subprocess.run(["ip", "link", "add", LINK, "type", "bridge"], check=True)
    address = subnet.replace(".0/24", ".7/24")
    subprocess.run(["ip", "addr", "add", address, "dev", LINK], check=True)
    yield subnet
    subprocess.run(["ip", "link", "delete", LINK], check=True)


def test_purge_after_a_start_that_failed_because_the_subnet_was_taken(
    tmp_path: Path, taken_subnet: str
) -> None:
    folder = tmp_path / "cloud"
    argv = [sys.executable, "-c", "from localcloud.cli import run; run()", "up", "--port-base=0"]
    argv += [f"--dir={folder}", "--backend=container", f"--subnet={taken_subnet}", "--only=hetzner"]
    for _ in range(2):
        ended = subprocess.run(argv, capture_output=True, text=True)
        assert ended.returncode == 1
        assert f"subnet {taken_subnet} is in use on this host" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert command(["down", f"--dir={folder}", "--purge"]) == 0
    assert not folder.exists()
    instance = Settings(dir=folder, backend="container").instance
    assert traces(ContainerSettings(directory=folder / "machines", instance=instance)) == {}
