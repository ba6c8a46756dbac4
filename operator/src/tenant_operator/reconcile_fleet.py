"""One pass for a Fleet: its Secrets, what its steps see, how it is reported.

The loop itself is `passing`; the clients and sweeps are `fleet_account`, what its tenants get to
see is `fleet_view`, looking and acting are `fleet_scope`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from tenant_operator.account import Account
from tenant_operator.api.fleet import (
    KEPT_LIMIT,
    FleetImage,
    FleetSpec,
    FleetStatus,
    FleetTenants,
    KeptVolume,
)
from tenant_operator.app import App
from tenant_operator.cluster.client import Conflict
from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.fleet_case import BakeKeys, FleetCase, FleetSecrets, FleetWorld
from tenant_operator.core.fleet_steps import FLEET_STEPS, FLEET_TEARDOWN
from tenant_operator.core.results import (
    Subject,
)
from tenant_operator.core.step import walk
from tenant_operator.core.summary import Report, conditions, present
from tenant_operator.core.world import Image
from tenant_operator.fleet_account import account_of, sweep
from tenant_operator.fleet_scope import FleetScope, act_fleet, look_fleet
from tenant_operator.fleet_tenants import know_tenants
from tenant_operator.fleet_view import publish_view, take_view
from tenant_operator.installation import of_another
from tenant_operator.memory import Memory
from tenant_operator.passing import (
    Life,
    Pass,
    Refresh,
    come_again,
    decide_and_act,
    held,
    invalid,
    report_of,
)
from tenant_operator.rendering import bake_job, bake_user_data
from tenant_operator.reporting import tell, write_status
from tenant_operator.scope import Scope
from tenant_operator.store import Key, Stored
from tenant_operator.workqueue import Lane

CONDITION_NAMES: Final = tuple(step.condition for step in FLEET_STEPS)
REFRESH: Final[Refresh] = {
    "CredentialsReady": (Subject.CATALOGUE,),
    "SshKeyReady": (Subject.SSH_KEY,),
    "FirewallReady": (Subject.FIREWALL,),
    "ImageReady": (Subject.SNAPSHOTS, Subject.SERVER, Subject.HOST),
    "TornDown": (Subject.VOLUME,),
}


async def reconcile_fleet(app: App, key: Key) -> None:
    """One pass for one Fleet. Raises NotFound when it does not exist any more."""
    stored = app.store.get(key)
    if stored is None or (stored.deleting and not stored.held):
        return
    try:
        await _pass(app, stored)
    except Conflict:
        app.queue.add_after(key, 0.2, Lane.USER)


async def _pass(app: App, stored: Stored) -> None:
    memory, identity = app.memory(stored.uid), app.identity(stored)
    bare = Scope(app=app, stored=stored, identity=identity, memory=memory)
    if halted := of_another(app, stored, stored):
        await _report(bare, halted)
        return
    try:
        spec = FleetSpec.model_validate(stored.spec)
    except ValidationError as error:
        await _report(bare, invalid(error))
        return
    await know_tenants(app, stored)
    secrets = await bare.secrets.of_fleet(stored.key.namespace, spec)
    if memory.new_wish((*stored.wish, spec, secrets)):
        memory.refresh.update((Subject.CATALOGUE, Subject.VOLUME))
    memory.expire(app.clock(), timedelta(days=1))
    account = await account_of(app, stored, spec, secrets)
    if account is None:
        await _report(bare, _without_account(bare, spec, secrets))
        return
    # Until its logins were accepted nothing was made, and nothing has to be taken down.
    if account.proved:
        stored = await held(app, stored)
    scope = FleetScope(
        app=app, stored=stored, spec=spec, identity=identity, memory=memory, account=account
    )
    _forget(scope)
    await sweep(scope)
    done = await decide_and_act(scope, LIFE)
    if not done.over:
        publish_view(scope, done)
        await _report(scope, done)


def _without_account(scope: Scope, spec: FleetSpec, secrets: FleetSecrets) -> Pass:
    """No token, no requests: say what is missing, and tell the tenants."""
    app, stored = scope.app, scope.stored
    case = FleetCase(
        identity=scope.identity,
        spec=spec,
        now=app.clock(),
        deleting=stored.deleting,
        tenants=_tenants(app, stored),
        world=FleetWorld(secrets=secrets),
    )
    known = app.accounts.get(stored.key)
    if known is not None and known.view is not None:
        fault = ("SecretNotFound", secrets.fault)
        take_view(scope, known, replace(known.view, fault=fault))
    return Pass(verdict=walk(FLEET_TEARDOWN if stored.deleting else FLEET_STEPS, case))


# -- deciding ------------------------------------------------------------------------------------
def _forget(scope: FleetScope) -> None:
    subjects, scope.memory.refresh = scope.memory.refresh, set()
    account = scope.account
    if Subject.HOST in subjects:
        account.bake_host = UNKNOWN
    if Subject.SERVER in subjects:
        account.bake_server = UNKNOWN
    if Subject.VOLUME in subjects:
        account.sweep_slow_soon()
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
        bake=bake_job(
            scope.spec, account.secrets, operator_networks=tuple(scope.app.settings.egress_networks)
        ),
        user_data=_user_data(scope),
        troubles=scope.memory.troubles,
    )


def _user_data(scope: FleetScope) -> str:
    keys = scope.account.bake_keys
    return bake_user_data(scope.identity, scope.spec, keys) if isinstance(keys, BakeKeys) else ""


def _tenants(app: App, stored: Stored) -> tuple[str, ...]:
    return tuple(tenant.key.name for tenant in app.store.tenants_of(stored.key))


# -- reporting -----------------------------------------------------------------------------------
async def _report(scope: Scope, done: Pass) -> None:
    app, stored = scope.app, scope.stored
    previous = FleetStatus.model_validate(stored.status)
    report = report_of(scope, CONDITION_NAMES, done, previous=previous.conditions)
    status = _status(app, stored, report, previous=previous)
    if await write_status(app, stored, status.model_dump(by_alias=True, exclude_none=True)):
        outcome = present(report)
        if outcome.stalled:
            await tell(app, stored, outcome.reason, outcome.message, warning=True)
        if status.orphans > previous.orphans:
            await _tell_orphans(app, stored)
    routine = min(app.settings.secret_seconds, app.settings.sweep_seconds)
    await come_again(scope, done, refresh=REFRESH, rest=routine, longest=routine)


async def _tell_orphans(app: App, stored: Stored) -> None:
    names = app.accounts[stored.key].inventory.orphans(app.store.uids("tenant"))
    message = (
        f"Made by this installation for Tenants that are unknown, and left untouched: "
        f"{', '.join(names[:10])}{' …' if len(names) > 10 else ''}. Delete what nobody needs."
    )
    await tell(app, stored, "OrphansFound", message, warning=True)


def _status(app: App, stored: Stored, report: Report, *, previous: FleetStatus) -> FleetStatus:
    installation = previous.installation or app.installation
    if installation != app.installation:
        changes = {"observed_generation": stored.generation, "conditions": conditions(report)}
        return previous.model_copy(update=changes)
    account = app.accounts.get(stored.key)
    view = account.view if account else None
    snapshot = view.snapshot if view else None
    tenants = app.store.tenants_of(stored.key)
    orphans = account.inventory.orphans(app.store.uids("tenant")) if account else []
    return FleetStatus(
        observed_generation=stored.generation,
        conditions=conditions(report),
        installation=installation,
        tenants=FleetTenants(total=len(tenants), ready=sum(map(_is_ready, tenants))),
        kept=_kept(account, stored),
        image=FleetImage(id=snapshot.id, digest=_digest(snapshot)) if snapshot else None,
        firewall=view.firewall_id if view else None,
        orphans=len(orphans),
    )


def _kept(account: Account | None, stored: Stored) -> list[KeptVolume]:
    if account is None:
        return FleetStatus.model_validate(stored.status).kept
    return sorted(account.kept.values(), key=lambda held: held.until)[:KEPT_LIMIT]


def _digest(snapshot: Image) -> str:
    return snapshot.labels.get("blueagency.io/bake-digest", "")


def _is_ready(tenant: Stored) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in tenant.status.get("conditions", ())
    )


async def forget_fleet(app: App, stored: Stored) -> None:
    """A Fleet is gone: let go of its clients and of what was remembered."""
    account = app.accounts.pop(stored.key, None)
    if account is not None:
        await account.close()
    memory = app.memories.pop(stored.uid, Memory())
    await memory.hang_up()
    app.queue.drop(stored.key)
    app.watch.forget(stored.key)


LIFE: Final = Life(
    steps=FLEET_STEPS,
    teardown=FLEET_TEARDOWN,
    case=make_fleet_case,
    look=look_fleet,
    act=act_fleet,
)
"""What the loop needs to know of fleets."""
