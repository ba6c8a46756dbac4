"""Documents with their jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query
from tenant_agent.store.records import DocumentRecord, JobRecord, PageRecord

DOCUMENT_COLUMNS = 11


def _record(row: Sequence[Any]) -> DocumentRecord:
    job = JobRecord(*row[DOCUMENT_COLUMNS:])
    return DocumentRecord(*(*row[:DOCUMENT_COLUMNS], job))


async def _select(
    connection: Connection, tail: sql.SQL, values: dict[str, Any]
) -> list[DocumentRecord]:
    statement = sql.SQL(query("documents", "select")) + sql.SQL(" ") + tail
    cursor = await connection.execute(statement, values)
    return [_record(row) for row in await cursor.fetchall()]


async def insert(connection: Connection, values: dict[str, Any]) -> bool:
    """Insert a document; returns False when its content is already there."""
    cursor = await connection.execute(query("documents", "insert"), values)
    return await cursor.fetchone() is not None


async def by_content(connection: Connection, sha256: str) -> tuple[UUID, str] | None:
    """Return id and name of the document with this content."""
    cursor = await connection.execute(query("documents", "by_content"), {"sha256": sha256})
    return cast("tuple[UUID, str] | None", await cursor.fetchone())


async def by_id(connection: Connection, document_id: UUID) -> DocumentRecord | None:
    """Return one document."""
    found = await _select(connection, sql.SQL("where d.id = %(id)s"), {"id": document_id})
    return found[0] if found else None


async def page_of(
    connection: Connection, before: tuple[datetime, UUID] | None, limit: int
) -> list[DocumentRecord]:
    """Return up to `limit` documents, newest first, older than `before`."""
    values = {"at": before and before[0], "id": before and before[1], "limit": limit}
    where = "where %(at)s::timestamptz is null or (d.created_at, d.id) < (%(at)s, %(id)s)"
    order = "order by d.created_at desc, d.id desc limit %(limit)s"
    return await _select(connection, sql.SQL(f"{where} {order}"), values)


async def ready_names(connection: Connection, limit: int) -> tuple[list[str], int]:
    """Return the names of up to `limit` ready documents, newest first, and how many are ready."""
    cursor = await connection.execute(query("documents", "ready_names"), {"limit": limit})
    rows = await cursor.fetchall()
    return [name for name, _ in rows], rows[0][1] if rows else 0


async def changed_after(connection: Connection, sequence: int) -> list[DocumentRecord]:
    """Return documents whose job changed after `sequence`, in the order of change."""
    tail = sql.SQL("where j.sequence > %(sequence)s order by j.sequence limit 500")
    return await _select(connection, tail, {"sequence": sequence})


async def unfinished(connection: Connection) -> list[DocumentRecord]:
    """Return documents whose job is not over, in the order of change."""
    tail = sql.SQL("where j.state in ('queued', 'running') order by j.sequence limit 500")
    return await _select(connection, tail, {})


async def set_state(connection: Connection, document_id: UUID, state: str) -> None:
    """Set the document's own state."""
    await connection.execute(query("documents", "set_state"), {"id": document_id, "state": state})


async def requeue(connection: Connection, document_id: UUID) -> bool:
    """Make a failed document a queued one; False when another one has its content."""
    try:
        async with connection.transaction():
            await set_state(connection, document_id, "queued")
    except UniqueViolation:
        return False
    return True


async def describe(connection: Connection, document_id: UUID, values: dict[str, Any]) -> None:
    """Store `language`, `page_count` and `paged`."""
    await connection.execute(query("documents", "describe"), {"id": document_id, **values})


async def lock(connection: Connection, document_id: UUID) -> bool:
    """Hold the row until the transaction ends; returns whether it exists."""
    cursor = await connection.execute(query("documents", "lock"), {"id": document_id})
    return await cursor.fetchone() is not None


async def hold(connection: Connection, document_ids: Collection[str]) -> set[str]:
    """Return those that exist; they do until the transaction ends."""
    values = {"ids": sorted(document_ids)}
    cursor = await connection.execute(query("documents", "hold"), values)
    return {row[0] for row in await cursor.fetchall()}


async def existing(connection: Connection, document_ids: Collection[str]) -> set[str]:
    """Return those that exist now."""
    values = {"ids": sorted(document_ids)}
    cursor = await connection.execute(query("documents", "existing"), values)
    return {row[0] for row in await cursor.fetchall()}


async def forget_in_citations(connection: Connection, document_id: str) -> None:
    """Take the words of a document out of stored citations."""
    await connection.execute(query("documents", "forget_in_citations"), {"id": document_id})


async def delete(connection: Connection, document_id: UUID) -> None:
    """Delete the row with all that hangs on it, and its words in stored citations."""
    await forget_in_citations(connection, str(document_id))
    await connection.execute(query("documents", "delete"), {"id": document_id})


async def page(
    connection: Connection, document_id: UUID, number: int, passage: int | None
) -> PageRecord | None:
    """Return a page, with the passage's place when it lies on it."""
    async with connection.cursor(row_factory=class_row(PageRecord)) as cursor:
        await cursor.execute(
            query("documents", "page"),
            {"id": document_id, "number": number, "passage": passage},
        )
        return await cursor.fetchone()
