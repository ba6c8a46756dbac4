"""The loop of a fleet: Secrets, clients, shared things, sweeps, and the view its tenants get."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from tenant_operator.account import Account, CloudLogin, DnsLogin
from tenant_operator.api.fleet import FleetImage, FleetSpec, FleetStatus, FleetTenants
from tenant_operator.app import App
from tenant_operator.cluster.client import Conflict, KubernetesError, NotFound
from tenant_operator.cluster.objects import add_finalizer, object_path
from tenant_operator.core.baking import fresh_snapshot
from tenant_operator.core.case import UNKNOWN, FleetView, Seen
from tenant_operator.core.faults import Obstacle, ProviderError
from tenant_operator.core.fleet_case import BakeKeys, FleetCase, FleetSecrets, FleetWorld
from tenant_operator.core.fleet_steps import FLEET_STEPS, FLEET_TEARDOWN, PROFILE
from tenant_operator.core.names import NAMESPACE, TENANT_UID
from tenant_operator.core.results import (
    Do,
    Done,
    Look,
    RemoveFinalizer,
    Retry,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.step import StepRef, Trouble, Verdict, walk
from tenant_operator.core.summary import Report, conditions, present, since
from tenant_operator.core.trouble import trouble
from tenant_operator.core.world import Firewall, Image, ServerType, SshKey, Volume
from tenant_operator.fleet_scope import FleetScope, act_fleet, look_fleet
from tenant_operator.host.port import HostError
from tenant_operator.log import logger
from tenant_operator.memory import Memory
from tenant_operator.metrics import BUDGET_LEFT, EFFECTS, INVENTORY_AGE, ORPHANS
from tenant_operator.mishap import Mishap, mishap_trouble
from tenant_operator.rendering import bake_job, bake_user_data
from tenant_operator.reporting import tell, write_status
from tenant_operator.secret_store import SecretStore
from tenant_operator.store import Key, Stored, read
from tenant_operator.workqueue import Lane

log = logger(__name__)
LOOKS_PER_PASS: Final = 16
CONDITION_NAMES: Final = tuple(step.condition for step in FLEET_STEPS)


async def reconcile_fleet(app: App, key: Key) -> None:
    """One pass for one Fleet."""
    stored = app.store.get(key)
    if stored is None or (stored.deleting and not stored.held):
        return
    try:
        if not stored.held:
            stored = read(
                "fleet",
                await app.kubernetes.json_patch(object_path(key), add_finalizer(stored)),
            )
            app.store.put(stored)
        await _pass(app, stored)
    except (Conflict, NotFound):
        app.queue.add_after(key, 0.2, Lane.USER)


async def _pass(app: App, stored: Stored) -> None:
    memory = app.memory(stored.uid)
    try:
        spec = FleetSpec.model_validate(stored.spec)
    except ValidationError as error:
        await _report(app, stored, _invalid(error), None)
        return
    secrets = await SecretStore(app.kubernetes).of_fleet(stored.key.namespace, spec)
    memory.new_wish((*stored.wish, spec, secrets))
    memory.expire(app.clock(), timedelta(days=1))
    account = await _account(app, stored, spec, secrets)
    if account is None:
        await _without_account(app, stored, spec, secrets)
        return
    scope = FleetScope(
        app=app,
        stored=stored,
        spec=spec,
        identity=account.identity,
        memory=memory,
        account=account,
    )
    _forget(scope)
    await _sweep(scope)
    verdict, noted = await _decide_and_act(scope)
    result = verdict.result
    if noted is None and isinstance(result, Do) and isinstance(result.effect, RemoveFinalizer):
        return
    _publish_view(scope, verdict, noted)
    await _report(app, stored, verdict, noted)


def _invalid(error: ValidationError) -> Verdict:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    step = StepRef(condition="Accepted", deadline=timedelta(days=365))
    return Verdict(done=(), step=step, result=Stop("SpecInvalid", f"spec.{where}: {first['msg']}"))


async def _without_account(
    app: App, stored: Stored, spec: FleetSpec, secrets: FleetSecrets
) -> None:
    """No token, no requests: say what is missing, and tell the tenants."""
    case = FleetCase(
        identity=app.identity(stored),
        spec=spec,
        now=app.clock(),
        deleting=stored.deleting,
        tenants=_tenants(app, stored),
        world=FleetWorld(secrets=secrets),
    )
    verdict = walk(FLEET_TEARDOWN if stored.deleting else FLEET_STEPS, case)
    held = app.accounts.get(stored.key)
    if held is not None and held.view is not None:
        fault = ("SecretNotFound", secrets.fault)
        _take_view(app, stored, held, replace(held.view, fault=fault))
    await _report(app, stored, verdict, None)


# -- the account ---------------------------------------------------------------------------------
async def _account(
    app: App, stored: Stored, spec: FleetSpec, secrets: FleetSecrets
) -> Account | None:
    """The fleet's account, made anew when a token or endpoint has changed."""
    if secrets.fault:
        return None
    logins = _logins(spec, secrets)
    held = app.accounts.get(stored.key)
    if held is not None and held.logins == logins:
        held.secrets = secrets
        return held
    fresh = Account(
        identity=app.identity(stored),
        cloud=app.adapters.cloud(logins[0]),
        dns=app.adapters.dns(logins[1]),
        clock=app.clock,
        logins=logins,
        secrets=secrets,
    )
    app.accounts[stored.key] = fresh
    if held is not None:
        fresh.view, fresh.version = held.view, held.version + 1
        _wake_tenants(app, stored)
        await held.close()
    return fresh


