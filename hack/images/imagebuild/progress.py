"""Tells a person what is being done, for how long, and what it took.

Lines go to standard error, results to standard output. On a terminal the running step shows its
clock and the last line of what runs; elsewhere a line every ten seconds says that it still runs.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

_QUIET_SECONDS = 10.0
_TAIL_LINES = 30


class CommandFailed(Exception):
    """A program ended with an error; the text holds the end of what it printed."""


def say(text: str) -> None:
    """Write one finished line."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(
    title: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> list[str]:
    """Run `command` under the name `title`; returns the last lines it printed.

    Raises `CommandFailed` with those lines when it ends with an error.
    """
    clock = _Clock(title)
    process = subprocess.Popen(
        command, env=environment, cwd=folder, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    with process, clock:
        lines = _follow(process, clock)
        code = process.wait()
    if code:
        raise CommandFailed(f"{title}: {command[0]} ended with {code}\n" + "\n".join(lines))
    say(f"  {title}: {clock.elapsed():.1f} s")
    return lines


def _follow(process: subprocess.Popen[str], clock: _Clock) -> list[str]:
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    for line in process.stdout or ():
        if text := line.strip():
            tail.append(text)
            clock.note = text
    return list(tail)


class _Clock:
    """Shows that a step still runs."""

    def __init__(self, title: str) -> None:
        self.note = ""
        self._title = title
        self._started = time.monotonic()
        self._stopped = threading.Event()
        self._live = sys.stderr.isatty()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> _Clock:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def _tick(self) -> None:
        while not self._stopped.wait(0.5 if self._live else _QUIET_SECONDS):
            line = f"  {self._title}: {self.elapsed():.0f} s  {self.note}"[:100]
            sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
            sys.stderr.flush()
