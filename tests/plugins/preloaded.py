"""The products' programs as processes that need not import everything first.

Half of what a killed and restarted operator costs is importing its libraries. So a fork server
(`multiprocessing`) imports them once per test run, and each process is a fork of it that runs the
program's own entry point, with arguments, environment and output of its own. A kill is a kill.
That the entry points start by themselves is seen where the programs run as their images do, in
`tests/e2e`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from demo.agent_services import die_with_parent

OPERATOR: Final = "tenant_operator.main"
LOCAL_CLOUD: Final = "localcloud.cli"
AGENT: Final = "tenant_agent.main"

_FORKS: Final = multiprocessing.get_context("forkserver")
# The agent's tests run by themselves and import nothing of the others'.
_CHAIN: Final = (OPERATOR, LOCAL_CLOUD, "localcloud.parts")
_TOGETHER: Final = {
    OPERATOR: _CHAIN,
    LOCAL_CLOUD: _CHAIN,
    AGENT: (
        AGENT,
        "google.genai",
        "tenant_agent.compose",
        "tenant_agent.jobs.worker",
        "tenant_agent.prepare",
        "tenant_agent.web.app",
        "tenant_agent.web.server",
        "uvloop",
    ),
}


class Preloaded:
    """A running program; its methods mean what `subprocess.Popen`'s mean."""

    def __init__(self, process: ForkServerProcess, command: str) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self._process = process
        self._command = command

    def poll(self) -> int | None:
        """The exit code, a signal's number below zero; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._command, timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to a process that was not seen to end."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(
    program: str, words: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> Preloaded:
    """Run a program, with its output at the end of `log`.

    Args:
        program: one of the modules above, whose `run` takes its arguments from `sys.argv`.
        words: its arguments.
        environment: all of its environment.
        log: made unless it is there.
    """
    # Heard by the first start of a test run; later ones find the server running.
    _FORKS.set_forkserver_preload(list(_TOGETHER[program]))
    arguments = (program, tuple(words), dict(environment), str(log))
    process = _FORKS.Process(target=_run, args=arguments, daemon=True)
    process.start()
    return Preloaded(process, f"{program} {' '.join(words)}")


def _run(program: str, words: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    die_with_parent(signal.SIGTERM)()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.close(output)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [program, *words]
    import_module(program).run()
