"""The loop of a tenant: observe, decide, act at most once, report once.

A pass holds a worker for milliseconds, except while it talks to a machine. Whatever it could not
finish comes back through the queue: after a pause, or when the provider's action ends. A pass
never trusts what an earlier one meant to do; it looks, or it knows from the answer it got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from tenant_operator.acting import act, failed_action
from tenant_operator.api.fields import Condition
from tenant_operator.api.tenant import ServerStatus, TenantSpec, TenantStatus, VolumeStatus
from tenant_operator.app import App
from tenant_operator.cluster.client import Conflict, KubernetesError, NotFound
from tenant_operator.cluster.objects import add_finalizer, object_path
from tenant_operator.core.case import (
    UNKNOWN,
    Case,
    Earlier,
    FleetView,
    TenantKeys,
    TenantWorld,
)
from tenant_operator.core.faults import Obstacle, ProviderError
from tenant_operator.core.host_steps import public_url
from tenant_operator.core.placement import holds_data
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
from tenant_operator.core.step import StepRef, Trouble, Verdict, walk
from tenant_operator.core.steps import STEPS
from tenant_operator.core.summary import Report, conditions, since
from tenant_operator.core.teardown import TEARDOWN
from tenant_operator.core.world import HostFacts, Server, Volume
from tenant_operator.host.port import HostError
from tenant_operator.log import logger
from tenant_operator.looking import TenantScope, look, settle_doubts
from tenant_operator.metrics import EFFECTS, STEP_SECONDS, TIME_TO_READY
from tenant_operator.mishap import Mishap, mishap_trouble
from tenant_operator.rendering import TenantSecrets, recipes
from tenant_operator.reporting import tell, write_status
from tenant_operator.store import Key, Stored, fleet_name_of, read
from tenant_operator.workqueue import Lane

log = logger(__name__)
LOOKS_PER_PASS: Final = 16
CONDITION_NAMES: Final = tuple(step.condition for step in STEPS)
REFRESH: Final[dict[str, tuple[Subject, ...]]] = {
    "Accepted": (Subject.MODEL_KEY, Subject.RETAINED),
    "KeysReady": (Subject.KEYS,),
    "AddressReady": (Subject.ADDRESS,),
    "VolumeReady": (Subject.VOLUME,),
    "ServerReady": (Subject.SERVER,),
    "DNSReady": (Subject.RECORDS,),
    "Reachable": (Subject.HOST,),
    "Hardened": (Subject.HOST,),
    "DataDiskMounted": (Subject.HOST,),
    "StackDeployed": (Subject.HOST,),
    "CertificateReady": (Subject.OUTSIDE,),
    "Verified": (Subject.OUTSIDE,),
    "PlacedAsWanted": (Subject.SERVER,),
}
"""What a step that stopped looks at afresh before it decides again."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """How a pass went: its verdict, and the trouble that came up while carrying it out."""

    verdict: Verdict
    trouble: Trouble | None = None
    acted: Effect | None = None


async def reconcile_tenant(app: App, key: Key) -> None:
    """One pass for one Tenant."""
    stored = app.store.get(key)
    if stored is None:
        return
    if stored.deleting and not stored.held:
        return
    try:
        if not stored.held:
            stored = await _hold(app, stored)
        await _pass(_scope(app, stored))
    except (Conflict, NotFound) as error:
        log.debug("the object changed meanwhile", tenant=f"{key.namespace}/{key.name}")
        app.queue.add_after(key, 0.2, Lane.USER)
        del error


async def _hold(app: App, stored: Stored) -> Stored:
    body = await app.kubernetes.json_patch(object_path(stored.key), add_finalizer(stored))
    held = read("tenant", body)
    app.store.put(held)
    return held


def _scope(app: App, stored: Stored) -> TenantScope:
    fleet = Key("fleet", stored.key.namespace, fleet_name_of(stored))
    return TenantScope(
        app=app,
        stored=stored,
        identity=app.identity(stored),
        memory=app.memory(stored.uid),
        account=app.accounts.get(fleet),
    )


async def _pass(scope: TenantScope) -> None:
    app, memory = scope.app, scope.memory
    try:
        spec = TenantSpec.model_validate(scope.stored.spec)
    except ValidationError as error:
        await _report(scope, None, _invalid(error))
        return
    version = scope.account.version if scope.account else 0
    memory.new_wish((*scope.stored.wish, version, memory.model_key))
    memory.expire(
        app.clock(),
        timedelta(seconds=app.settings.look_seconds),
        secrets_every=timedelta(seconds=app.secret_pause()),
    )
    _forget(scope)
    if await _doubtful(scope):
        app.queue.add_after(scope.stored.key, 6, Lane.URGENT)
    done = await _decide_and_act(scope, spec)
    if isinstance(done.acted, RemoveFinalizer):
        return
    await _report(scope, spec, done)


def _invalid(error: ValidationError) -> Pass:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    step = StepRef(condition="Accepted", deadline=timedelta(days=365))
    result = Stop("SpecInvalid", f"spec.{where}: {first['msg']}")
    return Pass(verdict=Verdict(done=(), step=step, result=result))


def _forget(scope: TenantScope) -> None:
    subjects, scope.memory.refresh = scope.memory.refresh, set()
    scope.memory.forget(subjects)
    if scope.account is not None:
        for subject in subjects:
            scope.account.inventory.mistrust(subject, scope.identity.uid)


async def _doubtful(scope: TenantScope) -> bool:
    try:
        return await settle_doubts(scope)
    except ProviderError as error:
        log.warning("a doubt could not be settled", tenant=scope.identity.key, error=str(error))
        return True


async def _decide_and_act(scope: TenantScope, spec: TenantSpec) -> Pass:
    steps = TEARDOWN if scope.stored.deleting else STEPS
    verdict = walk(steps, make_case(scope, spec))
    for _ in range(LOOKS_PER_PASS):
        if not isinstance(verdict.result, Look):
            break
        try:
            await look(scope, verdict.result.subject)
        except (ProviderError, Obstacle, KubernetesError) as error:
            return Pass(verdict=verdict, trouble=_note(scope, verdict, error))
        verdict = walk(steps, make_case(scope, spec))
    return await _carry_out(scope, verdict)


async def _carry_out(scope: TenantScope, verdict: Verdict) -> Pass:
    result = _with_patience(scope, verdict.result)
    verdict = replace(verdict, result=result)
    if isinstance(result, Retry) and verdict.step is not None:
        now, spread = scope.app.clock(), scope.app.spread()
        if not scope.memory.may_retry(verdict.step.condition, result, now=now, spread=spread):
            return Pass(verdict=verdict, trouble=scope.memory.troubles[verdict.step.condition])
    if not isinstance(result, Do | Retry):
        return Pass(verdict=verdict)
    name = type(result.effect).__name__
    log.info("acting", tenant=scope.identity.key, effect=name, why=result.message)
    try:
        await act(scope, result.effect)
    except (ProviderError, Obstacle, KubernetesError, HostError) as error:
        EFFECTS.labels(name, type(error).__name__).inc()
        if isinstance(error, Conflict) and isinstance(result.effect, RemoveFinalizer):
            raise
        return Pass(verdict=verdict, trouble=_note(scope, verdict, error))
    EFFECTS.labels(name, "ok").inc()
    await tell(scope.app, scope.stored, result.reason, result.message, warning=False)
    return Pass(verdict=verdict, acted=result.effect)


def _with_patience(scope: TenantScope, result: Result) -> Result:
    """An effect on something whose last action failed is a retry, with growing pauses."""
    if not isinstance(result, Do):
        return result
    action = failed_action(scope, result.effect)
    if action is None:
        return result
    return Retry(
        result.effect,
        failure=str(action.id),
        reason="ActionFailed",
        message=f"{action.command} failed ({action.error_code}: {action.error_message}). "
        f"Next: {result.message}",
    )


def _note(
    scope: TenantScope,
    verdict: Verdict,
    error: Mishap,
) -> Trouble:
    condition = verdict.step.condition if verdict.step else ""
    attempt = scope.memory.attempt(condition, scope.app.clock(), scope.app.spread())
    noted = mishap_trouble(error, attempt)
    scope.memory.troubles[condition] = noted
    log.warning(
        "a step could not go on",
        tenant=scope.identity.key,
        condition=condition,
        reason=noted.reason,
        cause=noted.message,
    )
    return noted


def make_case(scope: TenantScope, spec: TenantSpec) -> Case:
    """What the steps see."""
    app, stored, memory = scope.app, scope.stored, scope.memory
    view = scope.account.view if scope.account else None
    secrets = TenantSecrets(
        keys=memory.keys if isinstance(memory.keys, TenantKeys) else None,
        model_key=None if memory.model_key is UNKNOWN else memory.model_key,
    )
    fleet = Key("fleet", stored.key.namespace, spec.fleet_ref.name)
    return Case(
        identity=scope.identity,
        spec=spec,
        now=app.clock(),
        fleet=view,
        fleet_exists=app.store.get(fleet) is not None,
        hostname_rival=app.store.rival(stored),
        deleting=stored.deleting,
        annotations=stored.annotations,
        world=_world(scope, nothing_made=app.store.get(fleet) is None),
        recipes=None if view is None else recipes(scope.identity, spec, view, secrets=secrets),
        memory=earlier(stored),
        troubles=memory.troubles,
    )


def _world(scope: TenantScope, *, nothing_made: bool) -> TenantWorld:
    memory, account, uid = scope.memory, scope.account, scope.identity.uid
    if account is None and nothing_made and not scope.stored.status.get("server"):
        return TenantWorld(
            address=None, volume=None, server=None, records=(), leftovers=(), keys=memory.keys
        )
    if account is None:
        return TenantWorld(keys=memory.keys)
    inventory = account.inventory
    return TenantWorld(
        address=inventory.addresses.get(uid),
        volume=inventory.volumes.get(uid),
        server=inventory.servers.get(uid),
        records=inventory.records_of(uid),
        keys=memory.keys,
        model_key=memory.fresh_model_key,
        host=memory.host,
        outside=memory.outside,
        leftovers=memory.leftovers,
        retained=memory.retained,
        actions=memory.actions,
        sold_out=frozenset(memory.sold_out),
        refused_types={kind: why for kind, (_, why) in memory.refused_types.items()},
    )


def earlier(stored: Stored) -> Earlier:
    """What the object's own status says; a brake, never a source of truth."""
    status = TenantStatus.model_validate(stored.status)
    ready = next((c for c in status.conditions if c.type == "Ready"), None)
    settled = ready is not None and (ready.status == "True" or ready.reason == "DriftFound")
    volume = status.volume
    return Earlier(
        was_ready=settled and ready is not None and ready.observed_generation == stored.generation,
        data_volume_id=volume.id if volume is not None and volume.holds_data else None,
        server_id=status.server.id if status.server else None,
    )


