"""Commands for a machine as values. Pure: nothing here runs anything.

Nothing is quoted here; the SSH adapter turns an argument list into a shell line in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from tenant_operator.core.world import Job
from tenant_operator.host.port import Command

PYTHON: Final = "/usr/bin/python3"
AGENT_DIR: Final = "/opt/tenant/host-agent"
AGENT: Final = f"{AGENT_DIR}/hostagent.pyz"
OBSERVE_SECONDS: Final = 60
START_SECONDS: Final = 30


def observe() -> Command:
    """Print the machine's facts as JSON (`host.bootstrap.facts` reads them); changes nothing.

    The program travels on standard input, so a machine needs nothing but its own Python.
    """
    source = (files("tenant_operator.host.hardening") / "observe.py").read_bytes()
    return Command(argv=(PYTHON, "-", "observe"), stdin=source, time_limit_seconds=OBSERVE_SECONDS)


def start(job: Job) -> Command:
    """Hand a job, whose files are in place, to systemd; a job that runs already is left alone."""
    limit = str(job.time_limit_seconds)
    return Command(
        argv=(PYTHON, AGENT, "start", job.name, job.digest, limit, *job.argv),
        time_limit_seconds=START_SECONDS,
    )


def work(name: str, digest: str, arguments: Sequence[str] = ()) -> tuple[str, ...]:
    """What systemd runs for a job."""
    return (PYTHON, AGENT, "work", name, digest, *arguments)
