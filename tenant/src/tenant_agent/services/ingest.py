"""Turns an uploaded file into searchable passages: one claimed job from start to end.

Reading and embedding happen outside transactions; what they bring is stored step by step, so that
a job begun again by another worker goes on where the vectors end. Only the last transaction makes
the document findable, together with the end of the job.

A job that the provider fails waits and begins again until a day has gone by without anything
new; one whose worker ends is begun again a few times only: the document may be what ends it.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from tenant_agent.agent.models.port import BATCH, EmbeddingModel
from tenant_agent.errors import AgentError, DocumentUnreadable, ModelFailure
from tenant_agent.retrieval.blocks import Parsed, page_text
from tenant_agent.retrieval.chunking import chunks_of
from tenant_agent.retrieval.languages import detect_language
from tenant_agent.retrieval.parsing.sandbox import Limits, read_document
from tenant_agent.services.files import Files
from tenant_agent.services.in_order import in_order
from tenant_agent.settings import Settings
from tenant_agent.store import documents, index, jobs
from tenant_agent.store.index import NewChunk, Space
from tenant_agent.store.pool import Connection, Database, DatabaseUnavailable

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 6
FIRST_DELAY, LONGEST_DELAY = 2.0, 300.0
LONGEST_STALL = 24 * 3600.0
READ_SHARE, EMBED_SHARE = 0.2, 0.95
# A second one is on its way while the first is stored: measured, half as many passages again per
# second. Each one more would only bring the provider's limits nearer.
BATCHES_AT_ONCE = 2
Cause = tuple[str, dict[str, Any]]
Vectors = list[tuple[int, list[float]]]


class TakenAway(Exception):
    """Another worker has the job now, or its document is gone; nothing more is to be done."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job this worker holds."""

    job_id: UUID
    document_id: UUID
    attempt: int
    worker: str


def retry_delay(stalled: float, asked: int | None = None) -> float | None:
    """Return seconds to wait before the next try; None when there is to be none.

    Args:
        stalled: seconds since the job stands still. Waiting as long again doubles each delay.
        asked: seconds the provider asked for: a try before would be refused.
    """
    if stalled > LONGEST_STALL:
        return None
    return max(min(max(stalled, FIRST_DELAY), LONGEST_DELAY), float(asked or 0))


