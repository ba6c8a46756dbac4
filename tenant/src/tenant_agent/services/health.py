"""Readiness, version and metrics."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tenant_agent import metrics
from tenant_agent.settings import Settings
from tenant_agent.store import jobs
from tenant_agent.store.migrate import is_current
from tenant_agent.store.pool import Database, DatabaseUnavailable

CHECK_SECONDS = 3.0
STATES = ("queued", "running", "done", "failed")


@dataclass(frozen=True, slots=True)
class Running:
    """What runs."""

    version: str
    release: str
    color: str


class Health:
    """Asks each dependency, with a time limit."""

    def __init__(self, database: Database, redis: Redis, settings: Settings) -> None:
        self._database = database
        self._redis = redis
        self._settings = settings

    async def _database_checks(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._database.transaction() as connection:
                current = await is_current(connection)
        except (DatabaseUnavailable, TimeoutError):
            return {"database": "down", "migrations": "unknown"}
        return {"database": "ok", "migrations": "ok" if current else "missing"}

    async def _redis_check(self) -> str:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._redis.ping()
        except (RedisError, TimeoutError, OSError):
            return "down"
        return "ok"

    async def checks(self) -> dict[str, str]:
        """Return "ok" or what is wrong, per dependency."""
        database, redis = await asyncio.gather(self._database_checks(), self._redis_check())
        found = {**database, "redis": redis}
        metrics.READY.set(all(value == "ok" for value in found.values()))
        return found

    def version(self) -> Running:
        """Return what runs."""
        return Running(version("tenant-agent"), self._settings.release, self._settings.color)

    async def metrics(self) -> tuple[bytes, str]:
        """Return Prometheus text and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        try:
            async with self._database.transaction() as connection:
                counted = await jobs.counts(connection)
            for state in STATES:
                metrics.JOBS.labels(state).set(counted.get(state, 0))
        except DatabaseUnavailable:
            metrics.READY.set(0)
        return generate_latest(metrics.REGISTRY), CONTENT_TYPE_LATEST