# -- reporting -----------------------------------------------------------------------------------
async def _report(scope: TenantScope, spec: TenantSpec | None, done: Pass) -> None:
    app, stored, now = scope.app, scope.stored, scope.app.clock()
    previous = TenantStatus.model_validate(stored.status)
    began = _bookkeeping(scope, done.verdict, previous.conditions, now)
    noted = done.trouble
    report = Report(
        verdict=done.verdict,
        steps=("TornDown",) if stored.deleting else CONDITION_NAMES,
        generation=stored.generation,
        now=now,
        since=began,
        previous=previous.conditions,
        trouble=(noted.reason, noted.message, noted.person_needed) if noted else None,
    )
    status = _status(scope, spec, previous, conditions(report))
    if await write_status(app, stored, status.model_dump(by_alias=True, exclude_none=True)):
        await _announce(scope, previous.conditions, status.conditions)
    await _schedule(scope, done, now)


def _bookkeeping(
    scope: TenantScope, verdict: Verdict, previous: Sequence[Condition], now: datetime
) -> datetime:
    memory = scope.memory
    for name in verdict.finished:
        memory.succeeded(name)
        started = memory.started.pop(name, None)
        if started is not None:
            STEP_SECONDS.labels(name).observe((now - started).total_seconds())
    began = since(verdict.step, previous, started=memory.started) or now
    if verdict.step is not None:
        memory.started.setdefault(verdict.step.condition, began)
    return began


