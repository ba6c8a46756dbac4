"""Live progress: every change of every job, in order, to as many listeners as ask.

Changes carry numbers from one sequence. Two transactions may commit in another order than they
took their numbers, so each look goes some numbers back and leaves out what was already sent.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from uuid import UUID

from tenant_agent.store import documents, jobs
from tenant_agent.store.pool import Database
from tenant_agent.store.records import DocumentRecord

LOOK_BACK = 50
INTERVAL = 0.5
SEQUENCE = re.compile(r"[0-9]{1,18}")


class Progress:
    """Reads changes from PostgreSQL, which is the only truth about jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ending = False

    def end(self) -> None:
        """End every stream soon: listeners reconnect to whoever serves then."""
        self._ending = True

    async def _start(self, after: str | None) -> tuple[int, list[DocumentRecord]]:
        async with self._database.transaction() as connection:
            if after and SEQUENCE.fullmatch(after):
                return int(after), []
            newest = await jobs.last_sequence(connection)
            return newest, await documents.unfinished(connection)

    async def changes(self, after: str | None) -> AsyncGenerator[tuple[int, DocumentRecord]]:
        """Yield (number, document) until `end`; without `after` first what is not finished."""
        newest, records = await self._start(after)
        sent = {record.id: record.job.sequence for record in records}
        for record in records:
            yield record.job.sequence, record
        while not self._ending:
            for record in await self._look(newest, sent):
                sent[record.id] = record.job.sequence
                newest = max(newest, record.job.sequence)
                yield record.job.sequence, record
            await asyncio.sleep(INTERVAL)

    async def _look(self, newest: int, sent: dict[UUID, int]) -> list[DocumentRecord]:
        async with self._database.transaction() as connection:
            found = await documents.changed_after(connection, max(newest - LOOK_BACK, 0))
        return [record for record in found if record.job.sequence != sent.get(record.id)]
