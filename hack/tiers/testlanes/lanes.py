"""Runs jobs lane by lane, and ends everything when a person or CI asks for it.

Every job is the leader of a process group of its own with its output in a file. SIGINT or SIGTERM
interrupts all groups, which then tidy up; a second one, some seconds later, kills them (one Ctrl-C
arrives twice: from the terminal and from make). Should this process be killed, the kernel ends the
jobs.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from demo import record

from testlanes import alone
from testlanes.job import Board, Job, Machine, Outcome, count, not_run, verdict
from testlanes.screen import Screen

_PR_SET_PDEATHSIG: Final = 1
_TICK_SECONDS: Final = 0.5
_LIBC: Final = ctypes.CDLL(None)
_STOPPED: Final = "stopped"
_ONE_SECONDS: Final = 3.0


@dataclass
class Run:
    """One run of a plan."""

    machine: Machine
    screen: Screen
    logs: Path
    board: Board = field(default_factory=Board)
    stopped: float | None = None
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _over: dict[str, asyncio.Event] = field(default_factory=dict)

    async def all(self, jobs: Sequence[Job]) -> Board:
        """Run every job; returns how each ended, in the order of the plan."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self._over = {job.name: asyncio.Event() for job in jobs}
        self._listen()
        lanes = dict.fromkeys(job.lane for job in jobs)
        ticking = asyncio.create_task(self._tick())
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(self._lane([job for job in jobs if job.lane == lane]))
        finally:
            ticking.cancel()
        ended = self.board.outcomes
        self.board.outcomes = {job.name: ended[job.name] for job in jobs}
        return self.board

    async def _lane(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            for name in (*job.after, *job.needs):
                if name in self._over:
                    await self._over[name].wait()
            self.board.outcomes[job.name] = await self._job(job)
            self._over[job.name].set()

    async def _job(self, job: Job) -> Outcome:
        if self.stopped is not None:
            return Outcome("not run", note=_STOPPED)
        reason = self.board.why_not(job)
        if reason:
            outcome = Outcome(not_run(job, self.board), note=reason)
            self.screen.say(f"{job.name}: {outcome.verdict} ({reason})")
            return outcome
        self.screen.started(job)
        started, log = time.monotonic(), self.logs / f"{job.name}.log"
        code = await self._execute(job, log)
        output = log.read_text(errors="replace")
        outcome = Outcome(
            verdict(job, code, self.machine),
            time.monotonic() - started,
            count(output) if self.stopped is None else _STOPPED,
        )
        self.screen.ended(job, outcome, output)
        return outcome

    async def _execute(self, job: Job, log: Path) -> int:
        argv = alone.command(*job.argv) if job.isolated else job.argv
        if job.stands_back:
            argv = ("nice", "-n", str(job.stands_back), *argv)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._processes[job.name] = process
        try:
            return await process.wait()
        finally:
            del self._processes[job.name]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.screen.tick()

    def _listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        now = time.monotonic()
        if self.stopped is None:
            self.stopped, number, how = now, signal.SIGINT, "stopping"
        elif now - self.stopped > _ONE_SECONDS:
            number, how = signal.SIGKILL, "killing"
        else:
            return
        self.screen.say(f"{how} {', '.join(self._processes) or 'nothing'}")
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)


def _environment() -> dict[str, str]:
    """What jobs get: output goes to files, and a demo that a test starts is none of make's."""
    kept = {name: value for name, value in os.environ.items() if name != record.STARTED}
    return {**kept, "NO_COLOR": "1"}


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
