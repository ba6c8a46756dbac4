"""What `migrate` does: wait for the database, migrate, index, first administrator."""

import asyncio
import time

import psycopg

from tenant_agent.services.accounts import ensure_first_administrator
from tenant_agent.settings import Settings
from tenant_agent.store.migrate import ensure_vector_index, migrate
from tenant_agent.store.pool import Connection, connection_string

RETRY_SECONDS = 0.5


async def connect_patiently(settings: Settings, seconds: float) -> Connection:
    """Connect, trying again while the database starts.

    Raises:
        psycopg.OperationalError: still not there after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await psycopg.AsyncConnection.connect(
                connection_string(settings), autocommit=True
            )
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)


async def _first_administrator(connection: Connection, settings: Settings) -> bool:
    one_time = settings.optional_secret("bootstrap_password")
    if not settings.admin_email or one_time is None:
        return False
    return await ensure_first_administrator(connection, settings.admin_email, one_time)


async def prepare(settings: Settings, wait_seconds: float) -> str:
    """Bring the database up to this release; returns a sentence about what was done."""
    connection = await connect_patiently(settings, wait_seconds)
    async with connection:
        applied = await migrate(connection)
        await ensure_vector_index(connection, settings.embedding_dimensions)
        made = await _first_administrator(connection, settings)
    numbers = ", ".join(map(str, applied)) or "none"
    return f"migrations applied: {numbers}; first administrator made: {'yes' if made else 'no'}"
