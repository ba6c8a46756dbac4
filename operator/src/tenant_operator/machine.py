"""The machine behind an object: looking at it, and starting jobs on it, over a kept connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from tenant_operator.core.case import HostProblem, HostSight
from tenant_operator.core.world import Job
from tenant_operator.host import commands
from tenant_operator.host.bootstrap import FactsUnreadable, facts
from tenant_operator.host.jobs import start_jobs
from tenant_operator.host.port import Host, HostError, HostKeyMismatch, LoginRefused
from tenant_operator.memory import Memory

Connect = Callable[[], Awaitable[Host]]


async def sight(memory: Memory, connect: Connect) -> HostSight:
    """Facts about the machine, or why there are none; what broke is connected anew next time.

    Over a connection that was open before, the machine was looked at already: that look awaits
    news.
    """
    known = memory.connection
    try:
        host = await connect()
        output = await host.run(commands.observe(await_news=host is known))
        if output.code != 0:
            raise FactsUnreadable(f"`observe` ended with {output.code}: {output.stderr[:300]}")
        return HostSight(facts=facts(output.stdout), host_key=host.host_key)
    except HostKeyMismatch as error:
        problem = HostProblem(kind="host-key", message=str(error))
    except LoginRefused as error:
        problem = HostProblem(kind="login", message=str(error))
    except (HostError, FactsUnreadable) as error:
        problem = HostProblem(kind="unreachable", message=str(error))
    await memory.hang_up()
    return HostSight(problem=problem)


async def start(memory: Memory, connect: Connect, jobs: Sequence[Job], *, agent: str) -> None:
    """Start jobs; `agent` is the host agent that was seen there. Raises HostError."""
    try:
        await start_jobs(await connect(), jobs, agent=agent)
    except HostError:
        await memory.hang_up()
        raise
