"""The loop of every kind of object: observe, decide, act at most once, report, come again.

A pass holds a worker for milliseconds, except while it talks to a machine. Whatever it could not
finish comes back through the queue: after a pause, or when the provider's action ends. A pass
never trusts what an earlier one meant to do; it looks, or it knows from the answer it got.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Final, Generic, TypeVar

from pydantic import ValidationError

from tenant_operator.api.fields import Condition
from tenant_operator.app import App
from tenant_operator.cluster.client import Conflict, KubernetesError
from tenant_operator.cluster.objects import add_finalizer, object_path
from tenant_operator.core.faults import Obstacle, ProviderError
from tenant_operator.core.results import (
    Do,
    Done,
    Effect,
    Look,
    RemoveFinalizer,
    Result,
    Retry,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.step import Step, StepRef, Trouble, Verdict, Walkable, walk
from tenant_operator.core.summary import Report, since
from tenant_operator.core.trouble import grown
from tenant_operator.host.port import HostError
from tenant_operator.log import logger
from tenant_operator.metrics import EFFECTS, STEP_SECONDS
from tenant_operator.mishap import Mishap, mishap_trouble
from tenant_operator.reporting import tell
from tenant_operator.scope import Scope
from tenant_operator.store import Stored, read
from tenant_operator.workqueue import Lane

S = TypeVar("S", bound=Scope)
C = TypeVar("C", bound=Walkable)
Refresh = Mapping[str, tuple[Subject, ...]]
"""What a step that stopped looks at afresh before it decides again."""
log = logger(__name__)
LOOKS_PER_PASS: Final = 16


@dataclass(frozen=True, kw_only=True)
class Life(Generic[S, C]):
    """What a kind of object brings along.

    Its steps and their end, what they see, how it looks and acts, and which effects are held back
    (`patience` makes a retry with growing pauses of them).
    """

    steps: Sequence[Step[C]]
    teardown: Sequence[Step[C]]
    case: Callable[[S], C]
    look: Callable[[S, Subject], Awaitable[None]]
    act: Callable[[S, Effect], Awaitable[None]]
    patience: Callable[[S, Result], Result] = lambda _, result: result


@dataclass(frozen=True, kw_only=True)
class Pass:
    """How a pass went: its verdict, and the trouble that came up while carrying it out."""

    verdict: Verdict
    trouble: Trouble | None = None
    acted: Effect | None = None

    @property
    def over(self) -> bool:
        """Whether the object is let go: nothing is left to report on."""
        return isinstance(self.acted, RemoveFinalizer)


async def held(app: App, stored: Stored) -> Stored:
    """The object with the operator's finalizer on it, which comes before anything is made for it.

    Raises Conflict, NotFound.
    """
    if stored.held:
        return stored
    body = await app.kubernetes.json_patch(object_path(stored.key), add_finalizer(stored))
    found = read(stored.key.kind, body)
    app.store.put(found)
    return found


def invalid(error: ValidationError) -> Pass:
    """A spec that an older or newer version of the resource let in."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    step = StepRef(condition="Accepted", deadline=timedelta(days=365))
    result = Stop("SpecInvalid", f"spec.{where}: {first['msg']}")
    return Pass(verdict=Verdict(done=(), step=step, result=result))


# -- deciding and acting -------------------------------------------------------------------------
async def decide_and_act(scope: S, life: Life[S, C]) -> Pass:
    """Walk the steps, look where they ask for it, carry out at most one effect."""
    steps = life.teardown if scope.stored.deleting else life.steps
    verdict = walk(steps, life.case(scope))
    for _ in range(LOOKS_PER_PASS):
        if not isinstance(verdict.result, Look):
            break
        try:
            await life.look(scope, verdict.result.subject)
        except (ProviderError, Obstacle, KubernetesError) as error:
            return Pass(verdict=verdict, trouble=_noted(scope, verdict, error))
        verdict = walk(steps, life.case(scope))
    result = life.patience(scope, verdict.result)
    return await _carried_out(scope, life, replace(verdict, result=result))


