"""What a job is, and what became of it. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

_COUNTED: Final = re.compile(r"^(\d+ (?:passed|failed|skipped)[^\n]*?) in [\d.]+s", re.MULTILINE)

Verdict = Literal["ok", "failed", "left out", "not run"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One command of a lane; the jobs of a lane run one after the other.

    Args:
        name: what people and log files call it.
        lane: jobs of different lanes run at the same time.
        argv: program and arguments, from the checkout's root.
        after: jobs that have to be over, however they ended.
        needs: jobs that have to be over and well; else this one is not run.
        isolated: it talks over loopback only and may have a network of its own.
        optional: when it fails, what it provides is missing on this machine; that is told, and is
            a failure only where the machine is promised to be complete.
        stands_back: its niceness; jobs that decide how long the run takes come first.
    """

    name: str
    lane: str
    argv: tuple[str, ...]
    after: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    isolated: bool = False
    optional: bool = False
    stands_back: int = 0


@dataclass(frozen=True)
class Outcome:
    """How a job ended, after how long, and what is to be said of it: why, or what it counted."""

    verdict: Verdict
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the machine allows.

    Args:
        isolates: a process may be given a network of its own.
        complete: everything has to be here (`REQUIRE_E2E=1`); what is missing is a failure.
        lanes: whether jobs may run at the same time.
    """

    isolates: bool
    complete: bool = False
    lanes: bool = True


@dataclass
class Board:
    """What has ended so far, by the name of its job."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def why_not(self, job: Job) -> str:
        """The reason a job is not run; empty when it can."""
        broken = [name for name in job.needs if self._is_broken(name)]
        return f"needs {', '.join(broken)}" if broken else ""

    def _is_broken(self, name: str) -> bool:
        return name in self.outcomes and self.outcomes[name].verdict != "ok"

    @property
    def left_out(self) -> list[str]:
        """What this machine cannot do."""
        return [name for name, o in self.outcomes.items() if o.verdict == "left out"]

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing was kept from running by a failure."""
        return all(o.verdict in ("ok", "left out") for o in self.outcomes.values())


def verdict(job: Job, code: int, machine: Machine) -> Verdict:
    """What an exit code means for a job."""
    if code == 0:
        return "ok"
    return "left out" if job.optional and not machine.complete else "failed"


def count(output: str) -> str:
    """What pytest counted, such as `12 passed, 3 skipped`; empty for other programs."""
    found = _COUNTED.findall(output)
    return found[-1] if found else ""


def not_run(job: Job, board: Board) -> Verdict:
    """What a job is called that lacks something: left out when that was, else not run."""
    needed = [board.outcomes[name].verdict for name in job.needs if name in board.outcomes]
    return "not run" if {"failed", "not run"} & set(needed) else "left out"
