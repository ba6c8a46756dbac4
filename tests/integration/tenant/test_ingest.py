"""A job and its embedding calls on a real PostgreSQL; the provider answers as the test says."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import pytest
from tenant_agent.agent.models.port import BATCH
from tenant_agent.errors import ModelFailure
from tenant_agent.services.files import Files
from tenant_agent.services.ingest import BATCHES_AT_ONCE, MAX_ATTEMPTS, Ingest
from tenant_agent.settings import Settings
from tenant_agent.store import documents, index, jobs
from tenant_agent.store.index import NewChunk
from tenant_agent.store.pool import Database
from tenant_agent.store.records import JobRecord

PASSAGES = 3 * BATCH + 5


def number_of(text: str) -> int:
    """Return the number of a passage."""
    return int(text.rpartition(" ")[2])


class Provider:
    """Answers only once as many calls run as may; fails the batches it is told to."""

    name = "test-model"
    dimensions = 64

    def __init__(self, failing: Sequence[int] = ()) -> None:
        self.asked: list[int] = []
        self.failing = failing
        self.running = self.most = 0
        self.full = asyncio.Event()

    async def embed_question(self, text: str) -> list[float]:
        """Return a vector."""
        return (await self.embed_passages([text]))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return vectors that tell the passage."""
        numbers = [number_of(text) for text in texts]
        self.asked += numbers
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == BATCHES_AT_ONCE:
            self.full.set()
        try:
            await self.answer(numbers[0] // BATCH)
        finally:
            self.running -= 1
        return [[1.0, float(number)] + [0.0] * (self.dimensions - 2) for number in numbers]

    async def answer(self, batch: int) -> None:
        """Wait or fail as this batch does."""
        async with asyncio.timeout(60):
            await self.full.wait()
        if batch in self.failing:
            raise ModelFailure("model_busy", retry_after=1, seconds=1)


async def add_job(database: Database) -> tuple[uuid.UUID, uuid.UUID]:
    """Store a document that is read and not yet embedded; returns it and its job."""
    identity = uuid.uuid4()
    row = {"id": identity, "name": "Akte", "kind": "text", "media_type": "text/plain", "size": 1}
    texts = [f"Absatz {number}" for number in range(PASSAGES)]
    chunks = [NewChunk(n, 1, 0, len(text), "", text) for n, text in enumerate(texts)]
    async with database.transaction() as connection:
        await documents.insert(connection, {**row, "sha256": identity.hex, "uploaded_by": None})
        job = await jobs.insert(connection, identity)
        await index.replace_text(connection, identity, ["\n\n".join(texts)])
        await index.insert_chunks(connection, identity, chunks, title="Akte", language="de")
    return identity, job


async def state(database: Database, identity: uuid.UUID) -> tuple[str, str, int]:
    """Return the state of document and job, and how many passages have a vector."""
    async with database.transaction() as connection:
        record = await documents.by_id(connection, identity)
        row = await (await connection.execute("select count(*) from chunk_vector")).fetchone()
    assert record is not None
    assert row is not None
    return record.state, record.job.state, row[0]


def ingest(database: Database, provider: Provider, settings: Settings) -> Ingest:
    """Return the service; the file is not needed once a document is read."""
    return Ingest(database, provider, Files(settings.data_dir, 1), settings)


async def test_two_batches_are_under_way_and_never_more(
    database: Database, agent_settings: Settings
) -> None:
    identity, job = await add_job(database)
    provider = Provider()
    assert await ingest(database, provider, agent_settings).run(job, "one", 60)
    assert await state(database, identity) == ("ready", "done", PASSAGES)
    assert provider.most == BATCHES_AT_ONCE
    assert sorted(provider.asked) == list(range(PASSAGES))
    async with database.transaction() as connection:
        rows = await connection.execute(
            "select c.text, v.embedding::text from chunk c join chunk_vector v on v.chunk_id = c.id"
        )
        stored = {number_of(text): vector.split(",")[1] for text, vector in await rows.fetchall()}
    assert stored == {number: str(number) for number in range(PASSAGES)}


async def test_what_came_before_a_failure_is_kept_and_not_asked_for_again(
    database: Database, agent_settings: Settings
) -> None:
    identity, job = await add_job(database)
    await ingest(database, Provider(failing=[1]), agent_settings).run(job, "one", 60)
    assert await state(database, identity) == ("queued", "queued", BATCH)
    provider = Provider()
    await ingest(database, provider, agent_settings).run(job, "two", 60)
    assert await state(database, identity) == ("ready", "done", PASSAGES)
    assert sorted(provider.asked) == list(range(BATCH, PASSAGES))


async def age(database: Database, hours: float) -> None:
    """Let time have passed for jobs that stand still."""
    statement = "update job set stalled_at = stalled_at - make_interval(secs => %s)"
    async with database.transaction() as connection:
        await connection.execute(statement, (hours * 3600,))


async def job_of(database: Database, identity: uuid.UUID) -> JobRecord:
    """Return the job of a document."""
    async with database.transaction() as connection:
        record = await documents.by_id(connection, identity)
    assert record is not None
    return record.job


def waits(job: JobRecord) -> float:
    """Return how many seconds a job was put back for."""
    assert job.next_attempt_at is not None
    return (job.next_attempt_at - job.updated_at).total_seconds()


async def test_a_provider_that_is_away_for_hours_fails_no_document(
    database: Database, agent_settings: Settings
) -> None:
    identity, job = await add_job(database)
    for number in range(2 * MAX_ATTEMPTS):
        await ingest(database, Provider(failing=[0]), agent_settings).run(job, f"w{number}", 60)
        assert await state(database, identity) == ("queued", "queued", 0)
        await age(database, 1)
    waiting = await job_of(database, identity)
    assert (waiting.attempt, waiting.failure_code, waits(waiting)) == (0, "model_busy", 300)
    await ingest(database, Provider(), agent_settings).run(job, "last", 60)
    assert await state(database, identity) == ("ready", "done", PASSAGES)


async def test_what_is_new_lets_a_job_wait_briefly_again(
    database: Database, agent_settings: Settings
) -> None:
    """A quota per minute: each try stores some vectors and is then refused."""
    identity, job = await add_job(database)
    delays = []
    for failing in (0, 0, 1, 1):
        provider = Provider(failing=[failing])
        await ingest(database, provider, agent_settings).run(job, "one", 60)
        delays.append(waits(await job_of(database, identity)))
        await age(database, 1)
    assert delays == [2, 300, 2, 300]


async def test_a_document_that_stood_still_for_a_day_is_given_up_until_a_person_retries(
    database: Database, agent_settings: Settings
) -> None:
    identity, job = await add_job(database)

    async def fail() -> tuple[str, str | None]:
        await ingest(database, Provider(failing=[0]), agent_settings).run(job, "one", 60)
        found = await job_of(database, identity)
        return found.state, found.failure_code

    assert await fail() == ("queued", "model_busy")
    await age(database, 24.1)
    assert await fail() == ("failed", "model_busy")
    async with database.transaction() as connection:
        assert await jobs.restart(connection, identity) == job
    assert await fail() == ("queued", "model_busy")


async def test_workers_that_end_are_counted_and_waiting_in_between_changes_nothing(
    database: Database, agent_settings: Settings
) -> None:
    identity, job = await add_job(database)
    for number in range(MAX_ATTEMPTS):
        async with database.transaction() as connection:
            assert await jobs.claim(connection, job, f"dies-{number}", -1)
            if number:
                continue
            cause = ("model_busy", {"seconds": 1})
            assert await jobs.put_back(connection, job, "dies-0", cause=cause, delay=0)
    assert (await job_of(database, identity)).attempt == MAX_ATTEMPTS - 1
    for expected in (MAX_ATTEMPTS, MAX_ATTEMPTS + 1):
        async with database.transaction() as connection:
            claimed = await jobs.claim(connection, job, "dies-too", -1)
        assert claimed == (identity, expected)
    await ingest(database, Provider(), agent_settings).run(job, "last", -1)
    assert (await job_of(database, identity)).failure_code == "gave_up"


@pytest.mark.parametrize("code", ["model_busy", "model_refused_key"])
async def test_a_worker_that_lost_its_job_leaves_the_document_alone(
    database: Database, agent_settings: Settings, code: str
) -> None:
    """It froze, heartbeat and all; another one finished meanwhile; then its own call fails."""
    identity, job = await add_job(database)
    frozen = agent_settings.model_copy(update={"worker_heartbeat_seconds": 3600})

    class Frozen(Provider):
        async def answer(self, batch: int) -> None:
            if batch == 0:
                assert await ingest(database, Provider(), agent_settings).run(job, "two", 0)
                raise ModelFailure(code, seconds=1)

    await ingest(database, Frozen(), frozen).run(job, "one", 60)
    assert await state(database, identity) == ("ready", "done", PASSAGES)
