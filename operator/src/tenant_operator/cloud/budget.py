"""The one gate through which a fleet's requests go: counts them and keeps to the provider's limits.

Hetzner allows 3,600 requests an hour and project, polling included. Below 30 % of what is left
routine work waits, below 10 % everything but deletion and repair; after a 429 nothing is sent
before the stated time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from tenant_operator.core.faults import ProviderError, RateLimited
from tenant_operator.core.world import RateBudget
from tenant_operator.metrics import PROVIDER_CALLS

T = TypeVar("T")

URGENT: Final = 0
USER: Final = 1
BACKGROUND: Final = 2
RESERVED: Final = {URGENT: 0.0, USER: 0.10, BACKGROUND: 0.30}
"""Share of the limit that a lane leaves for the lanes before it."""
DEFAULT_WINDOW: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Purpose:
    """Why a request is made: its lane, and whether it belongs to a shared sweep."""

    lane: int = USER
    sweep: bool = False


@dataclass
class Gate:
    """The requests of one fleet to one provider."""

    provider: str
    clock: Callable[[], datetime]
    headers: Callable[[], RateBudget | None] = lambda: None
    blocked_until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """Requests by `operation`, sweeps excluded; benches and tests read it."""

    async def call(
        self, operation: str, request: Callable[[], Awaitable[T]], purpose: Purpose = Purpose()
    ) -> T:
        """Send one request, or raise RateLimited without sending it."""
        self._admit(purpose.lane)
        if not purpose.sweep:
            self.counts[operation] = self.counts.get(operation, 0) + 1
        kind = "sweep" if purpose.sweep else "work"
        try:
            answer = await request()
        except RateLimited as error:
            self.blocked_until = error.until or self.clock() + DEFAULT_WINDOW
            PROVIDER_CALLS.labels(self.provider, operation, kind, error.reason).inc()
            raise
        except ProviderError as error:
            PROVIDER_CALLS.labels(self.provider, operation, kind, error.reason).inc()
            raise
        PROVIDER_CALLS.labels(self.provider, operation, kind, "ok").inc()
        return answer

    def _admit(self, lane: int) -> None:
        now = self.clock()
        if self.blocked_until is not None and now < self.blocked_until:
            raise RateLimited(
                f"{self.provider} asked for a pause until {self.blocked_until:%H:%M:%S} UTC",
                until=self.blocked_until,
            )
        self.blocked_until = None
        budget = self.headers()
        if budget is None or budget.remaining >= budget.limit * RESERVED[lane]:
            return
        if refilled(budget, now) < budget.limit * RESERVED[lane]:
            raise RateLimited(
                f"{refilled(budget, now):.0f} of {budget.limit} requests are left at "
                f"{self.provider}; they are kept for more urgent work",
                until=now + DEFAULT_WINDOW,
            )


def refilled(budget: RateBudget, now: datetime) -> float:
    """Requests left now: the headers are as old as the last answer, the bucket fills evenly."""
    missing = budget.limit - budget.remaining
    per_second = budget.limit / 3600
    left = max(0.0, (budget.reset_at - now).total_seconds() * per_second)
    return budget.limit - min(missing, left)


def stretched(interval: timedelta, budget: RateBudget | None, *, requests: int) -> timedelta:
    """The sweep interval, longer when sweeping would take more than 30 % of the hourly limit."""
    if budget is None or requests == 0:
        return interval
    shortest = timedelta(seconds=3600 * requests / (0.3 * budget.limit))
    return max(interval, shortest)
