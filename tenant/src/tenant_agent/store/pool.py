"""The connection pool, and transactions whose failures are typed.

Opened by whoever owns the event loop (never at import). A statement that runs longer than
`STATEMENT_TIMEOUT` is ended by the server, so that no request holds a connection for ever.
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

STATEMENT_TIMEOUT = "60s"
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


class Database:
    """A pool of connections; `transaction` is the only way to one."""

    def __init__(self, settings: Settings) -> None:
        self._pool = AsyncConnectionPool(
            connection_string(settings, options=f"-c statement_timeout={STATEMENT_TIMEOUT}"),
            min_size=1,
            max_size=settings.database_pool_size,
            max_idle=60,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=30,
            check=AsyncConnectionPool.check_connection,
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
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseUnavailable(type(error).__name__) from error
