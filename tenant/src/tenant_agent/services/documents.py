"""Documents: take in, list, show, retry, delete.

The file is on disk before the row is, and the row, its job and the outbox entry are one
transaction: an accepted upload is never without a job, and a job never without its file.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tenant_agent.errors import Refused, UploadRefused
from tenant_agent.retrieval.sniff import MEDIA_TYPES, Sniffed, sniff
from tenant_agent.services import cursors
from tenant_agent.services.files import Files, Received, TooLarge, safe_name
from tenant_agent.store import documents as store
from tenant_agent.store import index as index_store
from tenant_agent.store import jobs
from tenant_agent.store.pool import Connection, Database, Occupied
from tenant_agent.store.records import DocumentRecord, PageRecord

MEBIBYTE = 2**20
# A document is indexed within this, unless it is a very large one, which takes minutes.
PATIENCE_SECONDS = 5.0
AGAIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An original file to send."""

    path: Path
    name: str
    media_type: str


class Documents:
    """Use cases of documents."""

    def __init__(
        self, database: Database, files: Files, *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._database = database
        self._files = files
        self._patience = patience
        self._deleting = asyncio.Lock()

    async def upload(
        self, contents: AsyncIterator[bytes], name: str, account: UUID
    ) -> DocumentRecord:
        """Take in one file; what cannot be read becomes a failed job that says why.

        Raises:
            UploadRefused: `too_large`, `no_space` or `duplicate`.
        """
        document_id, name = uuid4(), safe_name(name)
        row: dict[str, Any] = {"id": document_id, "name": name, "uploaded_by": account}
        try:
            received = await self._files.receive(document_id, contents)
        except TooLarge as error:
            raise await self._too_large(row, error.size) from error
        try:
            return await self._store(row, received)
        except UploadRefused:
            self._files.delete(document_id)
            raise

    async def _too_large(self, row: dict[str, Any], size: int) -> UploadRefused:
        """Keep a failed entry without a file, so that the list shows what happened."""
        limit = self._files.limit // MEBIBYTE
        sniffed = Sniffed(None)
        async with self._database.transaction() as connection:
            values = {**row, "kind": None, "media_type": sniffed.media_type, "size": size}
            await store.insert(connection, {**values, "sha256": f"too-large-{row['id']}"})
            await _fail_at_once(connection, row["id"], ("too_large", {"limit": limit}))
        return UploadRefused("too_large", limit=limit, document_id=row["id"])

    async def _store(self, row: dict[str, Any], received: Received) -> DocumentRecord:
        sniffed = sniff(row["name"], received.head)
        values = {
            **row,
            "kind": sniffed.kind,
            "media_type": sniffed.media_type,
            "size": received.size,
            "sha256": received.sha256,
        }
        async with self._database.transaction() as connection:
            if not await store.insert(connection, values):
                raise await _duplicate(connection, received.sha256)
            if sniffed.failure:
                cause = {"extension": sniffed.extension, "found": sniffed.found}
                await _fail_at_once(connection, row["id"], (sniffed.failure, cause))
            else:
                await jobs.insert(connection, row["id"])
            return _found(await store.by_id(connection, row["id"]))

    @property
    def size_limit(self) -> int:
        """Return the largest file taken, in bytes."""
        return self._files.limit

    async def page_of(
        self, *, cursor: str | None, limit: int
    ) -> tuple[list[DocumentRecord], str | None]:
        """Return a page of documents and the cursor of the next one."""
        before = cursors.decode(cursor)
        async with self._database.transaction() as connection:
            found = await store.page_of(connection, before, limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], cursors.encode((last.created_at, last.id))

    async def get(self, document_id: UUID) -> DocumentRecord:
        """Return one; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            return _found(await store.by_id(connection, document_id))

    async def file(self, document_id: UUID) -> StoredFile:
        """Return the original file; raises Refused `not_found`."""
        record = await self.get(document_id)
        path = self._files.path(document_id)
        if not await asyncio.to_thread(path.is_file):
            raise Refused("not_found")
        media_type = MEDIA_TYPES.get(record.kind or "", record.media_type)
        return StoredFile(path, record.name, media_type)

    async def text_page(self, document_id: UUID, number: int, passage: int | None) -> PageRecord:
        """Return the text of a page; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            record = await store.page(connection, document_id, number, passage)
        if record is None:
            raise Refused("not_found")
        return record

    async def retry(self, document_id: UUID) -> DocumentRecord:
        """Start a failed job anew.

        Raises:
            Refused: `not_found` or `not_retryable`.
            UploadRefused: `duplicate`, when the content was uploaded again meanwhile.
        """
        async with self._database.transaction() as connection:
            record = _found(await store.by_id(connection, document_id))
            kept = await asyncio.to_thread(self._files.path(document_id).is_file)
            if record.kind is None or not kept:
                raise Refused("not_retryable")
            if await jobs.restart(connection, document_id) is None:
                raise Refused("not_retryable")
            if not await store.requeue(connection, document_id):
                raise await _duplicate(connection, record.sha256)
            return _found(await store.by_id(connection, document_id))

    async def sweep(self) -> int:
        """Delete files without a document: an upload or a deletion ended between the two.

        When a commit goes unanswered nobody knows whether there is a row; the file waits for this.
        """
        found = await asyncio.to_thread(self._files.strays)
        async with self._database.transaction() as connection:
            existing = await store.existing(connection, [str(each) for each in found])
        strays = [each for each in found if str(each) not in existing]
        for document_id in strays:
            await asyncio.to_thread(self._files.delete, document_id)
        return len(strays)

    async def delete(self, document_id: UUID) -> None:
        """Delete a document everywhere.

        Raises:
            Refused: `not_found`, or `being_processed` while the index is changed for longer than
                a person waits.
        """
        try:
            async with self._one_deletion(), self._database.transaction() as connection:
                await self._withdraw(connection, document_id)
        except (Occupied, TimeoutError) as error:
            raise Refused("being_processed", retry_after=AGAIN_SECONDS) from error
        await asyncio.to_thread(self._files.delete, document_id)

    @asynccontextmanager
    async def _one_deletion(self) -> AsyncIterator[None]:
        """One deletion at a time: each waits with a connection, and all of them would take all."""
        async with asyncio.timeout(self._patience):
            await self._deleting.acquire()
        try:
            yield
        finally:
            self._deleting.release()

    async def _withdraw(self, connection: Connection, document_id: UUID) -> None:
        """Delete the rows: what takes long first, then locks on what answers and workers need."""
        if not await index_store.withdraw(connection, document_id, patience=self._patience):
            raise Refused("not_found")
        await jobs.lock(connection, document_id)
        await store.lock(connection, document_id)
        await store.delete(connection, document_id)


async def _fail_at_once(
    connection: Connection, document_id: UUID, cause: tuple[str, dict[str, Any]]
) -> None:
    """Give a document a job that has already failed."""
    job_id = await jobs.insert(connection, document_id)
    await jobs.fail(connection, job_id, None, cause)
    await jobs.forget_outbox(connection, job_id)
    await store.set_state(connection, document_id, "failed")


async def _duplicate(connection: Connection, sha256: str) -> UploadRefused:
    twin = await store.by_content(connection, sha256)
    if twin is None:
        return UploadRefused("duplicate", name="")
    return UploadRefused("duplicate", document_id=twin[0], name=twin[1])


def _found(record: DocumentRecord | None) -> DocumentRecord:
    if record is None:
        raise Refused("not_found")
    return record