def _wake_tenants(app: App, stored: Stored) -> None:
    for tenant in app.store.tenants_of(stored.key):
        app.queue.add(tenant.key, Lane.USER)


def _logins(spec: FleetSpec, secrets: FleetSecrets) -> tuple[CloudLogin, DnsLogin]:
    return (
        CloudLogin(
            provider=spec.infrastructure.provider,
            endpoint=spec.infrastructure.endpoint,
            token=secrets.cloud_token,
        ),
        DnsLogin(
            provider=spec.dns.provider,
            endpoint=spec.dns.endpoint or "",
            zone=spec.dns.zone,
            token=secrets.dns_token,
        ),
    )


# -- sweeping ------------------------------------------------------------------------------------
async def _sweep(scope: FleetScope) -> None:
    """Read what is due; a failure is noted where the credentials step will find it."""
    account, settings = scope.account, scope.app.settings
    if account.slow_swept is None or account.inventory.records_swept is None:
        return
    changed: set[str] = set()
    try:
        if scope.app.clock() - account.slow_swept >= timedelta(seconds=settings.slow_sweep_seconds):
            changed |= await account.sweep_slow()
            await _delete_expired(scope)
        if account.sweep_due(timedelta(seconds=settings.sweep_seconds)) <= timedelta(0):
            changed |= await account.sweep_fast()
    except ProviderError as error:
        _sweep_failed(scope, error)
    for tenant in scope.app.store.tenants_of(scope.stored.key):
        if tenant.uid in changed:
            scope.app.queue.add(tenant.key, Lane.URGENT)
    _count(scope)


def _sweep_failed(scope: FleetScope, error: ProviderError) -> None:
    attempt = scope.memory.attempt("CredentialsReady", scope.app.clock(), scope.app.spread())
    noted = trouble(error, attempt)
    log.warning("a sweep failed", fleet=scope.identity.key, reason=noted.reason, cause=str(error))
    if noted.person_needed:
        scope.memory.troubles["CredentialsReady"] = noted
        scope.account.catalogue = UNKNOWN


