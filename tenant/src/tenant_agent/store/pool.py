"""The connection pool, and transactions whose failures are typed.

Opened by whoever owns the event loop (never at import). A statement that runs longer than a minute
is ended by the server, so that no request holds a connection for ever.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tenant_agent.settings import Settings

# One plan per statement instead of one per question: planning a search takes as long as running it.
# The data lie on flash or in memory, where jumping costs little. An index scan of vectors goes on
# until enough rows pass the filter, instead of returning fewer.
OPTIONS = (
    "-c statement_timeout=60s -c plan_cache_mode=force_generic_plan -c random_page_cost=1.1"
    " -c hnsw.iterative_scan=strict_order -c hnsw.ef_search=100"
)
CONNECT_SECONDS = 5.0

Connection = AsyncConnection[TupleRow]


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer or broke the connection; the transaction did not commit."""


def connection_string(settings: Settings, **extra: Any) -> str:
    """Return the connection string of the tenant's database."""
    password = settings.optional_secret("database_password")
    return make_conninfo(
        host=settings.database_host,
        port=settings.database_port,
        dbname=settings.database_name,
        user=settings.database_user,
        password=password.get_secret_value() if password else None,
        application_name="tenant-agent",
        connect_timeout=int(CONNECT_SECONDS),
        **extra,
    )


class Occupied(Exception):
    """Another transaction holds what this one has waited for as long as it may (`lock_timeout`)."""


class Database:
    """A pool of connections; `transaction` and `reading` are the only ways to one."""

    def __init__(self, settings: Settings) -> None:
        self._pool = AsyncConnectionPool(
            connection_string(settings, options=OPTIONS),
            min_size=1,
            max_size=settings.database_pool_size,
            max_idle=60,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=30,
            check=AsyncConnectionPool.check_connection,
            kwargs={"autocommit": True},
            open=False,
        )

    async def open(self) -> None:
        """Start the pool; does not wait for the database to be there."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Open a transaction; commits on normal exit.

        Raises:
            DatabaseUnavailable: no connection within some seconds, or it broke.
            Occupied: only where the transaction limits how long it waits for a lock.
        """
        async with self.reading() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Give a connection for statements that stand alone: two round trips fewer.

        Raises:
            DatabaseUnavailable: as `transaction`.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise Occupied from error
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseUnavailable(type(error).__name__) from error
