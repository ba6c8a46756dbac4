"""What every port in memory shares: the log of changes, and the hand that disturbs them.

Every change goes through `World.effect`, which can fail it, lose its answer after it happened, or
end the operator before or after it. No time passes here but what a test says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime


class Killed(BaseException):
    """The operator's process ends here."""


@dataclass
class Fault:
    """What happens to the next calls of an operation."""

    operation: str
    error: Exception
    after: bool = False
    times: int = 1


@dataclass
class World:
    """Everything outside the operator, and the hand that disturbs it."""

    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_after: bool = False
    fail_actions: set[str] = field(default_factory=set)
    stick_actions: set[str] = field(default_factory=set)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @contextmanager
    def effect(self, operation: str) -> Iterator[None]:
        """One change; in the middle of it the world may be cut."""
        number = len(self.log)
        if self.kill_at == number and not self.kill_after:
            self.kill_at = None
            raise Killed(operation)
        held = next((f for f in self.faults if f.operation == operation and f.times), None)
        if held is not None:
            held.times -= 1
            if not held.after:
                raise held.error
        self.log.append(operation)
        yield
        if self.kill_at == number and self.kill_after:
            self.kill_at = None
            raise Killed(operation)
        if held is not None:
            raise held.error

    def read(self, operation: str) -> None:
        """A look; it can fail too."""
        held = next((f for f in self.faults if f.operation == operation and f.times), None)
        if held is not None:
            held.times -= 1
            raise held.error
