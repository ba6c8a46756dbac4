"""The events of an answer while it is written and for an hour after, in a Redis stream.

Whoever reads (the browser that asked, one that lost its connection, one that reached the other
colour) reads the same events from any point. PostgreSQL holds the answer; losing these events
loses nothing but the live view. A key beside the stream says that somebody reads; it expires.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tenant_agent.errors import Unavailable

KEEP_SECONDS = 3600
WAIT_MILLISECONDS = 2000
MAX_EVENTS = 20_000
EVENT_ID = re.compile(r"\d{1,20}-\d{1,20}")
END = "end"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its place in the stream."""

    id: str
    name: str
    data: dict[str, Any]


class AnswerLog:
    """Appends and follows."""

    def __init__(self, redis: Redis, unread_seconds: float) -> None:
        self._redis = redis
        self._unread_seconds = unread_seconds

    def _key(self, message_id: UUID) -> str:
        return f"answer:{message_id}"

    def _reader_key(self, message_id: UUID) -> str:
        return f"answer:{message_id}:read"

    async def begin(self, message_id: UUID) -> None:
        """Start an empty log, as if just read; raises Unavailable when Redis does not answer."""
        try:
            await self._redis.delete(self._key(message_id))
            await self._note_reader(message_id)
        except RedisError as error:
            raise Unavailable("redis_down", retry_after=5) from error

    async def _note_reader(self, message_id: UUID) -> None:
        milliseconds = int(self._unread_seconds * 1000)
        await self._redis.set(self._reader_key(message_id), b"1", px=milliseconds)

    async def is_read(self, message_id: UUID) -> bool:
        """Return whether somebody read lately; yes when Redis does not answer."""
        try:
            return bool(await self._redis.exists(self._reader_key(message_id)))
        except RedisError:
            return True

    async def append(self, message_id: UUID, name: str, data: dict[str, Any]) -> None:
        """Add an event; a silent Redis costs the live view, never the answer."""
        key = self._key(message_id)
        fields: dict[Any, Any] = {"name": name, "data": json.dumps(data, ensure_ascii=False)}
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(key, fields, maxlen=MAX_EVENTS, approximate=True)
                pipe.expire(key, KEEP_SECONDS)
                await pipe.execute()
        except RedisError as error:
            log.warning("live view interrupted", error=type(error).__name__)

    async def _read(self, message_id: UUID, after: str) -> list[Event]:
        try:
            answer: Any = await self._redis.xread(
                {self._key(message_id): after}, count=200, block=WAIT_MILLISECONDS
            )
        except RedisError:
            await asyncio.sleep(1)
            return []
        entries = [entry for _, found in _streams(answer) for entry in found]
        return [
            Event(_text(place), _text(fields[b"name"]), json.loads(fields[b"data"]))
            for place, fields in entries
        ]

    async def follow(self, message_id: UUID, after: str | None) -> AsyncIterator[Event | None]:
        """Yield events after a place, None when nothing came for a while; it never ends itself."""
        place = after if after and EVENT_ID.fullmatch(after) else "0"
        noted = float("-inf")
        while True:
            if time.monotonic() - noted > self._unread_seconds / 3:
                noted = time.monotonic()
                with contextlib.suppress(RedisError):
                    await self._note_reader(message_id)
            events = await self._read(message_id, place)
            if not events:
                yield None
            for event in events:
                place = event.id
                yield event


def _streams(answer: Any) -> list[tuple[Any, Any]]:
    """Return (key, entries) pairs of either form redis-py gives."""
    if not answer:
        return []
    if isinstance(answer, dict):
        return [(key, [e for part in value for e in part]) for key, value in answer.items()]
    return list(answer)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