class Ingest:
    """Runs jobs."""

    def __init__(
        self, database: Database, embeddings: EmbeddingModel, files: Files, settings: Settings
    ) -> None:
        self._database = database
        self._embeddings = embeddings
        self._files = files
        self._settings = settings
        self._space = Space(embeddings.name, embeddings.dimensions)
        self._limits = Limits(
            settings.reading_seconds, settings.reading_memory_mib, settings.max_pages
        )

    async def run(self, job_id: UUID, worker: str, silence: float) -> bool:
        """Claim and run a job; False when it was not to be had. Safe to call twice."""
        async with self._database.transaction() as connection:
            taken = await jobs.claim(connection, job_id, worker, silence)
            if taken is None:
                return False
            await documents.set_state(connection, taken[0], "processing")
        claim = Claim(job_id, taken[0], taken[1], worker)
        try:
            await self._work_while_held(claim)
        except TakenAway:
            log.warning("job taken away", job=str(job_id))
        except AgentError as error:
            await self._settle(claim, error)
        return True

    async def _work(self, claim: Claim) -> None:
        if claim.attempt > MAX_ATTEMPTS:
            raise DocumentUnreadable("gave_up")
        async with self._database.transaction() as connection:
            read_before = await index.count_chunks(connection, claim.document_id)
        if not read_before:
            await self._read(claim)
        await self._embed(claim)
        await self._publish(claim)

    async def _work_while_held(self, claim: Claim) -> None:
        """Work for as long as the heartbeat says the job is ours."""
        work = asyncio.create_task(self._work(claim))
        beat = asyncio.create_task(self._beat(claim))
        try:
            await asyncio.wait({work, beat}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            beat.cancel()
            work.cancel()
            await asyncio.gather(work, beat, return_exceptions=True)
        if work.cancelled():
            raise TakenAway
        work.result()

    async def _beat(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._settings.worker_heartbeat_seconds)
            try:
                async with self._database.transaction() as connection:
                    held = await jobs.heartbeat(connection, claim.job_id, claim.worker)
            except DatabaseUnavailable:
                continue
            if not held:
                raise TakenAway

    async def _advance(
        self, claim: Claim, stage: str, progress: float, *, moved: bool = False
    ) -> None:
        job, worker, step = claim.job_id, claim.worker, (stage, round(progress, 3))
        async with self._database.transaction() as connection:
            if not await jobs.advance(connection, job, worker, step, moved=moved):
                raise TakenAway

    async def _read(self, claim: Claim) -> None:
        await self._advance(claim, "reading", 0.02)
        async with self._database.transaction() as connection:
            record = await documents.by_id(connection, claim.document_id)
        if record is None:
            raise TakenAway
        path = self._files.path(claim.document_id)
        parsed = await read_document(record.kind or "", path, self._limits)
        await self._store_text(claim, record.name, parsed)

    async def _store_text(self, claim: Claim, name: str, parsed: Parsed) -> None:
        pages = [page_text(blocks) for blocks in parsed.pages]
        language = detect_language("\n".join(pages), self._settings.language_list[0])
        chunks = [
            NewChunk(ordinal, chunk.page, chunk.start, chunk.end, chunk.heading, chunk.text)
            for ordinal, chunk in enumerate(chunks_of(parsed))
        ]
        described = {"language": language, "page_count": len(pages), "paged": parsed.paged}
        async with self._database.transaction() as connection:
            step = ("embedding", READ_SHARE)
            if not await jobs.advance(connection, claim.job_id, claim.worker, step):
                raise TakenAway
            await index.replace_text(connection, claim.document_id, pages)
            await index.insert_chunks(
                connection, claim.document_id, chunks, title=name, language=language
            )
            await documents.describe(connection, claim.document_id, described)

    async def _embed(self, claim: Claim) -> None:
        async with self._database.transaction() as connection:
            total = await index.count_chunks(connection, claim.document_id)
        batches = [range(at, min(at + BATCH, total)) for at in range(0, total, BATCH)]
        calls = [partial(self._embed_batch, claim, batch) for batch in batches]
        async with aclosing(in_order(calls, BATCHES_AT_ONCE)) as embedded:
            async for batch, vectors in embedded:
                await self._store_vectors(claim, vectors)
                share = READ_SHARE + (EMBED_SHARE - READ_SHARE) * batch.stop / total
                await self._advance(claim, "embedding", share, moved=bool(vectors))

    async def _embed_batch(self, claim: Claim, batch: range) -> tuple[range, Vectors]:
        """Embed those of these passages that have no vector yet."""
        async with self._database.transaction() as connection:
            rows = await index.chunks_without_vector(
                connection, claim.document_id, self._space, batch
            )
        if not rows:
            return batch, []
        texts = [_embedded_text(name, heading, text) for _, name, heading, text in rows]
        vectors = await self._embeddings.embed_passages(texts)
        return batch, [(row[0], vector) for row, vector in zip(rows, vectors, strict=True)]

    async def _store_vectors(self, claim: Claim, vectors: Vectors) -> None:
        async with self._database.transaction() as connection:
            if not await documents.lock(connection, claim.document_id):
                raise TakenAway
            await index.insert_vectors(connection, self._space, vectors)

    async def _publish(self, claim: Claim) -> None:
        await self._advance(claim, "indexing", EMBED_SHARE)
        async with self._database.transaction() as connection:
            if not await index.publish(connection, claim.document_id):
                raise TakenAway
            if not await jobs.finish(connection, claim.job_id, claim.worker):
                raise TakenAway

    async def _settle(self, claim: Claim, error: AgentError) -> None:
        """Put the job back for later, or end it with its cause."""
        cause: Cause = (error.code, error.values)
        job, worker = claim.job_id, claim.worker
        async with self._database.transaction() as connection:
            delay = await _delay(connection, claim, error)
            log.warning("job not done", job=str(job), cause=error.code, again_in=delay)
            if delay is None:
                if await jobs.fail(connection, job, worker, cause):
                    await documents.set_state(connection, claim.document_id, "failed")
            elif await jobs.put_back(connection, job, worker, cause=cause, delay=delay):
                await documents.set_state(connection, claim.document_id, "queued")


async def _delay(connection: Connection, claim: Claim, error: AgentError) -> float | None:
    """Return seconds until the next try; None when another one would end the same way."""
    if not (isinstance(error, ModelFailure) and error.retryable):
        return None
    stalled = await jobs.stall(connection, claim.job_id, claim.worker)
    return None if stalled is None else retry_delay(stalled, error.retry_after)


def _embedded_text(name: str, heading: str, text: str) -> str:
    """Return what is embedded: a passage knows its document and section."""
    stem = name.rpartition(".")[0] or name
    return "\n".join(part for part in (stem, heading, text) if part)
