"""A limit of attempts per window, counted in Redis so that both colours share it."""

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tenant_agent.errors import Refused, Unavailable

log = structlog.get_logger(__name__)
PREFIX = "attempts:"


class AttemptLimit:
    """At most `attempts` per `window` seconds and key; success clears the key."""

    def __init__(self, redis: Redis, *, attempts: int, window: int) -> None:
        self._redis = redis
        self._attempts = attempts
        self._window = window

    async def spend(self, *keys: str) -> None:
        """Count one attempt on every key.

        Raises:
            Refused: `too_many_attempts`, with the seconds to wait.
            Unavailable: Redis does not answer; guessing must not become free.
        """
        try:
            waits = [await self._count(PREFIX + key) for key in keys]
        except RedisError as error:
            log.warning("attempts cannot be counted", error=type(error).__name__)
            raise Unavailable("redis_down", retry_after=5) from error
        wait = max(waits)
        if wait:
            raise Refused("too_many_attempts", retry_after=wait, seconds=wait)

    async def _count(self, key: str) -> int:
        """Return 0 or the seconds to wait."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=self._window, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, left = await pipe.execute()
        return max(int(left), 1) if int(count) > self._attempts else 0

    async def clear(self, *keys: str) -> None:
        """Forget the attempts on these keys."""
        try:
            await self._redis.delete(*(PREFIX + key for key in keys))
        except RedisError as error:
            raise Unavailable("redis_down", retry_after=5) from error
