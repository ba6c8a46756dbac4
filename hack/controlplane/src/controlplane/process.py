"""Child processes that write to a log file and do not outlive what started them.

A supervised child asks the kernel for SIGKILL when its parent dies (`setpriv --pdeathsig`), which
also holds when the parent is killed and cannot clean up. A detached child (the `up` command) is
found again by its process id and start time, so that `down` never ends a stranger.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# A killed process is gone as soon as the kernel has closed what it held open.
_KILLED_SECONDS: Final = 30.0


@dataclass(frozen=True)
class ProcessRef:
    """A process as it can be found again: id and start time (clock ticks since boot)."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return start_time(self.pid) == self.started

    def stop(self, *, grace: float = 5.0) -> None:
        """End the process: SIGTERM, then SIGKILL after `grace` seconds. Absent is success."""
        for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILLED_SECONDS)):
            self._signal(number)
            deadline = time.monotonic() + patience
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)

    def _signal(self, number: signal.Signals) -> None:
        if self.alive():
            os.kill(self.pid, number)


def start_time(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


# A third of what a kube-apiserver computes while it starts is Go's garbage collection, which by
# itself begins anew each time the heap has doubled; this way it takes 130 MB more.
_ENVIRONMENT = {"GOGC": "400"}


def spawn(argv: list[str], *, log: Path, supervised: bool) -> subprocess.Popen[bytes]:
    """Start `argv` with output appended to `log`.

    Args:
        argv: program and arguments; never a shell line.
        log: file that receives standard output and error.
        supervised: die with the parent; otherwise run in a session of its own.
    """
    full = ["setpriv", "--pdeathsig", "KILL", *argv] if supervised else argv
    with log.open("ab") as output:
        return subprocess.Popen(
            full,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**_ENVIRONMENT, **os.environ},
            start_new_session=not supervised,
        )
