"""Conversations and their messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query
from tenant_agent.store.records import ConversationRecord, MessageRecord


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What an answer is stored as; a stopped one, or one cut off, has no outcome."""

    content: str
    outcome: str | None
    citations: list[dict[str, Any]]
    removed: int
    language: str | None
    usage: dict[str, Any]


async def _conversation(
    connection: Connection, name: str, values: dict[str, Any]
) -> ConversationRecord | None:
    async with connection.cursor(row_factory=class_row(ConversationRecord)) as cursor:
        await cursor.execute(query("conversations", name), values)
        return await cursor.fetchone()


async def _id(connection: Connection, name: str, values: dict[str, Any]) -> UUID | None:
    cursor = await connection.execute(query("conversations", name), values)
    row = await cursor.fetchone()
    return row[0] if row else None


async def insert(connection: Connection, account_id: UUID, title: str) -> ConversationRecord:
    """Open a conversation."""
    values = {"account_id": account_id, "title": title}
    record = await _conversation(connection, "insert", values)
    if record is None:
        raise LookupError("insert returned no row")
    return record


async def by_id(
    connection: Connection, account_id: UUID, conversation_id: UUID
) -> ConversationRecord | None:
    """Return a conversation of its owner."""
    values = {"account_id": account_id, "id": conversation_id}
    return await _conversation(connection, "by_id", values)


async def page_of(
    connection: Connection, account_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> list[ConversationRecord]:
    """Return up to `limit` conversations, last used first, older than `before`."""
    values = {
        "account_id": account_id,
        "before": before and before[0],
        "before_id": before and before[1],
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(ConversationRecord)) as cursor:
        await cursor.execute(query("conversations", "list"), values)
        return await cursor.fetchall()


async def rename(
    connection: Connection, account_id: UUID, conversation_id: UUID, title: str
) -> ConversationRecord | None:
    """Give another title."""
    values = {"account_id": account_id, "id": conversation_id, "title": title}
    return await _conversation(connection, "rename", values)


async def delete(connection: Connection, account_id: UUID, conversation_id: UUID) -> bool:
    """Delete a conversation; returns whether it was there."""
    values = {"account_id": account_id, "id": conversation_id}
    return await _id(connection, "delete", values) is not None


async def touch(connection: Connection, conversation_id: UUID, title: str) -> None:
    """Move the conversation to the top; `title` counts when it has none."""
    await connection.execute(
        query("conversations", "touch"), {"id": conversation_id, "title": title}
    )


async def messages(connection: Connection, conversation_id: UUID) -> list[MessageRecord]:
    """Return all messages in order."""
    async with connection.cursor(row_factory=class_row(MessageRecord)) as cursor:
        await cursor.execute(
            query("conversations", "messages"), {"conversation_id": conversation_id}
        )
        return await cursor.fetchall()


async def message(connection: Connection, message_id: UUID) -> MessageRecord | None:
    """Return one message."""
    async with connection.cursor(row_factory=class_row(MessageRecord)) as cursor:
        await cursor.execute(query("conversations", "message"), {"id": message_id})
        return await cursor.fetchone()


async def insert_question(
    connection: Connection, conversation_id: UUID, content: str, language: str
) -> UUID:
    """Store a question."""
    values = {"conversation_id": conversation_id, "content": content, "language": language}
    found = await _id(connection, "insert_question", values)
    if found is None:
        raise LookupError("insert returned no row")
    return found


async def insert_answer(
    connection: Connection, conversation_id: UUID, question_id: UUID, language: str
) -> UUID | None:
    """Open an answer; nothing while another one is being written."""
    values = {
        "conversation_id": conversation_id,
        "question_id": question_id,
        "language": language,
    }
    return await _id(connection, "insert_answer", values)


async def begin_again(connection: Connection, message_id: UUID) -> bool:
    """Make a failed or stopped answer a running one; False while another one is written."""
    try:
        async with connection.transaction():
            return await _id(connection, "begin_again", {"id": message_id}) is not None
    except UniqueViolation:  # another one began between this statement's look and its write
        return False


async def heartbeat(connection: Connection, message_id: UUID) -> bool:
    """Say the answer is still being written; returns whether it is still wanted."""
    cursor = await connection.execute(query("conversations", "heartbeat"), {"id": message_id})
    row = await cursor.fetchone()
    return bool(row and row[0])


async def ask_to_stop(connection: Connection, message_id: UUID) -> None:
    """Note that the reader wants no more; an answer that has ended stays as it is."""
    await connection.execute(query("conversations", "ask_to_stop"), {"id": message_id})


async def complete(connection: Connection, message_id: UUID, answer: StoredAnswer) -> bool:
    """Store a whole answer; False when it is no longer running."""
    return await _id(connection, "complete", _row(message_id, answer)) is not None


async def stop(connection: Connection, message_id: UUID, answer: StoredAnswer) -> bool:
    """Store what there is of a stopped answer; False when it is no longer running."""
    return await _id(connection, "stop", _row(message_id, answer)) is not None


def _row(message_id: UUID, answer: StoredAnswer) -> dict[str, Any]:
    return {
        "id": message_id,
        "content": answer.content,
        "outcome": answer.outcome,
        "citations": Jsonb(answer.citations),
        "removed": answer.removed,
        "language": answer.language,
        "usage": Jsonb(answer.usage),
    }


async def fail(
    connection: Connection,
    message_id: UUID,
    cause: tuple[str, dict[str, Any]],
    usage: dict[str, Any],
) -> bool:
    """Store why there is no answer; False when it is no longer running."""
    values = {
        "id": message_id,
        "code": cause[0],
        "values": Jsonb(cause[1]),
        "usage": Jsonb(usage),
    }
    return await _id(connection, "fail", values) is not None


async def interrupt_silent(connection: Connection, silence: float) -> int:
    """Fail answers whose process has gone; returns how many."""
    cursor = await connection.execute(
        query("conversations", "interrupt_silent"), {"silence": silence}
    )
    return len(await cursor.fetchall())
