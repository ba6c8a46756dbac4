"""The demo's child processes: each with its own log, none outliving the demo."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 60.0


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
            raise ChildError(f"{self.name} ended with code {code}:\n{tail(self.log)}")

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
    result = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        output.write(result.stderr)
    if result.returncode != 0:
        raise ChildError(f"{' '.join(argv[:3])} failed:\n{tail(log)}")
    return result.stdout


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log."""
    if not log.exists():
        return f"(no {log})"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
