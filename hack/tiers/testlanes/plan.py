"""What `make test` and `make check` run: the jobs, their lanes and their order. Pure.

Most tiers wait more than they compute, so lanes run side by side: `desk` needs no servers,
`loopback` and `agent` talk to servers on loopback, `images` makes what `machines`, `demo` and
`e2e` start as containers. What others wait for comes first: on a fresh machine the programs,
which are compiled for minutes, then `e2e`, which waits for one boot after the other; what only
computes stands back. Simulated machines (loopback) and container machines listen on the same
ports, so what is on loopback gets a network of its own; where the machine refuses that, it follows
the machines in their lane.

While the programs are compiled nothing else is run that is timed or can wait: both processors are
busy anyway, and `e2e` would only begin later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from testlanes.job import Job, Machine

_PYTEST: Final = "hack/test"
_DASHBOARD: Final = ("npm", "--prefix", "tenant/dashboard", "run", "--silent")
_CONTAINERS: Final = ("-m", "container")
_NO_CONTAINERS: Final = ("-m", "not container")
_PROGRAMS: Final = ("controlplane", "kubectl", "tools")
_AGENT: Final = "tests/integration/tenant"
_DEMO: Final = "tests/e2e/test_demo.py"
_BEHIND: Final = 15
_LAST: Final = 19

TESTS: Final = (
    Job(name="node", lane="desk", argv=("hack/setup", "node")),
    Job(name="unit", lane="desk", argv=(_PYTEST, "tests/unit"), stands_back=_LAST),
    Job(name="check", lane="desk", argv=("hack/check",), after=("node",), stands_back=_LAST),
    Job(
        name="dashboard",
        lane="desk",
        argv=(*_DASHBOARD, "test"),
        needs=("node",),
        stands_back=_LAST,
    ),
    Job(
        name="browser",
        lane="desk",
        argv=(*_DASHBOARD, "test:browser"),
        needs=("node", "chromium"),
        # Links of machines that come and go would be net::ERR_NETWORK_CHANGED to Chromium.
        isolated=True,
        after=("programs",),
        stands_back=_LAST,
    ),
    Job(
        name="python-3.13",
        lane="desk",
        argv=("hack/tiers/other-python", "3.13"),
        after=("images", "programs"),
        optional=True,
        stands_back=_LAST,
    ),
    Job(name="docker", lane="images", argv=("hack/setup", "docker"), optional=True),
    Job(name="chromium", lane="images", argv=("hack/setup", "chromium"), optional=True),
    Job(name="programs", lane="loopback", argv=("hack/setup", *_PROGRAMS)),
    Job(name="images", lane="images", argv=("hack/images/build",), needs=("docker",)),
    Job(
        name="clients",
        lane="loopback",
        argv=("hack/setup", "clients"),
        needs=("programs",),
        stands_back=_BEHIND,
    ),
    Job(
        name="contract",
        lane="loopback",
        argv=(_PYTEST, "tests/apiserver", "tests/contract", *_NO_CONTAINERS),
        needs=("programs", "clients"),
        isolated=True,
        stands_back=_BEHIND,
    ),
    Job(
        name="integration",
        lane="loopback",
        argv=(_PYTEST, "tests/integration", f"--ignore={_AGENT}", *_NO_CONTAINERS),
        needs=("programs",),
        isolated=True,
        stands_back=_BEHIND,
    ),
    Job(
        name="agent",
        lane="agent",
        argv=(_PYTEST, _AGENT),
        after=("programs",),
        isolated=True,
        stands_back=_BEHIND,
    ),
    Job(
        name="machines",
        lane="machines",
        argv=(_PYTEST, "tests/contract", "tests/integration", *_CONTAINERS),
        after=("images", "programs"),
        stands_back=_BEHIND,
    ),
    Job(
        name="demo",
        lane="machines",
        argv=(_PYTEST, _DEMO),
        after=("images",),
        needs=("programs",),
        stands_back=_BEHIND,
    ),
    Job(
        name="e2e",
        lane="e2e",
        argv=(_PYTEST, "tests/e2e", f"--ignore={_DEMO}"),
        after=("images", "chromium"),
        needs=("programs",),
    ),
)


def fit(jobs: Sequence[Job], machine: Machine) -> tuple[Job, ...]:
    """The jobs in lanes that the machine allows."""
    if not machine.lanes:
        return tuple(replace(job, lane="all") for job in in_order(jobs))
    if machine.isolates:
        return tuple(jobs)
    shared = (job.isolated or job.lane == "e2e" for job in jobs)
    return tuple(
        replace(job, lane="machines", isolated=False) if together else job
        for job, together in zip(jobs, shared, strict=True)
    )


def in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """The jobs so that each follows what it waits for; as given where that is free."""
    known = {job.name for job in jobs}
    done: list[Job] = []
    waiting = list(jobs)
    while waiting:
        over = {job.name for job in done}
        ready = next((j for j in waiting if {*j.after, *j.needs} & known <= over), None)
        if ready is None:
            raise ValueError(f"jobs wait for each other: {[job.name for job in waiting]}")
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)
