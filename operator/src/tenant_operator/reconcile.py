"""One pass for a Tenant: what its steps see, how it is reported, when it comes again.

The loop itself is `passing`; looking is `looking`, acting is `acting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from tenant_operator.acting import act, failed_action
from tenant_operator.api.fields import Condition
from tenant_operator.api.tenant import ServerStatus, TenantSpec, TenantStatus, VolumeStatus
from tenant_operator.app import App
from tenant_operator.cluster.client import Conflict, KubernetesError, NotFound
from tenant_operator.cluster.objects import object_path
from tenant_operator.core.case import (
    UNKNOWN,
    Case,
    Earlier,
    FleetView,
    TenantKeys,
    TenantWorld,
)
from tenant_operator.core.faults import ProviderError
from tenant_operator.core.host_steps import public_url
from tenant_operator.core.placement import holds_data
from tenant_operator.core.results import (
    Do,
    Result,
    Retry,
    Subject,
)
from tenant_operator.core.steps import STEPS
from tenant_operator.core.summary import conditions
from tenant_operator.core.teardown import TEARDOWN
from tenant_operator.core.world import HostFacts, Server, Volume
from tenant_operator.hostname_claims import rival_of
from tenant_operator.installation import of_another
from tenant_operator.log import logger
from tenant_operator.looking import TenantScope, look, settle_doubts
from tenant_operator.memory import Memory
from tenant_operator.metrics import TIME_TO_READY
from tenant_operator.passing import (
    Life,
    Pass,
    Refresh,
    come_again,
    decide_and_act,
    invalid,
    report_of,
)
from tenant_operator.rendering import TenantSecrets, recipes
from tenant_operator.reporting import tell, write_status
from tenant_operator.store import Key, Stored, fleet_of
from tenant_operator.workqueue import Lane

log = logger(__name__)
LOOKS_PER_PASS: Final = 16
CONDITION_NAMES: Final = tuple(step.condition for step in STEPS)
REFRESH: Final[Refresh] = {
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
    "TornDown": (Subject.KEYS, Subject.VOLUME),
}


async def reconcile_tenant(app: App, key: Key) -> None:
    """One pass for one Tenant. Raises NotFound when it does not exist any more."""
    stored = app.store.get(key)
    if stored is None or (stored.deleting and not stored.held):
        return
    try:
        await _pass(_scope(app, stored))
    except Conflict:
        log.debug("the object changed meanwhile", tenant=f"{key.namespace}/{key.name}")
        app.queue.add_after(key, 0.2, Lane.USER)


def _scope(app: App, stored: Stored) -> TenantScope:
    return TenantScope(
        app=app,
        stored=stored,
        identity=app.identity(stored),
        memory=app.memory(stored.uid),
        account=app.accounts.get(fleet_of(stored)),
    )


async def _pass(scope: TenantScope) -> None:
    app, memory = scope.app, scope.memory
    fleet = app.store.get(fleet_of(scope.stored))
    if fleet is not None and (halted := of_another(app, fleet, scope.stored)):
        await _halt(scope, halted)
        return
    try:
        scope.spec = TenantSpec.model_validate(scope.stored.spec)
    except ValidationError as error:
        await _report(scope, invalid(error))
        return
    version = scope.account.version if scope.account else 0
    if memory.new_wish((*scope.stored.wish, version, memory.model_key)) and scope.stored.deleting:
        # What is kept must open again: the Secret is read anew before anything goes.
        memory.keys = UNKNOWN
    memory.expire(
        app.clock(),
        timedelta(seconds=app.settings.look_seconds),
        secrets_every=timedelta(seconds=app.secret_pause()),
    )
    _forget(scope)
    if await _doubtful(scope):
        app.queue.add_after(scope.stored.key, 6, Lane.URGENT)
    scope.nothing_made = await _nothing_made(scope)
    done = await decide_and_act(scope, LIFE)
    if not done.over:
        await _report(scope, done)


async def _halt(scope: TenantScope, halted: Pass) -> None:
    """Touch nothing. Who is ready stays so, and keeps the status that says what it has."""
    if earlier(scope.stored).was_ready and not scope.stored.deleting:
        await come_again(scope, halted, refresh=REFRESH, rest=_rest(scope.app))
    else:
        await _report(scope, halted)


async def _nothing_made(scope: TenantScope) -> bool:
    """Whether a tenant that is to go never had a fleet, or lost it before there was anything.

    The API server is asked: after a start a Fleet may be heard of later than its tenants.
    """
    stored = scope.stored
    if not stored.deleting or scope.account is not None:
        return False
    if any(stored.status.get(part) for part in ("server", "volume")):
        return False
    try:
        await scope.app.kubernetes.get(object_path(fleet_of(stored)))
    except NotFound:
        return True
    except KubernetesError as error:
        log.warning("whether the fleet exists is unknown", error=str(error))
    return False


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


def make_case(scope: TenantScope) -> Case:
    """What the steps see."""
    app, stored, memory, spec = scope.app, scope.stored, scope.memory, scope.wanted
    view = scope.account.view if scope.account else None
    secrets = TenantSecrets(
        keys=memory.keys if isinstance(memory.keys, TenantKeys) else None,
        model_key=None if memory.model_key is UNKNOWN else memory.model_key,
    )
    fleet = app.store.get(fleet_of(stored))
    world = _world(scope)
    machine = world.server.type if isinstance(world.server, Server) else ""
    return Case(
        identity=scope.identity,
        spec=spec,
        now=app.clock(),
        fleet=view,
        fleet_exists=fleet is not None,
        fleet_leaves=fleet is not None and fleet.deleting,
        other_fleets=frozenset(app.store.uids("fleet") - {view.identity.uid if view else ""}),
        hostname_rival=rival_of(app, stored),
        deleting=stored.deleting,
        annotations=stored.annotations,
        world=world,
        recipes=None
        if view is None
        else recipes(scope.identity, spec, view, secrets=secrets, machine=machine),
        memory=earlier(stored),
        troubles=memory.troubles,
    )


def _world(scope: TenantScope) -> TenantWorld:
    memory, account, uid = scope.memory, scope.account, scope.identity.uid
    if account is None and scope.nothing_made:
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
    return Earlier(
        was_ready=settled and ready is not None and ready.observed_generation == stored.generation,
        data_volume_id=data_volume_of(status),
        server_id=status.server.id if status.server else None,
    )


def data_volume_of(status: TenantStatus) -> int | None:
    """The volume that a status says holds data."""
    volume = status.volume
    return volume.id if volume is not None and volume.holds_data else None


# -- reporting -----------------------------------------------------------------------------------
async def _report(scope: TenantScope, done: Pass) -> None:
    app, stored = scope.app, scope.stored
    previous = TenantStatus.model_validate(stored.status)
    report = report_of(scope, CONDITION_NAMES, done, previous=previous.conditions)
    status = _status(scope, previous, conditions(report))
    if await write_status(app, stored, status.model_dump(by_alias=True, exclude_none=True)):
        await _announce(scope, previous.conditions, status.conditions)
    await come_again(scope, done, refresh=REFRESH, rest=_rest(app))


def _status(scope: TenantScope, previous: TenantStatus, listed: list[Condition]) -> TenantStatus:
    view = scope.account.view if scope.account else None
    world = _world(scope)
    facts = world.host.facts if world.host is not UNKNOWN else None
    return TenantStatus(
        observed_generation=scope.stored.generation,
        conditions=listed,
        server=_server_status(world, previous),
        volume=_volume_status(world, previous),
        url=_url(scope, view) or previous.url,
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
        known = data_volume_of(previous)
        return VolumeStatus(
            id=volume.id,
            size_gi_b=volume.size_gib,
            holds_data=holds_data(volume, known=known),
        )
    lost = previous.volume
    if volume is UNKNOWN or (lost is not None and lost.holds_data):
        return lost
    return None


def _url(scope: TenantScope, view: FleetView | None) -> str | None:
    if scope.spec is None or view is None:
        return None
    return public_url(make_case(scope))


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


def _rest(app: App) -> float:
    """Until a ready tenant is looked at again: its Secret often, its machine now and then."""
    look = app.settings.look_seconds * (0.9 + app.draw() / 10)
    return min(look, app.secret_pause() * (1 + app.draw() / 10))


async def forget_tenant(app: App, stored: Stored) -> None:
    """A Tenant is gone: hang up, and forget what was remembered of it."""
    await app.memories.pop(stored.uid, Memory()).hang_up()
    app.queue.drop(stored.key)
    app.watch.forget(stored.key)
    for account in app.accounts.values():
        account.inventory.drop(stored.uid)


LIFE: Final = Life(
    steps=STEPS,
    teardown=TEARDOWN,
    case=make_case,
    look=look,
    act=act,
    patience=_with_patience,
)
"""What the loop needs to know of tenants."""
