"""Rows of the agent's database, and its locks, as tests of the store need them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from tenant_agent.store import documents, index, jobs
from tenant_agent.store.index import NewChunk, Space
from tenant_agent.store.pool import Connection, Database

SPACE = Space("test-model", 64)


async def add_document(connection: Connection, texts: Sequence[str], language: str) -> uuid.UUID:
    """Store a document whose job is claimed, with one passage per text; not yet published."""
    identity = uuid.uuid4()
    row = {"id": identity, "name": "Akte", "kind": "text", "media_type": "text/plain", "size": 1}
    await documents.insert(connection, {**row, "sha256": identity.hex, "uploaded_by": None})
    await jobs.insert(connection, identity)
    await index.replace_text(connection, identity, ["\n\n".join(texts)])
    chunks = [NewChunk(n, 1, 0, len(text), "", text) for n, text in enumerate(texts)]
    await index.insert_chunks(connection, identity, chunks, title="Akte", language=language)
    rows = await index.chunks_without_vector(connection, identity, SPACE, range(1000))
    pairs = [(row[0], [1.0] * 63 + [float(n)]) for n, row in enumerate(rows)]
    await index.insert_vectors(connection, SPACE, pairs)
    return identity


async def figures(connection: Connection) -> tuple[Any, ...]:
    """Return what the index counts, and the same counted anew."""
    statement = """
    select coalesce((select sum(chunks) from corpus), 0),
        (select count(*) from chunk c join document d on d.id = c.document_id
         where d.state = 'ready'),
        coalesce((select sum(df) from term), 0), (select count(*) from posting),
        coalesce((select sum(terms) from corpus), 0), coalesce((select sum(tf) from posting), 0)
    """
    row = await (await connection.execute(statement)).fetchone()
    assert row is not None
    return row


async def until_blocked(database: Database) -> None:
    """Wait until a transaction waits for another one."""
    statement = "select exists (select from pg_locks where not granted)"
    async with database.reading() as connection:
        for _ in range(1000):
            row = await (await connection.execute(statement)).fetchone()
            if row and row[0]:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nothing waits")
