"""A confined process reads what it was given and reaches nothing else."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tenant_agent.retrieval.parsing import landlock

pytestmark = pytest.mark.skipif(landlock.version() == 0, reason="the kernel has no Landlock")

PROGRAM = """
import importlib, os, socket, sys
from pathlib import Path
from tenant_agent.retrieval.parsing.landlock import confine, python_folders
given, other, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
print(confine([*python_folders(), given]))
def tried(what):
    try:
        return what()
    except PermissionError:
        return "refused"
print(tried(given.read_text))
print(tried(lambda: importlib.import_module("fractions").__name__))
print(tried(other.read_text))
print(tried(lambda: other.write_text("")))
print(tried(lambda: os.listdir(other.parent)))
print(tried(lambda: Path("/proc/1/environ").read_text()))
print(tried(lambda: socket.create_connection(("127.0.0.1", port))))
print(tried(lambda: os.kill(os.getppid(), 0)))
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, because what it gives up does not come back."""
    argv = [sys.executable, "-c", program, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_it_reads_the_given_file_and_libraries_and_reaches_nothing_else(tmp_path: Path) -> None:
    given, other = tmp_path / "given.txt", tmp_path / "other" / "secret"
    given.write_text("the file")
    other.parent.mkdir()
    other.write_text("a key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = run(PROGRAM, str(given), str(other), str(server.getsockname()[1]))
    said = ended.stdout.splitlines()
    assert said[:7] == ["True", "the file", "fractions", *["refused"] * 4], ended.stderr
    if landlock.version() >= 4:
        assert said[7] == "refused"
    if landlock.version() >= 6:
        assert said[8] == "refused"
    assert other.read_text() == "a key"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from tenant_agent.retrieval.parsing.landlock import confine\n"
        "confine([Path(sys.argv[1])])\n"
    )
    assert "FileNotFoundError" in run(program, str(tmp_path / "absent")).stderr
