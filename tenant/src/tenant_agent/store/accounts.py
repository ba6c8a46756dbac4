"""Accounts and sessions."""

from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query
from tenant_agent.store.records import AccountRecord, SessionRecord


async def insert_first_administrator(
    connection: Connection, email: str, password_hash: str
) -> bool:
    """Make the first administrator; returns whether there was none before."""
    cursor = await connection.execute(
        query("accounts", "first_administrator"), {"email": email, "password_hash": password_hash}
    )
    return await cursor.fetchone() is not None


async def correct_administrator(connection: Connection, email: str) -> bool:
    """Give the first administrator another address, if nobody has signed in yet."""
    cursor = await connection.execute(query("accounts", "correct_administrator"), {"email": email})
    return await cursor.fetchone() is not None


async def count(connection: Connection) -> int:
    """Return how many accounts there are."""
    row = await (await connection.execute(query("accounts", "count"))).fetchone()
    return int(row[0]) if row else 0


async def by_email(connection: Connection, email: str) -> AccountRecord | None:
    """Return the account of an address."""
    async with connection.cursor(row_factory=class_row(AccountRecord)) as cursor:
        await cursor.execute(query("accounts", "by_email"), {"email": email})
        return await cursor.fetchone()


async def by_id(connection: Connection, account_id: UUID) -> AccountRecord | None:
    """Return the account."""
    async with connection.cursor(row_factory=class_row(AccountRecord)) as cursor:
        await cursor.execute(query("accounts", "by_id"), {"id": account_id})
        return await cursor.fetchone()


async def set_password(connection: Connection, account_id: UUID, password_hash: str) -> None:
    """Replace the password; the one-time mark goes."""
    await connection.execute(
        query("accounts", "set_password"), {"id": account_id, "password_hash": password_hash}
    )


async def rehash(connection: Connection, account_id: UUID, password_hash: str) -> None:
    """Store the same password at today's cost."""
    await connection.execute(
        query("accounts", "rehash"), {"id": account_id, "password_hash": password_hash}
    )


async def open_session(
    connection: Connection, account_id: UUID, token_hash: bytes, expires_at: datetime
) -> None:
    """Store a session."""
    await connection.execute(
        query("accounts", "open_session"),
        {"account_id": account_id, "token_hash": token_hash, "expires_at": expires_at},
    )


async def session(connection: Connection, token_hash: bytes, now: datetime) -> SessionRecord | None:
    """Return the live session of a token."""
    async with connection.cursor(row_factory=class_row(SessionRecord)) as cursor:
        await cursor.execute(query("accounts", "session"), {"token_hash": token_hash, "now": now})
        return await cursor.fetchone()


async def close_session(connection: Connection, token_hash: bytes) -> None:
    """End one session."""
    await connection.execute(query("accounts", "close_session"), {"token_hash": token_hash})


async def close_sessions(connection: Connection, account_id: UUID) -> None:
    """End every session of an account."""
    await connection.execute(query("accounts", "close_sessions"), {"account_id": account_id})


async def expire_sessions(connection: Connection, now: datetime) -> None:
    """Forget sessions that are over."""
    await connection.execute(query("accounts", "expire_sessions"), {"now": now})