def _status(
    scope: TenantScope,
    spec: TenantSpec | None,
    previous: TenantStatus,
    listed: list[Condition],
) -> TenantStatus:
    view = scope.account.view if scope.account else None
    world = _world(scope, nothing_made=False)
    facts = world.host.facts if world.host is not UNKNOWN else None
    return TenantStatus(
        observed_generation=scope.stored.generation,
        conditions=listed,
        server=_server_status(world, previous),
        volume=_volume_status(world, previous),
        url=_url(scope, spec, view) or previous.url,
        release=_release(facts) or previous.release,
    )


def _server_status(world: TenantWorld, previous: TenantStatus) -> ServerStatus | None:
    server = world.server
    if server is UNKNOWN:
        return previous.server
    if not isinstance(server, Server):
        return None
    return ServerStatus(
        id=server.id,
        name=server.name,
        type=server.type,
        location=server.location,
        ipv4=server.ipv4,
        ipv6=server.ipv6,
    )


def _volume_status(world: TenantWorld, previous: TenantStatus) -> VolumeStatus | None:
    volume = world.volume
    if isinstance(volume, Volume):
        return VolumeStatus(id=volume.id, size_gi_b=volume.size_gib, holds_data=holds_data(volume))
    lost = previous.volume
    if volume is UNKNOWN or (lost is not None and lost.holds_data):
        return lost
    return None


