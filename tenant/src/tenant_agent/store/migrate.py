"""Expand-only schema migrations: numbered files, each in its own transaction, under one lock.

Expand-only because during a release the old and the new colour run on the same schema. Any number
of processes may run this at once: the advisory lock lets one work and the others find it done.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg
from psycopg import sql

from tenant_agent.store.pool import Connection

LOCK = 0x7E4A_4701
TABLE = """
create table if not exists schema_migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""


class MigrationChanged(Exception):
    """A migration that was applied has another text now; released migrations never change."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: LiteralString

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def available() -> list[Migration]:
    """Return all migrations of this release in order."""
    found = []
    for entry in files("tenant_agent.store").joinpath("migrations").iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, entry.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


async def _applied(connection: Connection) -> dict[int, str]:
    cursor = await connection.execute("select number, checksum from schema_migration")
    return dict(await cursor.fetchall())


async def _apply(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text)
        await connection.execute(
            "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
            (migration.number, migration.name, migration.checksum),
        )


async def migrate(connection: Connection) -> list[int]:
    """Apply what is missing and return its numbers.

    Args:
        connection: in autocommit mode, with the right to create tables.

    Raises:
        MigrationChanged: an applied file differs from this release's.
    """
    await connection.execute("select pg_advisory_lock(%s)", (LOCK,))
    try:
        await connection.execute(TABLE)
        applied = await _applied(connection)
        for migration in available():
            if applied.get(migration.number, migration.checksum) != migration.checksum:
                raise MigrationChanged(f"migration {migration.number} was edited after release")
        missing = [item for item in available() if item.number not in applied]
        for migration in missing:
            await _apply(connection, migration)
        return [migration.number for migration in missing]
    finally:
        await connection.execute("select pg_advisory_unlock(%s)", (LOCK,))


async def is_current(connection: Connection) -> bool:
    """Return whether every migration of this release is applied; later ones do no harm."""
    try:
        applied = await _applied(connection)
    except psycopg.errors.UndefinedTable:
        return False
    return all(migration.number in applied for migration in available())


async def ensure_vector_index(connection: Connection, dimensions: int) -> None:
    """Create the HNSW index for vectors of `dimensions`; concurrently, so that work goes on."""
    name = f"chunk_vector_hnsw_{dimensions}"
    await connection.execute("select pg_advisory_lock(%s)", (LOCK,))
    try:
        await connection.execute(
            sql.SQL(
                "create index if not exists {} on chunk_vector using hnsw "
                "((embedding::halfvec({})) halfvec_cosine_ops) where dimensions = {}"
            ).format(sql.Identifier(name), sql.Literal(dimensions), sql.Literal(dimensions))
        )
    finally:
        await connection.execute("select pg_advisory_unlock(%s)", (LOCK,))
