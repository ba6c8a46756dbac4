"""Programs of the demo that end by themselves are told of in words."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from demo.process import ChildError, start, tail


def test_a_killed_program_is_told_of_with_its_signal_and_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "operator.log"
    log.write_text("first\nlast words\n")
    child = start("operator", [sys.executable, "-c", "input()"], log=log)
    child.stop(signal.SIGKILL)
    with pytest.raises(ChildError, match=r"(?s)operator was killed by SIGKILL.*last words"):
        child.check()


def test_the_end_of_a_log_does_not_fill_the_screen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(["x" * 5000] * 100))
    assert len(tail(log)) < 4000
