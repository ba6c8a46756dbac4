"""Two TCP connections joined: bytes go through as they come, in both directions.

Nothing is kept beyond one read; a slow reader slows the writer down. When one side closes its half,
so is the other's half closed; when one side resets, both are.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

CHUNK = 65536
CONNECT_SECONDS = 5.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def splice(left: Streams, right: Streams) -> None:
    """Move bytes both ways until both directions have ended."""
    ways = (_move(left[0], right[1]), _move(right[0], left[1]))
    try:
        async with asyncio.TaskGroup() as group:
            for way in ways:
                group.create_task(way)
    except* (OSError, ConnectionError):
        left[1].transport.abort()
        right[1].transport.abort()
    finally:
        await close(left[1])
        await close(right[1])


async def _move(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()
    if target.can_write_eof() and not target.is_closing():
        target.write_eof()


async def close(writer: asyncio.StreamWriter) -> None:
    """Close and wait; a connection that is gone already is closed."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def connect(host: str, port: int, *, source: str | None = None) -> Streams:
    """A connection to `host:port`, from the local address `source` when given.

    Raises:
        OSError: refused, unreachable or not answered in time.
    """
    local = (source, 0) if source else None
    async with asyncio.timeout(CONNECT_SECONDS):
        return await asyncio.open_connection(host, port, local_addr=local, limit=CHUNK)
