"""Conversations of an account; another account's do not exist for it."""

from uuid import UUID

from tenant_agent.errors import Refused
from tenant_agent.services import cursors
from tenant_agent.store import conversations as store
from tenant_agent.store.pool import Database
from tenant_agent.store.records import ConversationRecord, MessageRecord


class Conversations:
    """List, open, rename, delete, read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, account: UUID, title: str | None) -> ConversationRecord:
        """Open a conversation; without a title the first question becomes it."""
        async with self._database.transaction() as connection:
            return await store.insert(connection, account, title or "")

    async def page_of(
        self, account: UUID, *, cursor: str | None, limit: int
    ) -> tuple[list[ConversationRecord], str | None]:
        """Return a page and the cursor of the next one."""
        before = cursors.decode(cursor)
        async with self._database.transaction() as connection:
            found = await store.page_of(connection, account, before, limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], cursors.encode((last.updated_at, last.id))

    async def get(self, account: UUID, conversation_id: UUID) -> ConversationRecord:
        """Return one; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            return _found(await store.by_id(connection, account, conversation_id))

    async def rename(self, account: UUID, conversation_id: UUID, title: str) -> ConversationRecord:
        """Rename one; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            return _found(await store.rename(connection, account, conversation_id, title))

    async def delete(self, account: UUID, conversation_id: UUID) -> None:
        """Delete one with its messages; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            if not await store.delete(connection, account, conversation_id):
                raise Refused("not_found")

    async def messages(self, account: UUID, conversation_id: UUID) -> list[MessageRecord]:
        """Return all messages; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            _found(await store.by_id(connection, account, conversation_id))
            return await store.messages(connection, conversation_id)

    async def message(
        self, account: UUID, conversation_id: UUID, message_id: UUID
    ) -> MessageRecord:
        """Return one message; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            _found(await store.by_id(connection, account, conversation_id))
            record = await store.message(connection, message_id)
        if record is None or record.conversation_id != conversation_id:
            raise Refused("not_found")
        return record


def _found(record: ConversationRecord | None) -> ConversationRecord:
    if record is None:
        raise Refused("not_found")
    return record
