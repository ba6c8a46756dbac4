"""Attempts per window, counted in Redis so that both colours share it."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tenant_agent.errors import Refused, Unavailable

log = structlog.get_logger(__name__)
PREFIX = "attempts:"
IPV6_LINE = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts a key has per window."""

    key: str
    attempts: int


def network_of(address: str) -> str:
    """Return what one visitor has to itself: an address, of IPv6 the /64 that a line is given."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((int(parsed), IPV6_LINE), strict=False))


class AttemptLimit:
    """Allowances that fill up again after `window` seconds; what succeeds is given back."""

    def __init__(self, redis: Redis, *, window: int) -> None:
        self._redis = redis
        self._window = window

    async def spend(self, *allowances: Allowance) -> None:
        """Count one attempt; past the first that is used up the later ones are not charged.

        Raises:
            Refused: `too_many_attempts`, with the seconds to wait.
            Unavailable: Redis does not answer; guessing must not become free.
        """
        for allowance in allowances:
            try:
                wait = await self._count(allowance)
            except RedisError as error:
                log.warning("attempts cannot be counted", error=type(error).__name__)
                raise Unavailable("redis_down", retry_after=5) from error
            if wait:
                raise Refused("too_many_attempts", retry_after=wait, seconds=wait)

    async def _count(self, allowance: Allowance) -> int:
        """Return 0 or the seconds to wait."""
        key = PREFIX + allowance.key
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=self._window, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, left = await pipe.execute()
        return max(int(left), 1) if int(count) > allowance.attempts else 0

    async def give_back(self, *allowances: Allowance) -> None:
        """Take back one attempt of each; failed ones stay counted until the window ends."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                for allowance in allowances:
                    # Where the window has just ended, 1 - 1: never a count without an end.
                    pipe.set(PREFIX + allowance.key, 1, ex=self._window, nx=True)
                    pipe.decr(PREFIX + allowance.key)
                await pipe.execute()
        except RedisError as error:
            raise Unavailable("redis_down", retry_after=5) from error
