"""Documents that are deleted while the index is busy: nobody waits long, and nobody else at all."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any, cast

import pytest
from plugins.agent_rows import add_document, figures, until_blocked
from redis.asyncio import Redis
from tenant_agent.agent.models.port import Usage
from tenant_agent.errors import Refused
from tenant_agent.services.answer_log import AnswerLog
from tenant_agent.services.answering import Answering
from tenant_agent.services.documents import Documents
from tenant_agent.services.files import Files
from tenant_agent.services.writing import Writing
from tenant_agent.settings import Settings
from tenant_agent.store import conversations, documents, index, jobs
from tenant_agent.store.pool import Database, DatabaseUnavailable

AT_ONCE, LONG = 0.05, 60.0


def service(database: Database, settings: Settings, patience: float) -> Documents:
    """Return the service, with a person who waits for `patience` seconds."""
    files = Files(settings.data_dir, 1)
    files.prepare()
    return Documents(database, files, patience=patience)


async def ready(database: Database) -> uuid.UUID:
    """Store a document that can be cited."""
    async with database.transaction() as connection:
        identity = await add_document(connection, ["Ein Beleg."], "de")
        await index.publish(connection, identity)
    return identity


async def held(database: Database, identity: uuid.UUID) -> bool:
    """Whether an answer that cites the document can be stored now, without waiting at all."""
    async with database.transaction() as connection:
        await connection.execute("set local lock_timeout = '1ms'")
        return str(identity) in await documents.hold(connection, [str(identity)])


async def test_a_document_being_published_is_not_deleted_and_is_afterwards(
    database: Database, agent_settings: Settings
) -> None:
    async with database.transaction() as connection:
        identity = await add_document(connection, ["Ein Beleg."], "de")
    async with database.transaction() as connection:
        assert await index.publish(connection, identity)
        with pytest.raises(Refused, match="being_processed") as refused:
            await service(database, agent_settings, AT_ONCE).delete(identity)
        assert (refused.value.status, refused.value.retry_after) == (409, 30)
    await service(database, agent_settings, AT_ONCE).delete(identity)
    async with database.transaction() as connection:
        assert tuple(map(int, await figures(connection))) == (0,) * 6
        assert not await index.publish(connection, identity)
    with pytest.raises(Refused, match="not_found"):
        await service(database, agent_settings, AT_ONCE).delete(identity)


async def test_deletions_that_wait_take_one_connection_between_them(
    database: Database, agent_settings: Settings
) -> None:
    found = [await ready(database) for _ in range(2 * agent_settings.database_pool_size)]
    patient = service(database, agent_settings, LONG)
    async with database.transaction() as connection:
        await index.publish(connection, found[0])
        deletions = [asyncio.create_task(patient.delete(identity)) for identity in found]
        await until_blocked(database)
        waiting = await connection.execute("select count(*) from pg_locks where not granted")
        assert await waiting.fetchone() == (1,)
    await asyncio.gather(*deletions)
    async with database.transaction() as connection:
        assert await documents.existing(connection, [str(identity) for identity in found]) == set()


async def test_a_deletion_behind_one_that_waits_is_refused(
    database: Database, agent_settings: Settings
) -> None:
    first, second = await ready(database), await ready(database)
    deleting = service(database, agent_settings, LONG)
    async with database.transaction() as connection:
        await index.publish(connection, first)
        task = asyncio.create_task(deleting.delete(first))
        await until_blocked(database)
        deleting._patience = AT_ONCE
        with pytest.raises(Refused, match="being_processed"):
            await deleting.delete(second)
    await task


async def test_an_answer_is_stored_while_a_deletion_waits(
    database: Database, agent_settings: Settings
) -> None:
    identity = await ready(database)
    async with database.transaction() as connection:
        await index.publish(connection, identity)
        patient = service(database, agent_settings, LONG)
        deletion = asyncio.create_task(patient.delete(identity))
        await until_blocked(database)
        assert await held(database, identity)
    await deletion
    assert not await held(database, identity)


async def test_an_answer_is_stored_while_words_are_taken_out(
    database: Database, agent_settings: Settings
) -> None:
    """The deletion is kept where all that takes long is done, and waits for the job's row."""
    identity = await ready(database)
    async with database.transaction() as connection:
        await jobs.lock(connection, identity)
        patient = service(database, agent_settings, LONG)
        deletion = asyncio.create_task(patient.delete(identity))
        await until_blocked(database)
        assert await held(database, identity)
    await deletion


async def test_a_database_that_fails_an_answer_is_not_told_as_the_provider(
    database: Database, agent_settings: Settings
) -> None:
    class Failing:
        usage = Usage()

        async def answer(self, *_: Any) -> None:
            raise DatabaseUnavailable

    async with database.transaction() as connection:
        row = await (await connection.execute("select id from account")).fetchone()
        assert row is not None
        place = (await conversations.insert(connection, row[0], "")).id
        question = await conversations.insert_question(connection, place, "?", "de")
        answer = await conversations.insert_answer(connection, place, question, "de")
        assert answer is not None
        message = await conversations.message(connection, answer)
        assert message is not None
    async with Redis(host=agent_settings.redis_host, port=agent_settings.redis_port) as redis:
        log = AnswerLog(redis, 30)
        writing = Writing(database, log, lambda: cast(Answering, Failing()), agent_settings)
        writing.begin(message)
        await writing.close()
    async with database.transaction() as connection:
        stored = await conversations.message(connection, answer)
    assert stored is not None
    assert (stored.state, stored.failure_code) == ("failed", "database_down")
