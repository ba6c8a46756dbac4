"""What the operator remembers of an object between passes; all of it can be looked up again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from tenant_operator.core.case import (
    UNKNOWN,
    HostSight,
    ModelKey,
    Retained,
    Seen,
    TenantKeys,
    Unknown,
)
from tenant_operator.core.results import Retry, Subject
from tenant_operator.core.step import Trouble
from tenant_operator.core.trouble import Attempt, failure_trouble
from tenant_operator.core.world import ActionRef, Glimpse
from tenant_operator.host.port import Host

SOLD_OUT_FOR: Final = timedelta(minutes=5)
TYPE_REFUSED_FOR: Final = timedelta(minutes=30)
"""Longer, because every try switches a customer's machine off for a minute."""


@dataclass
class Memory:
    """One object's share of this process's memory."""

    keys: Seen[TenantKeys] = UNKNOWN
    model_key: ModelKey | Literal[Unknown.UNKNOWN] = UNKNOWN
    model_key_seen: datetime | None = None
    host: HostSight | Literal[Unknown.UNKNOWN] = UNKNOWN
    answered: bool = False
    """Whether the machine did so at the last look."""
    host_seen: datetime | None = None
    outside: Glimpse | Literal[Unknown.UNKNOWN] = UNKNOWN
    outside_seen: datetime | None = None
    leftovers: tuple[str, ...] | Literal[Unknown.UNKNOWN] = UNKNOWN
    retained: Retained | Literal[Unknown.UNKNOWN] = UNKNOWN
    actions: dict[Subject, ActionRef] = field(default_factory=dict)
    sold_out: dict[tuple[str, str], datetime] = field(default_factory=dict)
    refused_types: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    started: dict[str, datetime] = field(default_factory=dict)
    refresh: set[Subject] = field(default_factory=set)
    wish: tuple[object, ...] = ()
    tenants_known: bool = False
    """A Fleet's: whether its tenants have been asked for since the start."""
    connection: Host | None = None
    connect_anew: bool = False
    told: dict[str, datetime] = field(default_factory=dict)
    look_again_at: datetime | None = None

    def new_wish(self, wish: tuple[object, ...]) -> bool:
        """A changed wish: what failed under the old one is tried again at once."""
        if wish == self.wish:
            return False
        self.wish = wish
        self.troubles.clear()
        self.attempts.clear()
        self.sold_out.clear()
        self.refused_types.clear()
        self.leftovers = UNKNOWN
        self.retained = UNKNOWN
        self.model_key_seen = None
        return True

    def forget_running(self) -> set[Subject]:
        """Forget actions whose end nobody will hear of any more; says what they were about."""
        running = {key for key, action in self.actions.items() if action.status == "running"}
        for subject in running:
            del self.actions[subject]
        return running

    def expire(
        self, now: datetime, look_every: timedelta, *, secrets_every: timedelta = timedelta.max
    ) -> None:
        """Forget looks that are too old, and sold-out places whose time is over."""
        if self.model_key_seen is not None and now - self.model_key_seen >= secrets_every:
            self.model_key_seen = None
        if self.host_seen is None or now - self.host_seen >= look_every:
            self.host = UNKNOWN
        if self.outside_seen is None or now - self.outside_seen >= look_every:
            self.outside = UNKNOWN
        self.sold_out = {place: until for place, until in self.sold_out.items() if until > now}
        held = self.refused_types.items()
        self.refused_types = {kind: (until, why) for kind, (until, why) in held if until > now}

    def forget(self, subjects: Iterable[Subject]) -> None:
        """What must be looked at afresh."""
        for subject in subjects:
            match subject:
                case Subject.HOST:
                    self.host = UNKNOWN
                case Subject.CONNECTION:
                    self.connect_anew = True
                case Subject.OUTSIDE:
                    self.outside = UNKNOWN
                case Subject.KEYS:
                    self.keys = UNKNOWN
                case Subject.MODEL_KEY:
                    self.model_key_seen = None
                case Subject.RETAINED:
                    self.retained = UNKNOWN
                case Subject.LEFTOVERS:
                    self.leftovers = UNKNOWN
                case _:
                    continue

    @property
    def fresh_model_key(self) -> ModelKey | Literal[Unknown.UNKNOWN]:
        """The model key while it counts; `model_key` itself stays, to be compared with."""
        return UNKNOWN if self.model_key_seen is None else self.model_key

    def saw_model_key(self, key: ModelKey, now: datetime) -> None:
        """A look at the Secret that the Tenant names for its model."""
        self.model_key, self.model_key_seen = key, now

    def saw_host(self, sight: HostSight, now: datetime) -> bool:
        """A look at the machine; says whether one that answered the last time does no more."""
        self.host, self.host_seen = sight, now
        answered, self.answered = self.answered, sight.facts is not None
        return answered and not self.answered

    def saw_outside(self, glimpse: Glimpse, now: datetime) -> None:
        """A look from outside."""
        self.outside, self.outside_seen = glimpse, now

    def attempt(self, condition: str, now: datetime, spread: float) -> Attempt:
        """Count one more failure of a step."""
        self.attempts[condition] = self.attempts.get(condition, 0) + 1
        return Attempt(count=self.attempts[condition], now=now, spread=spread)

    def may_retry(self, condition: str, result: Retry, *, now: datetime, spread: float) -> bool:
        """Whether the pause after this failure is over; counts a failure that is new.

        A failure that was met under an earlier wish has none: what was wrong may be put right.
        """
        if self.failures.get(condition) != result.failure:
            self.failures[condition] = result.failure
            self.troubles[condition] = failure_trouble(
                result.reason,
                result.message,
                attempt=self.attempt(condition, now, spread),
                person=result.person_needed,
            )
        trouble = self.troubles.get(condition)
        return trouble is None or trouble.retry_at <= now

    def succeeded(self, condition: str) -> None:
        """A step is done: its failures are history."""
        self.troubles.pop(condition, None)
        self.attempts.pop(condition, None)
        self.failures.pop(condition, None)

    def look_again(self, now: datetime, after: float) -> bool:
        """Whether what stopped a step should be looked at afresh; at most once every `after`."""
        if self.look_again_at is None:
            self.look_again_at = now + timedelta(seconds=after)
            return False
        if now < self.look_again_at:
            return False
        self.look_again_at = None
        return True

    @property
    def host_agent(self) -> str:
        """The digest of the host agent that the last look at the machine found."""
        facts = None if self.host is UNKNOWN else self.host.facts
        return "" if facts is None else facts.agent

    async def hang_up(self) -> None:
        """Close the connection to the machine."""
        connection, self.connection, self.connect_anew = self.connection, None, False
        if connection is not None:
            await connection.close()
