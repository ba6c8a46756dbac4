"""Two demos cannot share a folder, and `demo down` ends the one that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from demo.alone import TakenError, alone, end_running

HOLD = """
import sys, time
from pathlib import Path
from demo.alone import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_demo_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    with (
        alone(tmp_path / "demo"),
        pytest.raises(TakenError, match=rf"process {os.getpid()}\).*make demo-down"),
        alone(tmp_path / "demo"),
    ):
        pass
    with alone(tmp_path / "demo"):
        pass


def test_the_running_demo_is_ended_and_waited_for(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "held\n"
        end_running(tmp_path)
        with alone(tmp_path):
            assert running.wait(10) != 0


def test_where_no_demo_runs_there_is_nothing_to_end(tmp_path: Path) -> None:
    end_running(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with alone(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
    end_running(tmp_path)
    assert (tmp_path / "lock").read_text() == str(os.getpid()), "it has ended by itself, not by us"