def _url(scope: TenantScope, spec: TenantSpec | None, view: FleetView | None) -> str | None:
    if spec is None or view is None:
        return None
    return public_url(make_case(scope, spec))


def _release(facts: HostFacts | None) -> str | None:
    return facts.release[:12] if facts is not None and facts.release else None


async def _announce(
    scope: TenantScope, before: Sequence[Condition], after: Sequence[Condition]
) -> None:
    old = {condition.type: condition for condition in before}
    new = {condition.type: condition for condition in after}
    stalled, ready = new["Stalled"], new["Ready"]
    if stalled.status == "True":
        await tell(scope.app, scope.stored, stalled.reason, stalled.message, warning=True)
    was_ready = "Ready" in old and old["Ready"].status == "True"
    if ready.status == "True" and not was_ready:
        await tell(scope.app, scope.stored, "Ready", ready.message, warning=False)
        if "Ready" not in old or old["Ready"].last_transition_time <= _created(scope):
            TIME_TO_READY.observe((scope.app.clock() - scope.stored.created).total_seconds())


def _created(scope: TenantScope) -> str:
    moment = scope.stored.created + timedelta(seconds=5)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def _schedule(scope: TenantScope, done: Pass, now: datetime) -> None:
    app, memory, key = scope.app, scope.memory, scope.stored.key
    lane = Lane.URGENT if scope.stored.deleting else Lane.USER
    step = done.verdict.step
    if done.trouble is not None and step is not None:
        wait = max(0.0, (done.trouble.retry_at - now).total_seconds())
        app.queue.add_after(key, wait, lane)
        if done.trouble.person_needed:
            memory.refresh.update(REFRESH.get(step.condition, ()))
        return
    match done.verdict.result:
        case Do() | Retry() | Look():
            app.queue.add(key, lane)
        case Wait(after=after, subjects=subjects):
            memory.refresh.update(subjects)
            app.queue.add_after(key, after, lane)
        case Stop(after=after) if step is not None:
            memory.refresh.update(REFRESH.get(step.condition, ()))
            app.queue.add_after(key, after * app.spread(), Lane.BACKGROUND)
        case Done() | Stop():
            await memory.hang_up()
            app.queue.add_after(key, _rest(app), Lane.BACKGROUND)


def _rest(app: App) -> float:
    """Until a ready tenant is looked at again: its Secret often, its machine now and then."""
    look = app.settings.look_seconds * (0.9 + app.draw() / 10)
    return min(look, app.secret_pause() * (1 + app.draw() / 10))


def forget_tenant(app: App, stored: Stored) -> None:
    """A Tenant is gone: forget what was remembered of it."""
    app.memories.pop(stored.uid, None)
    app.queue.drop(stored.key)
    app.watch.forget(stored.key)
    for account in app.accounts.values():
        account.inventory.drop(stored.uid)