async def _delete_expired(scope: FleetScope) -> None:
    """Volumes of deleted tenants whose time is over, and what was kept with them."""
    account, now = scope.account, scope.app.clock()
    for volume in account.inventory.expired(now):
        uid = volume.labels[TENANT_UID]
        if scope.app.store.knows_tenant(uid):
            continue
        if await _taken_over(scope, volume):
            continue
        await scope.call("delete_volume", _deleting(account, volume.id))
        account.inventory.volumes.drop(uid)
        namespace = volume.labels.get(NAMESPACE, scope.stored.key.namespace)
        await scope.secrets.unbury(namespace, uid)
        message = f"The volume {volume.name} was kept long enough and is deleted."
        await tell(scope.app, scope.stored, "DeletingVolume", message, warning=False)


async def _taken_over(scope: FleetScope, listed: Volume) -> bool:
    """Whether somebody took the volume over since it was listed."""
    found: Volume | None = await scope.call(
        "get_volume", lambda: scope.account.cloud.get_volume(listed.id)
    )
    return found is not None and found.labels != listed.labels


def _deleting(account: Account, volume_id: int) -> Callable[[], Awaitable[None]]:
    return lambda: account.cloud.delete_volume(volume_id)


def _count(scope: FleetScope) -> None:
    name, account = scope.identity.key, scope.account
    budget = account.cloud.budget()
    if budget is not None:
        BUDGET_LEFT.labels(name).set(budget.remaining)
    if account.inventory.records_swept is not None:
        INVENTORY_AGE.labels(name).set(account.inventory.records_swept.timestamp())
    ORPHANS.labels(name).set(len(account.inventory.orphans(scope.app.store.knows_tenant)))


# -- deciding ------------------------------------------------------------------------------------
def _forget(scope: FleetScope) -> None:
    subjects, scope.memory.refresh = scope.memory.refresh, set()
    account = scope.account
    if Subject.HOST in subjects:
        account.bake_host = UNKNOWN
    if Subject.SERVER in subjects:
        account.bake_server = UNKNOWN
    if Subject.SNAPSHOTS in subjects:
        account.snapshots = UNKNOWN
    if Subject.CATALOGUE in subjects:
        account.catalogue = UNKNOWN
    if Subject.FIREWALL in subjects:
        account.firewall = UNKNOWN
    if Subject.SSH_KEY in subjects:
        account.ssh_key = UNKNOWN


def make_fleet_case(scope: FleetScope) -> FleetCase:
    """What the steps see."""
    account = scope.account
    return FleetCase(
        identity=scope.identity,
        spec=scope.spec,
        now=scope.app.clock(),
        deleting=scope.stored.deleting,
        tenants=_tenants(scope.app, scope.stored),
        world=replace(
            account.world(),
            actions=scope.memory.actions,
            sold_out=frozenset(scope.memory.sold_out),
        ),
        bake=bake_job(scope.spec, account.secrets),
        user_data=_user_data(scope),
        troubles=scope.memory.troubles,
    )


def _user_data(scope: FleetScope) -> str:
    keys = scope.account.bake_keys
    return bake_user_data(scope.identity, scope.spec, keys) if isinstance(keys, BakeKeys) else ""


def _tenants(app: App, stored: Stored) -> tuple[str, ...]:
    return tuple(tenant.key.name for tenant in app.store.tenants_of(stored.key))


async def _decide_and_act(scope: FleetScope) -> tuple[Verdict, Trouble | None]:
    steps = FLEET_TEARDOWN if scope.stored.deleting else FLEET_STEPS
    verdict = walk(steps, make_fleet_case(scope))
    for _ in range(LOOKS_PER_PASS):
        if not isinstance(verdict.result, Look):
            break
        try:
            await look_fleet(scope, verdict.result.subject)
        except (ProviderError, Obstacle, KubernetesError) as error:
            return verdict, _note(scope, verdict, error)
        verdict = walk(steps, make_fleet_case(scope))
    return await _carry_out(scope, verdict)