async def _carried_out(scope: S, life: Life[S, C], verdict: Verdict) -> Pass:
    result = verdict.result
    if isinstance(result, Retry) and verdict.step is not None:
        now, spread = scope.app.clock(), scope.app.spread()
        if not scope.memory.may_retry(verdict.step.condition, result, now=now, spread=spread):
            return Pass(verdict=verdict, trouble=scope.memory.troubles[verdict.step.condition])
    if not isinstance(result, Do | Retry):
        return Pass(verdict=verdict)
    scope.stored = await held(scope.app, scope.stored)
    name = type(result.effect).__name__
    log.info("acting", **scope.named, effect=name, why=result.message)
    try:
        await life.act(scope, result.effect)
    except (ProviderError, Obstacle, KubernetesError, HostError) as error:
        EFFECTS.labels(name, type(error).__name__).inc()
        if isinstance(error, Conflict) and isinstance(result.effect, RemoveFinalizer):
            raise
        return Pass(verdict=verdict, trouble=_noted(scope, verdict, error))
    EFFECTS.labels(name, "ok").inc()
    await tell(scope.app, scope.stored, result.reason, result.message, warning=False)
    return Pass(verdict=verdict, acted=result.effect)


def _noted(scope: Scope, verdict: Verdict, error: Mishap) -> Trouble:
    condition = verdict.step.condition if verdict.step else ""
    attempt = scope.memory.attempt(condition, scope.app.clock(), scope.app.spread())
    noted = mishap_trouble(error, attempt)
    scope.memory.troubles[condition] = noted
    log.warning(
        "a step could not go on",
        **scope.named,
        condition=condition,
        reason=noted.reason,
        cause=noted.message,
    )
    return noted


# -- reporting -----------------------------------------------------------------------------------
def report_of(
    scope: Scope, steps: Sequence[str], done: Pass, *, previous: Sequence[Condition]
) -> Report:
    """What conditions are made from; steps that are done are forgotten as troubles."""
    memory, now, noted = scope.memory, scope.app.clock(), done.trouble
    for name in done.verdict.finished:
        memory.succeeded(name)
        started = memory.started.pop(name, None)
        if started is not None:
            STEP_SECONDS.labels(name).observe((now - started).total_seconds())
    began = since(done.verdict.step, previous, started=memory.started) or now
    if done.verdict.step is not None:
        memory.started.setdefault(done.verdict.step.condition, began)
    return Report(
        verdict=done.verdict,
        steps=("TornDown",) if scope.stored.deleting else steps,
        generation=scope.stored.generation,
        now=now,
        since=began,
        previous=previous,
        trouble=(noted.reason, noted.message, noted.person_needed) if noted else None,
    )


def _pause(scope: Scope, step: StepRef | None, waiting: Wait) -> float:
    now = scope.app.clock()
    began = scope.memory.started.get(step.condition, now) if step else now
    return grown(waiting.after, longest=waiting.longest, waited=now - began)


async def come_again(
    scope: Scope, done: Pass, *, refresh: Refresh, rest: float, longest: float = inf
) -> None:
    """Enqueue the next pass: at once after an effect, otherwise when the result says.

    `rest` is the pause when all is done; `longest` cuts every pause.
    """
    app, memory, key = scope.app, scope.memory, scope.stored.key
    lane = Lane.URGENT if scope.stored.deleting else Lane.USER
    step = done.verdict.step
    stale = refresh.get(step.condition, ()) if step else ()
    if done.trouble is not None and step is not None:
        wait = max(0.0, (done.trouble.retry_at - app.clock()).total_seconds())
        failed = done.verdict.result
        asked = failed.subjects if isinstance(failed, Retry) else ()
        memory.refresh.update(stale if done.trouble.person_needed else asked)
        app.queue.add_after(key, min(wait, longest), lane)
        return
    match done.verdict.result:
        case Do() | Retry() | Look():
            app.queue.add(key, lane)
        case Wait(after=after, subjects=subjects) as waiting:
            memory.refresh.update(subjects)
            pause = _pause(scope, step, waiting)
            # What has waited for long must not hold up those whose turn is soon.
            patient = pause > after and not scope.stored.deleting
            app.queue.add_after(key, min(pause, longest), Lane.BACKGROUND if patient else lane)
        case Stop(after=after) if step is not None:
            if after <= longest or memory.look_again(app.clock(), after):
                memory.refresh.update(stale)
            app.queue.add_after(key, min(after * app.spread(), longest), Lane.BACKGROUND)
        case Done() | Stop():
            await memory.hang_up()
            app.queue.add_after(key, rest, Lane.BACKGROUND)
