"""From a failure to what happens next: the one place that knows about pauses.

Pauses grow from one second to five minutes and are spread by a factor the caller draws, so that a
thousand tenants do not come back in the same second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenant_operator.api.conditions import REASONS
from tenant_operator.core.faults import (
    CredentialsRefused,
    LimitReached,
    Obstacle,
    OutOfStock,
    Protected,
    ProviderError,
    RateLimited,
    Refused,
    Taken,
)
from tenant_operator.core.step import Trouble

LONGEST_PAUSE_SECONDS: Final = 300.0
PERSON_PAUSE_SECONDS: Final = 300.0
RESTART: Final = timedelta(seconds=30)
STOPPING: Final = (CredentialsRefused, LimitReached, Protected, Refused)
"""Faults that time alone does not heal."""
AT_ONCE: Final = (OutOfStock, Taken)
"""Faults whose answer is another look or another place, not a pause, the first time."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How often a step has failed in a row, when, and a number in [0.5, 1] to spread pauses."""

    count: int
    now: datetime
    spread: float


def pause(attempt: Attempt) -> timedelta:
    """The pause after the n-th failure in a row: 1, 2, 4 … 300 s, spread."""
    seconds = min(LONGEST_PAUSE_SECONDS, 2.0 ** min(attempt.count - 1, 12))
    return timedelta(seconds=seconds * attempt.spread)


def grown(after: float, *, longest: float, waited: timedelta) -> float:
    """The pause in seconds of a wait that has lasted so long already.

    It stays as short as `after` for half a minute, which is what a machine needs to start anew.
    From then on it grows: what comes back is noticed late by half of its absence at most.
    """
    return max(after, min(longest, (waited - RESTART).total_seconds() / 2))


def with_help(reason: str, message: str) -> str:
    """The cause and, where the reason has one, what a person can do about it."""
    help_ = REASONS[reason].help
    return f"{message.rstrip('.')}. What helps: {help_}." if help_ else message


def trouble(error: ProviderError, attempt: Attempt) -> Trouble:
    """What a provider's refusal means for the step that asked."""
    person = isinstance(error, STOPPING)
    return Trouble(
        reason=error.reason,
        message=with_help(error.reason, f"{error}.") if person else str(error),
        retry_at=_retry_at(error, attempt),
        person_needed=person,
    )


def obstacle_trouble(error: Obstacle, attempt: Attempt) -> Trouble:
    """What an obstacle in the cluster means for the step that met it."""
    return failure_trouble(error.reason, error.message, attempt=attempt, person=error.person_needed)


def _retry_at(error: ProviderError, attempt: Attempt) -> datetime:
    if isinstance(error, RateLimited):
        return error.until or attempt.now + timedelta(minutes=1)
    if isinstance(error, STOPPING):
        return attempt.now + timedelta(seconds=PERSON_PAUSE_SECONDS * attempt.spread)
    if isinstance(error, AT_ONCE) and attempt.count <= 3:
        return attempt.now
    return attempt.now + pause(attempt)


def failure_trouble(reason: str, message: str, *, attempt: Attempt, person: bool) -> Trouble:
    """What a failed job or action means for the step that started it."""
    length = timedelta(seconds=PERSON_PAUSE_SECONDS * attempt.spread) if person else pause(attempt)
    return Trouble(
        reason=reason, message=message, retry_at=attempt.now + length, person_needed=person
    )
