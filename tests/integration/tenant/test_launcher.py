"""`make agent`: starts, says what it does, and ends in good order whenever it is asked to."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from demo.agent import write_secrets


@contextmanager
def launcher(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run it in a process group of its own, as a terminal does."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo.agent", "--data", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def lines_until(process: subprocess.Popen[str], start: str) -> list[str]:
    """Return what it says up to a line that begins so; all of it when none does."""
    seen = []
    for line in process.stdout or ():
        seen.append(line.strip())
        if line.startswith(start):
            break
    return seen


@pytest.mark.parametrize("moment", ["starting:", "Ctrl-C ends"])
def test_ctrl_c_is_answered_at_once_and_everything_ends(service_folder: Path, moment: str) -> None:
    """Also while it starts: a terminal sends it to all processes of the group."""
    folder = service_folder / f"launched-{moment.partition(' ')[0].strip(':')}"
    folder.mkdir()
    with launcher(folder) as process:
        assert lines_until(process, moment)[-1].startswith(moment)
        os.killpg(process.pid, signal.SIGINT)
        said = lines_until(process, "ended")
        assert process.wait() == 0, said
    assert "stopping: answers being written and jobs get some seconds to end" in said
    assert said[-1] == "ended"
    assert not any("Traceback" in line for line in said)


def test_secrets_are_nobody_elses_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only once somebody has changed their mode."""
    monkeypatch.setattr(Path, "chmod", lambda *_, **__: None)
    before = os.umask(0)
    try:
        for _ in range(2):
            write_secrets(tmp_path / "secrets", "once", "key")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {
        "secrets": 0o700,
        "model_api_key": 0o600,
        "bootstrap_password": 0o600,
        "session_key": 0o600,
    }
