"""Migrations, the index and the job rows on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from contextlib import aclosing
from typing import Any

import psycopg
import pytest
from plugins.agent_rows import SPACE, add_document, figures, until_blocked
from psycopg import sql
from tenant_agent.prepare import prepare
from tenant_agent.services.documents import Documents
from tenant_agent.services.files import Files
from tenant_agent.services.progress import Progress
from tenant_agent.settings import Settings
from tenant_agent.store import conversations, documents, index, jobs, migrate, search
from tenant_agent.store.index import Space, vector_literal
from tenant_agent.store.pool import Connection, Database, DatabaseUnavailable, connection_string


async def test_migrations_are_idempotent_and_safe_side_by_side(empty_settings: Settings) -> None:
    done = await asyncio.gather(*(prepare(empty_settings, 10) for _ in range(4)))
    made = [text for text in done if "first administrator made: yes" in text]
    applied = [text for text in done if "applied: none" not in text]
    assert (len(made), len(applied)) == (1, 1)
    assert "applied: none" in await prepare(empty_settings, 10)


async def test_the_first_administrators_address_is_corrected_until_it_is_used(
    empty_settings: Settings,
) -> None:
    def named(email: str) -> Settings:
        return empty_settings.model_copy(update={"admin_email": email})

    async def address(connection: Connection) -> Any:
        row = await (await connection.execute("select email from account")).fetchone()
        return row and row[0]

    await prepare(named("wrong@agent.example"), 10)
    await prepare(named("right@agent.example"), 10)
    target = connection_string(empty_settings)
    async with await psycopg.AsyncConnection.connect(target, autocommit=True) as connection:
        assert await address(connection) == "right@agent.example"
        await connection.execute("update account set must_change_password = false")
        await prepare(named("late@agent.example"), 10)
        assert await address(connection) == "right@agent.example"


async def test_edited_migration_is_refused(
    agent_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = [migrate.Migration(1, "first", "select 1")]
    monkeypatch.setattr(migrate, "available", lambda: edited)
    with pytest.raises(migrate.MigrationChanged):
        await prepare(agent_settings, 10)


async def test_missing_schema_is_not_ready(empty_settings: Settings) -> None:
    target = connection_string(empty_settings)
    async with await psycopg.AsyncConnection.connect(target, autocommit=True) as connection:
        assert not await migrate.is_current(connection)


async def by_words(connection: Connection, question: str) -> search.Scores:
    """The scores of the lexical arm alone."""
    return (await search.candidates(connection, SPACE, question, None, limit=10)).lexical


async def test_questions_find_by_any_word_in_both_languages(database: Database) -> None:
    german = ["Die Kündigungsfrist beträgt drei Monate.", "Haustiere sind erlaubt."]
    english = ["Employees get 28 days of annual leave.", "The office closes at six."]
    async with database.transaction() as connection:
        for texts, language in ((german, "de"), (english, "en")):
            await index.publish(connection, await add_document(connection, texts, language))
    async with database.transaction() as connection:
        for question, expected in (
            ("Welche Kündigungsfristen gibt es eigentlich?", german[0]),
            ("Darf ich ein Haustier halten?", german[1]),
            ("How much leave does an employee have?", english[0]),
        ):
            scores = await by_words(connection, question)
            found = await search.passages(connection, [max(scores, key=scores.__getitem__)])
            assert next(iter(found.values())).text == expected
        assert await by_words(connection, "der die das und") == {}


async def test_counts_stay_exact_through_publishing_and_withdrawing(database: Database) -> None:
    texts = [f"Der Vorgang {n} wurde in Abteilung {n % 3} bearbeitet. " * (n + 1) for n in range(9)]
    async with database.transaction() as connection:
        first = await add_document(connection, texts[:4], "de")
        second = await add_document(connection, texts[4:], "de")
        for identity in (first, second, first):
            await index.publish(connection, identity)
        a, b, df, postings, terms, tf = await figures(connection)
        assert (a, df, terms) == (b, postings, tf)
        for _ in range(2):
            await index.withdraw(connection, first)
            await documents.delete(connection, first)
        a, b, df, postings, terms, tf = await figures(connection)
        assert (a, df, terms) == (b, postings, tf) == (5, postings, tf)
        await index.withdraw(connection, second)
        await documents.delete(connection, second)
        assert tuple(map(int, await figures(connection))) == (0,) * 6
        left = await connection.execute("select count(*) from term")
        assert await left.fetchone() == (0,)


async def test_weights_do_not_depend_on_the_order_of_arrival(database: Database) -> None:
    texts = ["kurz gesagt Rechnung", "Rechnung " + "sehr lange Erklärung dazu " * 40]
    async with database.transaction() as connection:
        for text in texts:
            await index.publish(connection, await add_document(connection, [text], "de"))
        grown = await by_words(connection, "Rechnung")
        await connection.execute("update corpus set average = 0.001")
        await index._follow_drift(connection)
        assert await by_words(connection, "Rechnung") == pytest.approx(grown, rel=0.12)


@pytest.mark.parametrize("exact_limit", [1000, 0])
async def test_filtered_dense_search_is_complete(database: Database, exact_limit: int) -> None:
    async with database.transaction() as connection:
        await migrate.ensure_vector_index(connection, SPACE.dimensions)
        await add_document(connection, [f"verborgen {n}" for n in range(150)], "de")
        shown = await add_document(connection, [f"sichtbar {n}" for n in range(30)], "de")
        await index.publish(connection, shown)
    vector = [1.0] * 63 + [0.0]
    async with database.transaction() as connection:
        await connection.execute("set local enable_seqscan = off")
        found = await search.candidates(
            connection, SPACE, "unbekannt", vector, limit=20, exact_limit=exact_limit
        )
    assert (len(found.dense), found.lexical) == (20, {})
    assert set(found.owners.values()) == {shown}


async def test_a_search_without_vector_has_the_words_only(database: Database) -> None:
    async with database.transaction() as connection:
        await index.publish(connection, await add_document(connection, ["Ein Beleg."], "de"))
    async with database.reading() as connection:
        found = await search.candidates(connection, SPACE, "Belege", None, limit=5)
    assert (len(found.lexical), found.dense) == (1, {})
    assert set(found.owners) == set(found.lexical)


@pytest.mark.parametrize("exact_limit", [0, 1000])
async def test_only_one_of_the_two_ways_to_the_vectors_is_gone(
    database: Database, exact_limit: int
) -> None:
    async with database.transaction() as connection:
        await index.publish(connection, await add_document(connection, ["eins", "zwei"], "de"))
    async with database.reading() as connection:
        statement = search.statement_of(SPACE, limit=20, exact_limit=exact_limit)
        values = {"question": "x", "vector": vector_literal([1.0] * 64), "model": SPACE.model}
        explained = await connection.execute(
            sql.SQL("explain (analyze, timing off) {}").format(statement), values
        )
        scans = [row[0] for row in await explained.fetchall() if "on chunk_vector" in row[0]]
    assert sorted("never executed" in scan for scan in scans) == [False, True]


async def test_other_spaces_are_not_searched(database: Database) -> None:
    async with database.transaction() as connection:
        await index.publish(connection, await add_document(connection, ["eins"], "de"))
        other = Space("another-model", 64)
        found = await search.candidates(connection, other, "x", [1.0] * 64, limit=5)
        assert found.dense == {}


async def test_a_job_is_claimed_once_until_its_worker_falls_silent(database: Database) -> None:
    async with database.transaction() as connection:
        identity = await add_document(connection, ["x"], "de")
        (job_id,) = await jobs.take_due(connection, 1)
        assert await jobs.claim(connection, job_id, "one", 60) == (identity, 1)
        assert await jobs.claim(connection, job_id, "two", 60) is None
        await connection.execute("update job set heartbeat_at = now() - interval '61 seconds'")
        assert await jobs.claim(connection, job_id, "two", 60) == (identity, 2)
        assert not await jobs.heartbeat(connection, job_id, "one")
        assert not await jobs.finish(connection, job_id, "one")
        assert await jobs.finish(connection, job_id, "two")
        assert await jobs.claim(connection, job_id, "one", 0) is None


async def test_sweep_brings_back_silent_and_forgotten_jobs(database: Database) -> None:
    async with database.transaction() as connection:
        await add_document(connection, ["x"], "de")
        (job_id,) = await jobs.take_due(connection, 1)
        assert await jobs.recover(connection, silence=15, age=30) == []
        await connection.execute("update job set updated_at = now() - interval '31 seconds'")
        assert await jobs.recover(connection, silence=15, age=30) == [job_id]
        assert await jobs.take_due(connection, 1) == [job_id]
        await jobs.claim(connection, job_id, "one", 60)
        await connection.execute("update job set heartbeat_at = now() - interval '16 seconds'")
        assert await jobs.recover(connection, silence=15, age=30) == [job_id]


async def test_no_more_jobs_are_handed_out_than_workers_soon_begin(database: Database) -> None:
    """However often the waiting ones are swept: what is in Redis does not grow with the backlog."""
    async with database.transaction() as connection:
        for _ in range(5):
            await add_document(connection, ["x"], "de")
        first = await jobs.take_due(connection, 2)
        assert len(first) == 2
        assert await jobs.take_due(connection, 2) == []
        await connection.execute("update job set updated_at = now() - interval '31 seconds'")
        assert sorted(await jobs.recover(connection, silence=15, age=30)) == sorted(first)
        again = await jobs.take_due(connection, 2)
        assert len(again) == 2
        await jobs.claim(connection, again[0], "one", 60)
        assert len(await jobs.take_due(connection, 2)) == 1


async def test_files_that_no_document_needs_are_deleted_when_they_are_old(
    database: Database, agent_settings: Settings
) -> None:
    files = Files(agent_settings.data_dir, 100)
    files.prepare()
    async with database.transaction() as connection:
        needed = await add_document(connection, ["x"], "de")
    stray, young = uuid.uuid4(), uuid.uuid4()
    for identity, age in ((needed, 7200), (stray, 7200), (young, 0)):
        files.path(identity).write_bytes(b"x")
        moment = time.time() - age
        os.utime(files.path(identity), (moment, moment))
    foreign = files.path(needed).with_name("lost+found")
    foreign.mkdir()
    assert await Documents(database, files).sweep() == 1
    held = {each.name for each in files.path(needed).parent.iterdir()}
    assert held == {str(needed), str(young), foreign.name}


async def test_the_look_for_such_files_waits_for_no_document(
    database: Database, agent_settings: Settings
) -> None:
    files = Files(agent_settings.data_dir, 100)
    files.prepare()
    async with database.transaction() as connection:
        needed = await add_document(connection, ["x"], "de")
    files.path(needed).write_bytes(b"x")
    os.utime(files.path(needed), (0, 0))
    async with database.transaction() as connection:
        assert await documents.lock(connection, needed)
        async with asyncio.timeout(20):
            assert await Documents(database, files).sweep() == 0


@pytest.mark.parametrize("last_event", ["\u00b2", "9" * 40, "-1", "x"])
async def test_progress_after_a_number_that_is_none_begins_anew(
    database: Database, last_event: str
) -> None:
    async with database.transaction() as connection:
        identity = await add_document(connection, ["x"], "de")
    async with aclosing(Progress(database).changes(last_event)) as changes:
        assert (await anext(changes))[1].id == identity


async def test_two_answers_of_a_conversation_never_begin_at_once(database: Database) -> None:
    """The second looks while the first is not committed, and writes when it is."""
    async with database.transaction() as connection:
        row = await connection.execute(
            "insert into account (email, role, password_hash) values ('a', 'member', '')"
            " returning id"
        )
        (account,) = await row.fetchone() or ()
        conversation = (await conversations.insert(connection, account, "")).id
        question = await conversations.insert_question(connection, conversation, "?", "de")
        failed = await conversations.insert_answer(connection, conversation, question, "de")
        assert failed is not None
        await conversations.fail(connection, failed, ("model_down", {}), {})

    async def begin_again() -> bool:
        async with database.transaction() as connection:
            return await conversations.begin_again(connection, failed)

    async with database.transaction() as connection:
        assert await conversations.insert_answer(connection, conversation, question, "de")
        second = asyncio.create_task(begin_again())
        await until_blocked(database)
    assert await second is False


async def test_absent_database_is_a_typed_failure(agent_settings: Settings) -> None:
    absent = Database(agent_settings.model_copy(update={"database_port": 1}))
    absent._pool.timeout = 0.2
    await absent.open()
    with pytest.raises(DatabaseUnavailable):
        async with absent.transaction():
            pass
    await absent.close()
