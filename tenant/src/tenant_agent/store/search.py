"""The two arms of retrieval as queries."""

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


async def lexical(connection: Connection, question: str, limit: int) -> Scores:
    """Return BM25 scores of the best passages."""
    cursor = await connection.execute(
        query("search", "lexical"), {"question": question, "limit": limit}
    )
    return dict(await cursor.fetchall())


async def dense(
    connection: Connection, space: Space, vector: Sequence[float], *, limit: int, exact: bool
) -> Scores:
    """Return cosines of the nearest passages; call inside a transaction."""
    values = {
        "model": space.model,
        "dimensions": space.dimensions,
        "vector": vector_literal(vector),
        "limit": limit,
    }
    if exact:
        cursor = await connection.execute(query("search", "dense_exact"), values)
    else:
        await _prepare_scan(connection, limit)
        statement = sql.SQL(query("search", "dense_indexed")).format(
            d=sql.Literal(space.dimensions)
        )
        cursor = await connection.execute(statement, values)
    return dict(await cursor.fetchall())


async def _prepare_scan(connection: Connection, limit: int) -> None:
    """Let the index scan go on until `limit` rows pass the filter, instead of returning fewer."""
    await connection.execute("set local hnsw.iterative_scan = strict_order")
    await connection.execute(
        sql.SQL("set local hnsw.ef_search = {}").format(sql.Literal(max(100, min(limit, 1000))))
    )


async def passages(connection: Connection, ids: Sequence[int]) -> dict[int, PassageRecord]:
    """Return passages by id."""
    async with connection.cursor(row_factory=class_row(PassageRecord)) as cursor:
        await cursor.execute(query("search", "passages"), {"ids": list(ids)})
        return {record.id: record for record in await cursor.fetchall()}


async def owners(connection: Connection, ids: Sequence[int]) -> dict[int, UUID]:
    """Return the document of each passage."""
    cursor = await connection.execute(query("search", "owners"), {"ids": list(ids)})
    return dict(await cursor.fetchall())
