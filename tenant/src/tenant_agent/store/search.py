"""The two arms of retrieval as one query, and the passages chosen from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from tenant_agent.store.index import Space, vector_literal
from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query

# Up to here looking at every vector is exact and fast enough; beyond, the HNSW index answers.
EXACT_LIMIT = 20_000
Scores = dict[int, float]


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A passage with where it stands."""

    id: int
    document_id: UUID
    document_name: str
    paged: bool
    ordinal: int
    page: int
    heading: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scores of both arms by passage, and the document of each passage."""

    lexical: Scores
    dense: Scores
    owners: dict[int, UUID]


def statement_of(space: Space, *, limit: int, exact_limit: int = EXACT_LIMIT) -> sql.Composed:
    """Return the search of a space; numbers that shape its plan stand in the text."""
    return sql.SQL(query("search", "candidates")).format(
        d=sql.Literal(space.dimensions), limit=sql.Literal(limit), exact=sql.Literal(exact_limit)
    )


async def candidates(
    connection: Connection,
    space: Space,
    question: str,
    vector: Sequence[float] | None,
    *,
    limit: int,
    exact_limit: int = EXACT_LIMIT,
) -> Candidates:
    """Return the best passages of both arms; without a vector the dense one is empty."""
    statement = statement_of(space, limit=limit, exact_limit=exact_limit)
    values = {
        "question": question,
        "vector": None if vector is None else vector_literal(vector),
        "model": space.model,
    }
    rows = await (await connection.execute(statement, values, prepare=True)).fetchall()
    return Candidates(
        {row[0]: row[2] for row in rows if row[2] is not None},
        {row[0]: row[3] for row in rows if row[3] is not None},
        {row[0]: row[1] for row in rows},
    )


async def passages(connection: Connection, ids: Sequence[int]) -> dict[int, PassageRecord]:
    """Return passages by id."""
    async with connection.cursor(row_factory=class_row(PassageRecord)) as cursor:
        await cursor.execute(query("search", "passages"), {"ids": list(ids)}, prepare=True)
        return {record.id: record for record in await cursor.fetchall()}
