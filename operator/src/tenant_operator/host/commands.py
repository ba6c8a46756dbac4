"""Commands for a machine as values. Pure: nothing here runs anything.

Nothing is quoted here; the SSH adapter turns an argument list into a shell line in one place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from tenant_operator.core.world import Job
from tenant_operator.host.port import Command

PYTHON: Final = "/usr/bin/python3"
AGENT_DIR: Final = "/opt/tenant/host-agent"
AGENT: Final = f"{AGENT_DIR}/hostagent.pyz"
OBSERVE_SECONDS: Final = 60
START_SECONDS: Final = 30


def observe(*, await_news: bool = False) -> Command:
    """Print the machine's facts as JSON (`host.bootstrap.facts` reads them); notes who asks.

    With `await_news` it answers up to a second later while something is at work there, as soon as
    that ends or says something else. The program travels on standard input, so a machine needs
    nothing but its own Python.
    """
    verb = ("observe", "news") if await_news else ("observe",)
    argv = (PYTHON, "-", *verb)
    return Command(argv=argv, stdin=_observer(), time_limit_seconds=OBSERVE_SECONDS)


@cache
def _observer() -> bytes:
    return (files("tenant_operator.host.hardening.hostagent") / "observe.py").read_bytes()


def start(jobs: Sequence[Job]) -> Command:
    """Hand jobs, whose files are in place, to systemd as one unit; what runs already is left alone.

    The unit may take as long as its jobs together.
    """
    plan = [[job.name, job.digest, *job.arguments] for job in jobs]
    limit = sum(job.time_limit_seconds for job in jobs)
    return Command(
        argv=(PYTHON, AGENT, "start", str(limit), json.dumps(plan)),
        time_limit_seconds=START_SECONDS,
    )
