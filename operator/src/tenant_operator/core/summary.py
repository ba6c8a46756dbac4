"""From a verdict to the status: conditions, their times and the fields people look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from tenant_operator.api.conditions import READY, REASONS, RECONCILING, STALLED
from tenant_operator.api.fields import Condition
from tenant_operator.core.durations import spoken
from tenant_operator.core.results import Do, Done, Look, Result, Retry, Stop, Wait
from tenant_operator.core.step import StepRef, Verdict

Truth = Literal["True", "False", "Unknown"]
MESSAGE_LIMIT = 1024


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that conditions are made from."""

    verdict: Verdict
    steps: Sequence[str]
    generation: int
    now: datetime
    since: datetime
    """When the present step became the present one."""
    previous: Sequence[Condition]
    trouble: tuple[str, str, bool] | None = None
    """Reason, message and whether a person is needed, of an effect that failed in this pass."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the present step comes down to."""

    reason: str
    message: str
    stalled: bool


def conditions(report: Report) -> list[Condition]:
    """The complete list, with times kept where a status has not changed."""
    outcome = present(report)
    old = {condition.type: condition for condition in report.previous}
    return [
        _condition(report, old, kind, state)
        for kind, state in {**_sums(outcome), **_step_states(report, outcome)}.items()
    ]


def present(report: Report) -> Outcome:
    """Reason and message of the present step, with its deadline taken into account."""
    step = report.verdict.step
    if step is None:
        return Outcome(reason="AllStepsDone", message=_last_message(report), stalled=False)
    reason, message, stalled = report.trouble or _words(report.verdict.result, step)
    late = report.now - report.since
    if not stalled and late > step.deadline and reason != "RateLimited":
        help_ = REASONS[reason].help
        advice = f" What helps: {help_}" if help_ else ""
        return Outcome(
            reason="DeadlineExceeded",
            message=f"{step.condition} has taken {spoken(late)} (limit {spoken(step.deadline)}); "
            f"{reason}: {message}{advice}",
            stalled=True,
        )
    return Outcome(reason=reason, message=message, stalled=stalled)


def _words(result: Result, step: StepRef) -> tuple[str, str, bool]:
    match result:
        case Do(reason=reason, message=message) | Wait(reason=reason, message=message):
            return reason, message, False
        case Stop(reason=reason, message=message):
            return reason, message, True
        case Retry(reason=reason, message=message, person_needed=person):
            return reason, message, person
        case Look(subject=subject):
            return "Looking", f"Looking at: {subject}.", False
        case Done():
            return "Succeeded", f"{step.condition} is done.", False


def _last_message(report: Report) -> str:
    return report.verdict.done[-1][1].message if report.verdict.done else ""


def _sums(outcome: Outcome) -> dict[str, tuple[Truth, str, str]]:
    if outcome.reason == "AllStepsDone":
        return {
            READY: ("True", outcome.reason, outcome.message),
            RECONCILING: ("False", "Idle", ""),
            STALLED: ("False", "NoObstacle", ""),
        }
    working: Truth = "False" if outcome.stalled else "True"
    stalled: Truth = "True" if outcome.stalled else "False"
    return {
        READY: ("False", outcome.reason, outcome.message),
        RECONCILING: (working, outcome.reason, outcome.message),
        STALLED: (
            (stalled, outcome.reason, outcome.message)
            if outcome.stalled
            else (stalled, "NoObstacle", "")
        ),
    }


def _step_states(report: Report, outcome: Outcome) -> dict[str, tuple[Truth, str, str]]:
    states: dict[str, tuple[Truth, str, str]] = {}
    for name, result in report.verdict.done:
        states[name] = ("True", "Succeeded", result.message)
    present_step = report.verdict.step
    if present_step is None:
        return states
    states[present_step.condition] = ("False", outcome.reason, outcome.message)
    waits = f"Waits for {present_step.condition}."
    for name in report.steps:
        states.setdefault(name, ("Unknown", "NotReached", waits))
    return states


def _condition(
    report: Report,
    old: Mapping[str, Condition],
    kind: str,
    state: tuple[Truth, str, str],
) -> Condition:
    status, reason, message = state
    before = old.get(kind)
    kept = before is not None and before.status == status
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:MESSAGE_LIMIT],
        observed_generation=report.generation,
        last_transition_time=before.last_transition_time
        if kept and before is not None
        else timestamp(report.now),
    )


def timestamp(moment: datetime) -> str:
    """A time the way Kubernetes writes it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The time that Kubernetes wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def since(
    step: StepRef | None, previous: Sequence[Condition], *, started: Mapping[str, datetime]
) -> datetime | None:
    """When a step became the present one: from memory, else from its condition."""
    if step is None:
        return None
    if step.condition in started:
        return started[step.condition]
    for condition in previous:
        if condition.type == step.condition and condition.status == "False":
            return moment(condition.last_transition_time)
    return None
