"""The state machine of jobs and the outbox that hands them to the queue.

    queued ──claim──▶ running ──finish──▶ done
      ▲                │  │
      └──put_back──────┘  └──fail──▶ failed ──restart──▶ queued

Each arrow is one conditional update, so that a message delivered twice, or a worker that was
thought dead and comes back, changes nothing. A job that is put back keeps since when it has stood
still; the tries that ended so are not counted, those that nobody ended are.
"""

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tenant_agent.store.pool import Connection
from tenant_agent.store.queries import query


async def _one(connection: Connection, name: str, values: dict[str, Any]) -> Any:
    cursor = await connection.execute(query("jobs", name), values)
    return await cursor.fetchone()


async def insert(connection: Connection, document_id: UUID) -> UUID:
    """Make the job of a document and put it in the outbox, in the caller's transaction."""
    row = await _one(connection, "insert", {"document_id": document_id})
    job_id: UUID = row[0]
    await put_in_outbox(connection, job_id)
    return job_id


async def lock(connection: Connection, document_id: UUID) -> None:
    """Hold the job of a document until the transaction ends."""
    await connection.execute(query("jobs", "lock"), {"document_id": document_id})


async def put_in_outbox(connection: Connection, job_id: UUID, delay: float = 0) -> None:
    """Make a job due in `delay` seconds."""
    await connection.execute(query("jobs", "put_in_outbox"), {"job_id": job_id, "delay": delay})


async def forget_outbox(connection: Connection, job_id: UUID) -> None:
    """Take a job out of the outbox."""
    await connection.execute(query("jobs", "forget_outbox"), {"job_id": job_id})


async def take_due(connection: Connection, room: int) -> list[UUID]:
    """Remove and return due jobs; the caller hands them on before it commits.

    Args:
        room: how many may be handed out and not yet begun, those of before included.
    """
    cursor = await connection.execute(query("jobs", "take_due"), {"room": room})
    return [row[0] for row in await cursor.fetchall()]


async def claim(
    connection: Connection, job_id: UUID, worker: str, silence: float
) -> tuple[UUID, int] | None:
    """Take the job; returns document and attempt, or nothing when it is not to be had."""
    values = {"id": job_id, "worker": worker, "silence": silence}
    row = await _one(connection, "claim", values)
    return (row[0], row[1]) if row else None


async def heartbeat(connection: Connection, job_id: UUID, worker: str) -> bool:
    """Say that the worker lives; False when the job was taken away."""
    return bool(await _one(connection, "heartbeat", {"id": job_id, "worker": worker}))


async def advance(
    connection: Connection,
    job_id: UUID,
    worker: str,
    step: tuple[str, float],
    *,
    moved: bool = False,
) -> bool:
    """Show stage and progress; False when the job was taken away.

    Args:
        moved: whether something is stored that was not before: it stands still no longer.
    """
    values = {
        "id": job_id,
        "worker": worker,
        "stage": step[0],
        "progress": step[1],
        "moved": moved,
    }
    return bool(await _one(connection, "advance", values))


async def finish(connection: Connection, job_id: UUID, worker: str) -> bool:
    """End the job well; False when it was taken away."""
    return bool(await _one(connection, "finish", {"id": job_id, "worker": worker}))


async def fail(
    connection: Connection, job_id: UUID, worker: str | None, cause: tuple[str, dict[str, Any]]
) -> bool:
    """End the job with a cause; without a worker it is failed whoever has it."""
    values = {"id": job_id, "worker": worker, "code": cause[0], "values": Jsonb(cause[1])}
    return bool(await _one(connection, "fail", values))


async def stall(connection: Connection, job_id: UUID, worker: str) -> float | None:
    """Note that the provider fails the job; returns for how many seconds it has stood still.

    Nothing when the job was taken away.
    """
    row = await _one(connection, "stall", {"id": job_id, "worker": worker})
    return float(row[0]) if row else None


async def put_back(
    connection: Connection,
    job_id: UUID,
    worker: str,
    *,
    cause: tuple[str, dict[str, Any]],
    delay: float,
) -> bool:
    """Let the job wait `delay` seconds, with the cause shown; False when it was taken away."""
    values = {
        "id": job_id,
        "worker": worker,
        "code": cause[0],
        "values": Jsonb(cause[1]),
        "delay": delay,
    }
    if not await _one(connection, "put_back", values):
        return False
    await put_in_outbox(connection, job_id, delay)
    return True


async def restart(connection: Connection, document_id: UUID) -> UUID | None:
    """Start a failed job anew; nothing when it has not failed."""
    row = await _one(connection, "restart", {"document_id": document_id})
    if row is None:
        return None
    await put_in_outbox(connection, row[0])
    job_id: UUID = row[0]
    return job_id


async def recover(connection: Connection, *, silence: float, age: float) -> list[UUID]:
    """Put silent and forgotten jobs into the outbox again and return them."""
    cursor = await connection.execute(query("jobs", "silent"), {"silence": silence})
    found = [row[0] for row in await cursor.fetchall()]
    cursor = await connection.execute(query("jobs", "forgotten"), {"age": age})
    found += [row[0] for row in await cursor.fetchall()]
    await connection.execute(query("jobs", "touch"), {"ids": found})
    for job_id in found:
        await put_in_outbox(connection, job_id)
    return found


async def last_sequence(connection: Connection) -> int:
    """Return the number of the newest change."""
    row = await _one(connection, "last_sequence", {})
    return int(row[0])


async def counts(connection: Connection) -> dict[str, int]:
    """Return how many jobs are in each state."""
    cursor = await connection.execute(query("jobs", "counts"))
    return dict(await cursor.fetchall())