async def _carry_out(scope: FleetScope, verdict: Verdict) -> tuple[Verdict, Trouble | None]:
    result, memory = verdict.result, scope.memory
    if isinstance(result, Retry) and verdict.step is not None:
        condition = verdict.step.condition
        now, spread = scope.app.clock(), scope.app.spread()
        if not memory.may_retry(condition, result, now=now, spread=spread):
            return verdict, memory.troubles[condition]
    if not isinstance(result, Do | Retry):
        return verdict, None
    name = type(result.effect).__name__
    log.info("acting", fleet=scope.identity.key, effect=name, why=result.message)
    try:
        await act_fleet(scope, result.effect)
    except (ProviderError, Obstacle, KubernetesError, HostError) as error:
        EFFECTS.labels(name, type(error).__name__).inc()
        return verdict, _note(scope, verdict, error)
    EFFECTS.labels(name, "ok").inc()
    await tell(scope.app, scope.stored, result.reason, result.message, warning=False)
    return verdict, None


def _note(
    scope: FleetScope,
    verdict: Verdict,
    error: Mishap,
) -> Trouble:
    condition = verdict.step.condition if verdict.step else ""
    attempt = scope.memory.attempt(condition, scope.app.clock(), scope.app.spread())
    noted = mishap_trouble(error, attempt)
    scope.memory.troubles[condition] = noted
    log.warning(
        "a step could not go on",
        fleet=scope.identity.key,
        condition=condition,
        reason=noted.reason,
        cause=noted.message,
    )
    return noted


# -- what tenants see ----------------------------------------------------------------------------
def _publish_view(scope: FleetScope, verdict: Verdict, noted: Trouble | None) -> None:
    account, old = scope.account, scope.account.view
    view = FleetView(
        identity=scope.identity,
        spec=scope.spec,
        fault=_fault(verdict, noted),
        catalogue=_catalogue(account),
        firewall_id=_id(account.firewall, old.firewall_id if old else None),
        ssh_key_id=_id(account.ssh_key, old.ssh_key_id if old else None),
        snapshot=_snapshot(scope, old),
        registry=account.secrets.registry,
        operator_networks=tuple(scope.app.settings.egress_networks),
    )
    _take_view(scope.app, scope.stored, account, view)


def _take_view(app: App, stored: Stored, account: Account, view: FleetView) -> None:
    if account.view == view:
        return
    account.view = view
    account.version += 1
    _wake_tenants(app, stored)


def _fault(verdict: Verdict, noted: Trouble | None) -> tuple[str, str] | None:
    if verdict.step is None or verdict.step.condition not in PROFILE:
        return None
    if noted is not None and noted.person_needed:
        return noted.reason, noted.message
    if isinstance(verdict.result, Stop):
        return verdict.result.reason, verdict.result.message
    return None


def _catalogue(account: Account) -> tuple[ServerType, ...]:
    if account.catalogue is not UNKNOWN:
        return account.catalogue
    return account.view.catalogue if account.view else ()


def _id(thing: Seen[Firewall] | Seen[SshKey], before: int | None) -> int | None:
    """The id of a shared thing; while it is being looked at again, the id of before."""
    if isinstance(thing, Firewall | SshKey):
        return thing.id
    return before if thing is UNKNOWN else None


def _snapshot(scope: FleetScope, old: FleetView | None) -> Image | None:
    snapshots = scope.account.snapshots
    if not scope.spec.infrastructure.bake:
        return None
    if snapshots is UNKNOWN:
        return old.snapshot if old else None
    found = fresh_snapshot(snapshots, bake_job(scope.spec, scope.account.secrets))
    return found if found is not None and found.status == "available" else None


