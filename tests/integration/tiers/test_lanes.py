"""Lanes with real processes: side by side, in order, stopped, each with a network of its own."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from plugins.waiting import expect
from testlanes import alone
from testlanes.job import Job, Machine
from testlanes.lanes import Run
from testlanes.screen import Screen

SECONDS = 120.0
TIERS = Path(__file__).resolve().parents[3] / "hack/tiers"


def shell(name: str, script: str, lane: str = "a", **more: object) -> Job:
    return Job(name=name, lane=lane, argv=("sh", "-c", script), **more)  # type: ignore[arg-type]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that has not begun, on a machine without rights."""
    return Run(Machine(isolates=False), Screen("test", out=io.StringIO()), tmp_path / "logs")


async def test_lanes_run_side_by_side(run: Run, tmp_path: Path) -> None:
    """Each of the two writes to a pipe that only the other one reads."""
    os.mkfifo(tmp_path / "one")
    os.mkfifo(tmp_path / "two")
    jobs = [
        shell("a", f"echo x >{tmp_path}/one; read word <{tmp_path}/two", "a"),
        shell("b", f"read word <{tmp_path}/one; echo x >{tmp_path}/two", "b"),
    ]
    board = await run.all(jobs)
    assert {outcome.verdict for outcome in board.outcomes.values()} == {"ok"}


async def test_what_needs_a_failed_job_is_not_run_and_what_only_follows_it_is(
    run: Run, tmp_path: Path
) -> None:
    jobs = [
        shell("late", f"cat {tmp_path}/made", "b", after=("broken",)),
        shell("kept", "true", "c", needs=("broken",)),
        shell("broken", f"echo made >{tmp_path}/made; exit 3", "a"),
    ]
    board = await run.all(jobs)
    assert [outcome.verdict for outcome in board.outcomes.values()] == ["ok", "not run", "failed"]
    assert not board.passed
    assert (run.logs / "late.log").read_text() == "made\n"


def driver(folder: Path, script: str) -> subprocess.Popen[str]:
    """A process that runs one job, to be stopped from outside."""
    program = (
        "import asyncio, sys, pathlib\n"
        f"sys.path.insert(0, {str(TIERS)!r})\n"
        "from testlanes.job import Job, Machine\n"
        "from testlanes.lanes import Run\n"
        "from testlanes.screen import Screen\n"
        f"job = Job(name='long', lane='a', argv=('sh', '-c', {script!r}))\n"
        "after = Job(name='after', lane='a', argv=('touch', 'reached'))\n"
        f"run = Run(Machine(isolates=False), Screen('test'), pathlib.Path({str(folder)!r}))\n"
        "board = asyncio.run(run.all([job, after]))\n"
        "print([o.verdict for o in board.outcomes.values()])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def test_an_interrupt_reaches_the_jobs_children_and_lets_them_tidy_up(tmp_path: Path) -> None:
    script = "trap 'echo tidy; exit 1' INT; echo up; while :; do sleep 0.1; done"
    process = driver(tmp_path, script)
    log = tmp_path / "long.log"
    expect(lambda: log.exists() and "up" in log.read_text(), "the job to run")
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=SECONDS)
    assert told.strip() == "['failed', 'not run']"
    assert log.read_text().split() == ["up", "tidy"]
    assert not (tmp_path / "reached").exists()


def test_a_second_interrupt_ends_what_does_not_listen(tmp_path: Path) -> None:
    process = driver(tmp_path, "trap '' INT; echo up; while :; do sleep 0.1; done")
    log = tmp_path / "long.log"
    expect(lambda: log.exists() and "up" in log.read_text(), "the job to run")
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        process.send_signal(signal.SIGINT)  # impatient; those of the first seconds count as one
        time.sleep(0.2)
    told, _ = process.communicate(timeout=SECONDS)
    assert told.strip() == "['failed', 'not run']"


def test_one_interrupt_that_arrives_twice_still_lets_jobs_tidy_up(tmp_path: Path) -> None:
    process = driver(tmp_path, "trap 'sleep 1; echo tidy; exit 1' INT; echo up; sleep 60 & wait")
    log = tmp_path / "long.log"
    expect(lambda: log.exists() and "up" in log.read_text(), "the job to run")
    for number in (signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    process.communicate(timeout=SECONDS)
    assert log.read_text().split() == ["up", "tidy"]


def test_a_job_does_not_outlive_a_killed_run(tmp_path: Path) -> None:
    process = driver(tmp_path, "echo $$; exec sleep 600")
    log = tmp_path / "long.log"
    expect(lambda: log.exists() and log.read_text().strip().isdigit(), "the job to run")
    child = Path(f"/proc/{int(log.read_text())}")
    process.kill()
    process.communicate(timeout=SECONDS)
    expect(lambda: not child.exists() or " Z " in (child / "stat").read_text(), "the job to end")


@pytest.mark.skipif(not alone.possible(), reason="making a network of one's own needs root")
def test_a_network_of_its_own_has_loopback_and_nobody_else() -> None:
    code = (
        "import socket, sys\n"
        "own = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(own.getsockname(), 5).close()\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
        "except ConnectionRefusedError:\n"
        "    print('alone')\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as outside:
        argv = alone.command(sys.executable, "-c", code, str(outside.getsockname()[1]))
        found = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert found.stdout == "alone\n"
