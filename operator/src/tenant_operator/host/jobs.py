"""Starting a job on a machine: its files first, then the transient unit that works it off."""

from __future__ import annotations

from tenant_operator.core.world import Job
from tenant_operator.host import commands
from tenant_operator.host.port import Host, Unreachable


async def start_job(host: Host, job: Job) -> None:
    """Put the job's files and start it; a job that runs already is left running.

    Raises:
        HostError: the connection broke, or the machine would not start the job.
    """
    await host.put(job.files)
    output = await host.run(commands.start(job))
    if output.code != 0:
        raise Unreachable(
            f"The job {job.name} could not be started ({output.code}): "
            f"{output.stderr.strip()[-300:]}"
        )
