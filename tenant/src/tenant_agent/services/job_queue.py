"""The outbox and the sweep: what makes sure that no accepted job is ever forgotten."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import structlog

from tenant_agent.services.accounts import utc_now
from tenant_agent.store import accounts, conversations, jobs
from tenant_agent.store.pool import Database

log = structlog.get_logger(__name__)
# A job handed out that nobody touched for this long is handed to the queue again.
FORGOTTEN_SECONDS = 30.0
# Handed out ahead of every thread: enough that none waits for the next relay, and so few that those
# handed out again while they wait their turn never fill Redis.
AHEAD = 8
ANSWER_SILENCE_SECONDS = 30.0
HEARTBEATS_MISSED = 3


class Queue:
    """Moves due jobs from PostgreSQL to the broker and recovers what fell out."""

    def __init__(
        self,
        database: Database,
        *,
        heartbeat: float,
        threads: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._room = AHEAD * threads
        self._clock = clock
        self.silence = heartbeat * HEARTBEATS_MISSED

    async def relay(self, send: Callable[[UUID], Awaitable[None]]) -> int:
        """Hand due jobs to `send`, no more than workers soon begin; what it refuses stays due."""
        async with self._database.transaction() as connection:
            due = await jobs.take_due(connection, self._room)
            for job_id in due:
                await send(job_id)
        return len(due)

    async def sweep(self) -> int:
        """Make silent and forgotten jobs due again, end orphaned answers and old sessions."""
        async with self._database.transaction() as connection:
            recovered = await jobs.recover(connection, silence=self.silence, age=FORGOTTEN_SECONDS)
            ended = await conversations.interrupt_silent(connection, ANSWER_SILENCE_SECONDS)
            await accounts.expire_sessions(connection, self._clock())
        if recovered or ended:
            log.warning("recovered", jobs=[str(job) for job in recovered], answers=ended)
        return len(recovered)