# -- reporting -----------------------------------------------------------------------------------
async def _report(app: App, stored: Stored, verdict: Verdict, noted: Trouble | None) -> None:
    now, memory = app.clock(), app.memory(stored.uid)
    previous = FleetStatus.model_validate(stored.status)
    for name in verdict.finished:
        memory.succeeded(name)
        memory.started.pop(name, None)
    began = since(verdict.step, previous.conditions, started=memory.started) or now
    if verdict.step is not None:
        memory.started.setdefault(verdict.step.condition, began)
    report = Report(
        verdict=verdict,
        steps=("TornDown",) if stored.deleting else CONDITION_NAMES,
        generation=stored.generation,
        now=now,
        since=began,
        previous=previous.conditions,
        trouble=(noted.reason, noted.message, noted.person_needed) if noted else None,
    )
    status = _status(app, stored, report)
    if await write_status(app, stored, status.model_dump(by_alias=True, exclude_none=True)):
        outcome = present(report)
        if outcome.stalled:
            await tell(app, stored, outcome.reason, outcome.message, warning=True)
        if status.orphans > previous.orphans:
            await _tell_orphans(app, stored)
    _schedule(app, stored, verdict, noted)


async def _tell_orphans(app: App, stored: Stored) -> None:
    names = app.accounts[stored.key].inventory.orphans(app.store.knows_tenant)
    message = (
        f"Made by this installation for Tenants that are unknown, and left untouched: "
        f"{', '.join(names[:10])}{' …' if len(names) > 10 else ''}. Delete what nobody needs."
    )
    await tell(app, stored, "OrphansFound", message, warning=True)


def _status(app: App, stored: Stored, report: Report) -> FleetStatus:
    account = app.accounts.get(stored.key)
    view = account.view if account else None
    snapshot = view.snapshot if view else None
    tenants = app.store.tenants_of(stored.key)
    orphans = account.inventory.orphans(app.store.knows_tenant) if account else []
    return FleetStatus(
        observed_generation=stored.generation,
        conditions=conditions(report),
        tenants=FleetTenants(total=len(tenants), ready=sum(map(_is_ready, tenants))),
        image=FleetImage(id=snapshot.id, digest=_digest(snapshot)) if snapshot else None,
        firewall=view.firewall_id if view else None,
        orphans=len(orphans),
    )


def _digest(snapshot: Image) -> str:
    return snapshot.labels.get("blueagency.io/bake-digest", "")


def _is_ready(tenant: Stored) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in tenant.status.get("conditions", ())
    )


REFRESH: Final[dict[str, tuple[Subject, ...]]] = {
    "CredentialsReady": (Subject.CATALOGUE,),
    "SshKeyReady": (Subject.SSH_KEY,),
    "FirewallReady": (Subject.FIREWALL,),
    "ImageReady": (Subject.SNAPSHOTS, Subject.SERVER, Subject.HOST),
}


def _schedule(app: App, stored: Stored, verdict: Verdict, noted: Trouble | None) -> None:
    memory, key, settings = app.memory(stored.uid), stored.key, app.settings
    routine = min(settings.secret_seconds, settings.sweep_seconds)
    if noted is not None:
        wait = max(0.0, (noted.retry_at - app.clock()).total_seconds())
        if noted.person_needed and verdict.step is not None:
            memory.refresh.update(REFRESH.get(verdict.step.condition, ()))
        app.queue.add_after(key, min(wait, routine), Lane.USER)
        return
    match verdict.result:
        case Do() | Retry() | Look():
            app.queue.add(key, Lane.USER)
        case Wait(after=after, subjects=subjects):
            memory.refresh.update(subjects)
            app.queue.add_after(key, min(after, routine), Lane.USER)
        case Stop(after=after):
            if verdict.step is not None and memory.look_again(app.clock(), after):
                memory.refresh.update(REFRESH.get(verdict.step.condition, ()))
            app.queue.add_after(key, min(after, routine), Lane.BACKGROUND)
        case Done():
            app.queue.add_after(key, routine, Lane.BACKGROUND)


async def forget_fleet(app: App, stored: Stored) -> None:
    """A Fleet is gone: let go of its clients and of what was remembered."""
    account = app.accounts.pop(stored.key, None)
    if account is not None:
        await account.close()
    memory = app.memories.pop(stored.uid, Memory())
    await memory.hang_up()
    app.queue.drop(stored.key)
