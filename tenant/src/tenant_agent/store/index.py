"""The searchable passages: chunks, vectors, and BM25 postings kept exact in one transaction.

Whoever changes the index locks the whole of it first and the document's row last: a large document
takes minutes, and meanwhile nobody who needs only its row has to wait.

BM25 (Robertson/Zaragoza) with k1 = 1.5, b = 0.75. The term-frequency part is stored per posting
for the mean length at that time and made anew when the mean drifts by a tenth; idf is computed at
query time from live counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query

K1 = 1.5
B = 0.75
CONFIGURATIONS = {"de": "german", "en": "english"}


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A passage to store; offsets are code points on its page."""

    ordinal: int
    page: int
    start: int
    end: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space: vectors of different spaces are never compared."""

    model: str
    dimensions: int


def vector_literal(vector: Sequence[float]) -> str:
    """Return pgvector's text form."""
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"


async def replace_text(connection: Connection, document_id: UUID, pages: Sequence[str]) -> None:
    """Store the pages of a document; what an earlier try left is gone."""
    values = {"document_id": document_id}
    await connection.execute(query("index", "clear_chunks"), values)
    await connection.execute(query("index", "clear_pages"), values)
    rows = [
        {"document_id": document_id, "number": number, "text": text}
        for number, text in enumerate(pages, 1)
    ]
    await connection.cursor().executemany(query("index", "insert_page"), rows)


async def insert_chunks(
    connection: Connection,
    document_id: UUID,
    chunks: Sequence[NewChunk],
    *,
    title: str,
    language: str,
) -> None:
    """Store passages with their lexemes, stemmed in the document's language."""
    rows = [
        {
            "document_id": document_id,
            "ordinal": chunk.ordinal,
            "page": chunk.page,
            "start_at": chunk.start,
            "end_at": chunk.end,
            "heading": chunk.heading,
            "text": chunk.text,
            "language": language,
            "configuration": CONFIGURATIONS.get(language, "simple"),
            "indexed": f"{title}\n{chunk.heading}\n{chunk.text}",
        }
        for chunk in chunks
    ]
    await connection.cursor().executemany(query("index", "insert_chunk"), rows)


async def chunks_without_vector(
    connection: Connection, document_id: UUID, space: Space, passages: range
) -> list[tuple[int, str, str, str]]:
    """Return (chunk, document name, heading, text) of those that are still to be embedded."""
    values = {
        "document_id": document_id,
        "model": space.model,
        "dimensions": space.dimensions,
        "first": passages.start,
        "count": len(passages),
    }
    cursor = await connection.execute(query("index", "chunks_without_vector"), values)
    return [(row[0], row[1], row[2], row[3]) for row in await cursor.fetchall()]


async def count_chunks(connection: Connection, document_id: UUID) -> int:
    """Return how many passages a document has."""
    values = {"document_id": document_id}
    row = await (await connection.execute(query("index", "count_chunks"), values)).fetchone()
    return int(row[0]) if row else 0


async def insert_vectors(
    connection: Connection, space: Space, vectors: Sequence[tuple[int, Sequence[float]]]
) -> None:
    """Store vectors by passage; existing ones stay."""
    rows = [
        {
            "chunk_id": chunk_id,
            "model": space.model,
            "dimensions": space.dimensions,
            "embedding": vector_literal(vector),
        }
        for chunk_id, vector in vectors
    ]
    await connection.cursor().executemany(query("index", "insert_vector"), rows)


async def _begin_change(connection: Connection, document_id: UUID) -> bool | None:
    """One change of the index at a time, and as long as it takes.

    Returns whether the document's words are in it; nothing when there is no such document.
    """
    values = {"document_id": document_id}
    await connection.execute(query("index", "take_time"))
    await connection.execute(query("index", "lock"))
    row = await (await connection.execute(query("index", "is_indexed"), values)).fetchone()
    return row[0] if row else None


async def publish(connection: Connection, document_id: UUID) -> bool:
    """Make a document's words searchable; a second call changes nothing.

    Until the transaction ends the document cannot be deleted. Returns whether it is there.
    """
    values = {"document_id": document_id, "k1": K1, "b": B}
    indexed = await _begin_change(connection, document_id)
    if indexed is not False:
        return indexed is not None
    await connection.execute(query("index", "grow_corpus"), values)
    await _follow_drift(connection)
    await connection.execute(query("index", "grow_terms"), values)
    await connection.execute(query("index", "insert_postings"), values)
    await connection.execute(query("index", "mark_ready"), values)
    return True


async def withdraw(
    connection: Connection, document_id: UUID, *, patience: float | None = None
) -> bool:
    """Take a document's words and passages out of the index and its counts, to delete it.

    Args:
        patience: seconds to wait for another change, and for any lock until the transaction ends;
            without, as long as it takes.

    Returns whether the document is there.
    """
    values = {"document_id": document_id}
    if patience is not None:
        limit = {"milliseconds": round(patience * 1000)}
        await connection.execute(query("index", "wait_at_most"), limit)
    indexed = await _begin_change(connection, document_id)
    if not indexed:
        return indexed is not None
    await connection.execute(query("index", "shrink_corpus"), values)
    await connection.execute(query("index", "shrink_terms"), values)
    await connection.execute(query("index", "delete_postings"), values)
    await connection.execute(query("index", "delete_unused_terms"))
    await _follow_drift(connection)
    # With its row they would go as well, but while that is locked.
    await connection.execute(query("index", "clear_chunks"), values)
    return True


async def _follow_drift(connection: Connection) -> None:
    cursor = await connection.execute(query("index", "drifted"))
    for (language,) in await cursor.fetchall():
        values = {"language": language, "k1": K1, "b": B}
        await connection.execute(query("index", "reweigh"), values)
