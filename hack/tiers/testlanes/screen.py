"""What a person sees: a line when a job starts, its whole output when it ends, a summary last.

On a terminal the last line shows what runs and for how long; elsewhere a line a minute does.
Everything goes to standard error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from testlanes.job import Job, Outcome

QUIET_SECONDS: Final = 60.0
_END_LINES: Final = 40
_WIDTH: Final = 110


@dataclass
class Screen:
    """Writes for people; `title` is what every line of its own begins with."""

    title: str
    out: TextIO = field(default_factory=lambda: sys.stderr)
    running: dict[str, float] = field(default_factory=dict)
    _told: float = field(default_factory=time.monotonic)

    @property
    def live(self) -> bool:
        """Whether a line can be drawn over."""
        return self.out.isatty()

    def say(self, text: str) -> None:
        """One line that stays."""
        self._told = time.monotonic()
        self._write(f"{self.title}: {text}\n")

    def started(self, job: Job) -> None:
        """A job begins."""
        self.running[job.name] = time.monotonic()
        self.say(f"{job.name} …")

    def ended(self, job: Job, outcome: Outcome, output: str) -> None:
        """A job is over: its output and how it went."""
        self.running.pop(job.name, None)
        self._write(f"\n{headline(self.title, job.name)}\n{output.rstrip()}\n")
        self.say(f"{job.name}: {sentence(outcome)}\n")

    def tick(self) -> None:
        """Show that something runs."""
        if self.live:
            self._write(f"{self.title}: {self._what_runs()}"[:_WIDTH])
        elif self.running and time.monotonic() - self._told > QUIET_SECONDS:
            self.say(self._what_runs())

    def _what_runs(self) -> str:
        now = time.monotonic()
        clocks = (f"{name} {now - since:.0f} s" for name, since in self.running.items())
        return "running: " + " · ".join(clocks)

    def _write(self, text: str) -> None:
        self.out.write(f"\r\x1b[K{text}" if self.live else text)
        self.out.flush()


def headline(title: str, name: str) -> str:
    """The line above a job's output."""
    return f"── {title}: {name} ".ljust(_WIDTH - 10, "─")


def sentence(outcome: Outcome) -> str:
    """An outcome in words."""
    took = f", {outcome.seconds:.0f} s" if outcome.seconds >= 0.5 else ""
    return f"{outcome.verdict}{took}" + (f" ({outcome.note})" if outcome.note else "")


def summary(outcomes: Mapping[str, Outcome]) -> str:
    """A line per job."""
    return "\n".join(f"  {name:<12} {sentence(outcome)}" for name, outcome in outcomes.items())


def endings(outcomes: Mapping[str, Outcome], logs: Path) -> str:
    """The end of every failed job's output, so that nobody has to scroll for it."""
    failed = [name for name, outcome in outcomes.items() if outcome.verdict == "failed"]
    return "\n".join(_ending(name, logs / f"{name}.log") for name in failed)


def _ending(name: str, log: Path) -> str:
    lines = log.read_text(errors="replace").rstrip().splitlines()[-_END_LINES:]
    return "\n".join([headline("failed", name), *lines, f"all of it: {log}", ""])
