"""Starting jobs on a machine: files first, then the transient unit that works them off."""

from __future__ import annotations

from collections.abc import Sequence

from tenant_operator.core.world import Job
from tenant_operator.host import bootstrap, commands
from tenant_operator.host.port import Host, Unreachable


async def start_jobs(host: Host, jobs: Sequence[Job], *, agent: str = "") -> None:
    """Put the jobs' files and start them in their order; a job that runs already is left running.

    `agent` is the digest of the host agent that the machine was seen to have; another one, or none,
    is replaced first.

    Raises:
        HostError: the connection broke, or the machine would not start the jobs.
    """
    held = () if agent == bootstrap.agent_digest() else (bootstrap.agent_file(),)
    await host.put([*held, *(file for job in jobs for file in job.files)])
    output = await host.run(commands.start(jobs))
    if output.code != 0:
        names = ", ".join(job.name for job in jobs)
        raise Unreachable(
            f"The machine would not start {names} ({output.code}): {output.stderr.strip()[-300:]}"
        )
