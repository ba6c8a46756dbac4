"""The demo's child processes: each with its own log, none outliving the demo."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 60.0
_LINE_BYTES = 400


class ChildError(Exception):
    """A part of the demo ended or failed; the message names its log."""


@dataclass(frozen=True)
class Child:
    """A running program of the demo."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise when it ended by itself."""
        code = self.process.poll()
        if code is not None:
            raise ChildError(f"{self.name} {_ending(code)}. The end of its log:\n{tail(self.log)}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, wait, and end it by force when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    name: str, argv: list[str], *, log: Path, environment: dict[str, str] | None = None
) -> Child:
    """Start a program that dies with the demo, its output in `log`.

    It runs in a process group of its own, so that Ctrl-C reaches only the demo, which then stops
    the parts in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return Child(name, log, process)


def run(argv: list[str], *, log: Path, stdin: str | None = None) -> str:
    """Run a program to its end and return its standard output; a failure raises with its log.

    The log gets what it says, not what it answers: that may be a token or a Secret.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        result = subprocess.run(
            argv, input=stdin, stdout=subprocess.PIPE, stderr=output, text=True, check=False
        )
    if result.returncode != 0:
        raise ChildError(f"{' '.join(argv[:3])} failed:\n{tail(log)}")
    return result.stdout


def last_line(log: Path) -> str:
    """What a running program wrote last; empty before it wrote anything."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LINE_BYTES))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _ending(code: int) -> str:
    """How a program ended, in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def tail(log: Path, lines: int = 8) -> str:
    """The end of a log; what would fill the screen is cut."""
    if not log.exists():
        return f"(no {log})"
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(
        line if len(line) <= _LINE_BYTES else f"{line[:_LINE_BYTES]}…" for line in last
    )
