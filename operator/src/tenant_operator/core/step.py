"""A step, and walking a list of them: the first that is not done decides the pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from tenant_operator.core.results import Do, Done, Look, Result, Retry, Stop, Wait


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why the last try of a step failed, and when it may be tried again."""

    reason: str
    message: str
    retry_at: datetime
    person_needed: bool = False


class Walkable(Protocol):
    """What the walk itself needs to know of a case."""

    @property
    def now(self) -> datetime:
        """The moment this pass is about."""
        ...

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        """What went wrong lately, by condition."""
        ...

    @property
    def hands_off(self) -> tuple[str, str] | None:
        """Reason and first words for why nothing may be changed, or None."""
        ...


C = TypeVar("C", bound=Walkable)


@dataclass(frozen=True, kw_only=True)
class Step(Generic[C]):
    """One step: the condition it stands behind, its decision and how long it may take."""

    condition: str
    decide: Callable[[C], Result]
    deadline: timedelta


@dataclass(frozen=True, kw_only=True)
class StepRef:
    """A step without its decision: all that reports need."""

    condition: str
    deadline: timedelta


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The steps that are done, and the one that is not (None when all are)."""

    done: tuple[tuple[str, Done], ...]
    step: StepRef | None
    result: Result

    @property
    def finished(self) -> tuple[str, ...]:
        """Conditions with no step left to do: those of a teardown all stand behind one."""
        present = self.step.condition if self.step else ""
        return tuple(name for name, _ in self.done if name != present)


def walk(steps: Sequence[Step[C]], case: C) -> Verdict:
    """Ask each step in order until one is not done."""
    done: list[tuple[str, Done]] = []
    for step in steps:
        result = step.decide(case)
        if not isinstance(result, Done):
            present = StepRef(condition=step.condition, deadline=step.deadline)
            allowed = _allowed(case, step.condition, result)
            return Verdict(done=tuple(done), step=present, result=allowed)
        done.append((step.condition, result))
    return Verdict(done=tuple(done), step=None, result=Done())


def _allowed(case: Walkable, condition: str, result: Result) -> Result:
    match result:
        case Do(message=message) | Retry(message=message) if case.hands_off is not None:
            reason, words = case.hands_off
            return Stop(reason, f"{words} {message}")
        case Do() | Look():
            return _held_back(case, case.troubles.get(condition)) or result
        case _:
            return result


def _held_back(case: Walkable, trouble: Trouble | None) -> Wait | Stop | None:
    if trouble is None or trouble.retry_at <= case.now:
        return None
    after = (trouble.retry_at - case.now).total_seconds()
    if trouble.person_needed:
        return Stop(trouble.reason, trouble.message, after)
    return Wait(trouble.reason, trouble.message, after)
