"""`hack/test` and `hack/check` without arguments: runs a plan and says how it went.

Exit code 0 when everything passed, 1 when something failed, 130 when it was stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from demo import record

from testlanes import alone, checks, plan, processors, screen
from testlanes.job import Board, Job, Machine
from testlanes.lanes import Run

ROOT: Final = Path(__file__).resolve().parents[3]
PLANS: Final = {"test": plan.TESTS, "check": checks.CHECKS}
STOPPED: Final = 130


def main(words: Sequence[str]) -> int:
    """Run the command line `words`; returns the exit code."""
    options = _parser().parse_args(words)
    os.chdir(ROOT)
    known = PLANS[options.plan]
    unknown = set(options.only) - {job.name for job in known}
    if unknown:
        names = ", ".join(job.name for job in known)
        raise SystemExit(f"there is no {', '.join(sorted(unknown))}; choose from {names}")
    chosen = [job for job in known if not options.only or job.name in options.only]
    return _run(options.plan, chosen, lanes=not options.one_by_one)


def _run(title: str, jobs: Sequence[Job], *, lanes: bool) -> int:
    machine = Machine(
        isolates=any(job.isolated for job in jobs) and alone.possible(),
        complete=os.environ.get("REQUIRE_E2E") == "1",
        lanes=lanes,
    )
    kind, since = record.kind(), record.begun()
    run = Run(machine, screen.Screen(title), ROOT / ".run" / title)
    started, ticks = time.monotonic(), processors.now()
    board = asyncio.run(run.all(plan.fit(jobs, machine)))
    seconds, busy = time.monotonic() - started, processors.busy(ticks, processors.now())
    if board.passed and len(jobs) == len(PLANS[title]):
        parts = {name: outcome.seconds for name, outcome in board.outcomes.items()}
        record.keep(record.path(), title, kind, since=since, parts=parts)
    _conclude(run, board)
    run.screen.say(f"{_ending(board)} in {seconds:.0f} s, the processors {busy:.0%} busy")
    if run.stopped is not None:
        return STOPPED
    return 0 if board.passed else 1


def _conclude(run: Run, board: Board) -> None:
    tell = run.screen
    failures = screen.endings(board.outcomes, run.logs)
    if failures:
        tell.say(f"what failed\n{failures}")
    tell.say(f"summary\n{screen.summary(board.outcomes)}")


def _ending(board: Board) -> str:
    if not board.passed:
        return "NOT everything passed"
    if board.left_out:
        return f"what this machine can run passed, without {', '.join(board.left_out)},"
    return "everything passed"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testlanes", description=__doc__)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("only", nargs="*", help="jobs by name; all without")
    parser.add_argument("--one-by-one", action="store_true", help="no two jobs at the same time")
    return parser
