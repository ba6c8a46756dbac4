"""Acting: the one place where a tenant's effect becomes a request, a file or a write.

After a request whose outcome is not certain the thing it was about is mistrusted, so that the next
pass looks before it decides again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.faults import (
    LimitReached,
    Obstacle,
    OutOfStock,
    ProviderError,
    Refused,
    Taken,
)
from tenant_operator.core.names import ADOPTED_FROM
from tenant_operator.core.results import (
    AdoptVolume,
    AttachVolume,
    ChangeType,
    CreateAddress,
    CreateServer,
    CreateVolume,
    DeleteAddress,
    DeleteServer,
    DeleteVolume,
    DropKeys,
    Effect,
    ForgetKeys,
    InheritKeys,
    LabelVolume,
    MakeKeys,
    PowerOff,
    PowerOn,
    PublishRecord,
    ReleaseVolume,
    RemoveFinalizer,
    ResizeVolume,
    RetainVolume,
    SettleAdoption,
    ShutDown,
    StartJobs,
    Subject,
    WithdrawRecord,
)
from tenant_operator.core.server_type import SOLD_OUT
from tenant_operator.core.world import ActionRef, PrimaryIP, Server, Volume
from tenant_operator.log import logger
from tenant_operator.looking import TenantScope, connected
from tenant_operator.machine import start
from tenant_operator.memory import SOLD_OUT_FOR, TYPE_REFUSED_FOR
from tenant_operator.scope import let_go
from tenant_operator.workqueue import Lane

log = logger(__name__)
SUBJECTS: Final[Mapping[type[object], Subject]] = {
    CreateAddress: Subject.ADDRESS,
    DeleteAddress: Subject.ADDRESS,
    CreateVolume: Subject.VOLUME,
    ResizeVolume: Subject.VOLUME,
    AttachVolume: Subject.VOLUME,
    LabelVolume: Subject.VOLUME,
    RetainVolume: Subject.VOLUME,
    ReleaseVolume: Subject.VOLUME,
    AdoptVolume: Subject.VOLUME,
    SettleAdoption: Subject.VOLUME,
    DeleteVolume: Subject.VOLUME,
    CreateServer: Subject.SERVER,
    PowerOn: Subject.SERVER,
    ShutDown: Subject.SERVER,
    PowerOff: Subject.SERVER,
    ChangeType: Subject.SERVER,
    DeleteServer: Subject.SERVER,
    PublishRecord: Subject.RECORDS,
    WithdrawRecord: Subject.RECORDS,
}


async def act(scope: TenantScope, effect: Effect) -> None:
    """Carry out one effect. Raises ProviderError, Obstacle, KubernetesError, HostError, and
    NotLeading before anything has happened.
    """
    scope.app.insist_on_leading()
    if failed_action(scope, effect) is not None:
        del scope.memory.actions[SUBJECTS[type(effect)]]
    try:
        await _act(scope, effect)
    except ProviderError as error:
        _note_refusal(scope, effect, error)
        raise


def failed_action(scope: TenantScope, effect: Effect) -> ActionRef | None:
    """The provider's job that failed when the same thing was last changed."""
    subject = SUBJECTS.get(type(effect))
    action = None if subject is None else scope.memory.actions.get(subject)
    return action if action is not None and action.failed else None


def _note_refusal(scope: TenantScope, effect: Effect, error: ProviderError) -> None:
    subject = SUBJECTS.get(type(effect))
    if isinstance(effect, CreateServer) and isinstance(error, OutOfStock):
        place = (effect.spec.type, effect.spec.location)
        scope.memory.sold_out[place] = scope.app.clock() + SOLD_OUT_FOR
        return
    if isinstance(effect, PublishRecord) and isinstance(error, Taken):
        raise Obstacle(
            "NameConflict",
            f"{effect.record.hostname} ({effect.record.type}) exists in the zone and was not "
            "made for this Tenant. It is left untouched; remove it, or choose another host name.",
            person_needed=True,
        ) from error
    if subject is not None:
        scope.home.inventory.mistrust(subject, scope.identity.uid)


async def _act(scope: TenantScope, effect: Effect) -> None:
    hand = _HANDS.get(type(effect))
    if hand is None:
        raise Obstacle("InternalError", f"A tenant never asks for {type(effect).__name__}.")
    await hand(scope, effect)


# -- addresses -----------------------------------------------------------------------------------
async def _create_address(scope: TenantScope, effect: CreateAddress) -> None:
    account = scope.home
    made = await account.gate.call(
        "create_primary_ip",
        lambda: account.cloud.create_primary_ip(
            effect.name, location=effect.location, labels=effect.labels
        ),
        scope.purpose,
    )
    account.inventory.addresses.put(scope.identity.uid, made, scope.app.clock())


async def _delete_address(scope: TenantScope, effect: DeleteAddress) -> None:
    account = scope.home
    await account.gate.call(
        "delete_primary_ip", lambda: account.cloud.delete_primary_ip(effect.id), scope.purpose
    )
    account.inventory.addresses.put(scope.identity.uid, None, scope.app.clock())


# -- volumes -------------------------------------------------------------------------------------
async def _create_volume(scope: TenantScope, effect: CreateVolume) -> None:
    account = scope.home
    made = await account.gate.call(
        "create_volume", lambda: account.cloud.create_volume(effect.spec), scope.purpose
    )
    account.inventory.volumes.put(scope.identity.uid, made.value, scope.app.clock())
    for action in made.actions:
        follow(scope, Subject.VOLUME, action, lambda: change_volume(scope, status="available"))


async def _resize_volume(scope: TenantScope, effect: ResizeVolume) -> None:
    account = scope.home
    action = await account.gate.call(
        "resize_volume",
        lambda: account.cloud.resize_volume(effect.id, effect.size_gib),
        scope.purpose,
    )
    follow(scope, Subject.VOLUME, action, lambda: change_volume(scope, size_gib=effect.size_gib))


async def _attach_volume(scope: TenantScope, effect: AttachVolume) -> None:
    account = scope.home
    action = await account.gate.call(
        "attach_volume",
        lambda: account.cloud.attach_volume(effect.id, effect.server_id),
        scope.purpose,
    )
    follow(scope, Subject.VOLUME, action, lambda: change_volume(scope, server_id=effect.server_id))


async def _label_volume(
    scope: TenantScope, effect: LabelVolume | ReleaseVolume | RetainVolume
) -> None:
    account = scope.home
    held = await account.gate.call(
        "label_volume",
        lambda: account.cloud.label_volume(effect.id, effect.labels),
        scope.purpose,
    )
    account.inventory.volumes.put(scope.identity.uid, held, scope.app.clock())


async def _adopt_volume(scope: TenantScope, effect: AdoptVolume) -> None:
    account = scope.home
    held = await account.gate.call(
        "label_volume",
        lambda: account.cloud.label_volume(effect.id, effect.labels, name=effect.name),
        scope.purpose,
    )
    account.inventory.volumes.drop(effect.labels[ADOPTED_FROM])
    account.kept.pop(effect.labels[ADOPTED_FROM], None)
    account.inventory.volumes.put(scope.identity.uid, held, scope.app.clock())


async def _settle_adoption(scope: TenantScope, effect: SettleAdoption) -> None:
    await scope.secrets.unbury(scope.identity.namespace, effect.uid)
    await _label_volume(scope, LabelVolume(effect.id, effect.labels))


async def _retain_volume(scope: TenantScope, effect: RetainVolume) -> None:
    await scope.secrets.bury(scope.stored)
    await _label_volume(scope, effect)


async def _release_volume(scope: TenantScope, effect: ReleaseVolume) -> None:
    await scope.secrets.unbury(scope.identity.namespace, scope.identity.uid)
    await _label_volume(scope, effect)


async def _delete_volume(scope: TenantScope, effect: DeleteVolume) -> None:
    account = scope.home
    await account.gate.call(
        "delete_volume", lambda: account.cloud.delete_volume(effect.id), scope.purpose
    )
    account.inventory.volumes.put(scope.identity.uid, None, scope.app.clock())


def change_volume(scope: TenantScope, **changes: Any) -> None:
    """A finished action changed the volume; the change is known without asking."""
    shelf, uid = scope.home.inventory.volumes, scope.identity.uid
    held = shelf.get(uid)
    if isinstance(held, Volume):
        shelf.put(uid, replace(held, **changes), scope.app.clock())


# -- servers -------------------------------------------------------------------------------------
async def _create_server(scope: TenantScope, effect: CreateServer) -> None:
    account, uid, now = scope.home, scope.identity.uid, scope.app.clock()
    made = await account.gate.call(
        "create_server", lambda: account.cloud.create_server(effect.spec), scope.purpose
    )
    inventory = account.inventory
    inventory.servers.put(uid, made.value, now)
    scope.memory.actions.pop(Subject.SERVER, None)
    change_volume(scope, server_id=made.value.id)
    change_address(scope, server_id=made.value.id)
    scope.memory.forget((Subject.HOST, Subject.OUTSIDE))
    for action in made.actions:
        subject = Subject.VOLUME if action.command == "attach_volume" else Subject.SERVER
        follow(scope, subject, action, lambda: change_server(scope, status="running"), hold=False)


async def _power_on(scope: TenantScope, effect: PowerOn) -> None:
    account = scope.home
    action = await account.gate.call(
        "power_on", lambda: account.cloud.power_on(effect.id), scope.purpose
    )
    scope.memory.forget((Subject.HOST, Subject.OUTSIDE))
    change_server(scope, status="starting")
    follow(scope, Subject.SERVER, action, lambda: change_server(scope, status="running"))


async def _shut_down(scope: TenantScope, effect: ShutDown) -> None:
    """The signal's success says nothing: that it was sent, and when, is what is remembered."""
    account = scope.home
    await scope.memory.hang_up()
    action = await account.gate.call(
        "shutdown", lambda: account.cloud.shutdown(effect.id), scope.purpose
    )
    scope.memory.forget((Subject.HOST, Subject.OUTSIDE))
    if action is not None:
        sent = replace(action, status="success", sent=scope.app.clock())
        scope.memory.actions[Subject.SERVER] = sent
    account.inventory.mistrust(Subject.SERVER, scope.identity.uid)


async def _power_off(scope: TenantScope, effect: PowerOff) -> None:
    account = scope.home
    action = await account.gate.call(
        "power_off", lambda: account.cloud.power_off(effect.id), scope.purpose
    )
    follow(scope, Subject.SERVER, action, lambda: change_server(scope, status="off"))


async def _change_type(scope: TenantScope, effect: ChangeType) -> None:
    """Until it has succeeded the type counts as refused, so that the next one is tried."""
    account = scope.home
    _refuse_type(scope, effect, "its last try failed")
    try:
        action = await account.gate.call(
            "change_type", lambda: account.cloud.change_type(effect.id, effect.type), scope.purpose
        )
    except (OutOfStock, Refused, LimitReached) as error:
        why = f"{SOLD_OUT} ({error.message})" if isinstance(error, OutOfStock) else error.message
        _refuse_type(scope, effect, why)
        raise OutOfStock(error.message, code=error.code) from error
    except ProviderError:
        del scope.memory.refused_types[effect.type]
        raise
    follow(scope, Subject.SERVER, action, lambda: _type_changed(scope, effect))


def _type_changed(scope: TenantScope, effect: ChangeType) -> None:
    """Whether the provider has started the machine by itself must be looked at."""
    scope.memory.refused_types.pop(effect.type, None)
    change_server(scope, type=effect.type)
    scope.home.inventory.mistrust(Subject.SERVER, scope.identity.uid)


def _refuse_type(scope: TenantScope, effect: ChangeType, why: str) -> None:
    until = scope.app.clock() + TYPE_REFUSED_FOR
    scope.memory.refused_types[effect.type] = (until, why)


async def _delete_server(scope: TenantScope, effect: DeleteServer) -> None:
    account = scope.home
    action = await account.gate.call(
        "delete_server", lambda: account.cloud.delete_server(effect.id), scope.purpose
    )
    await scope.memory.hang_up()
    scope.memory.forget((Subject.HOST, Subject.OUTSIDE))
    follow(scope, Subject.SERVER, action, lambda: _server_gone(scope))


def _server_gone(scope: TenantScope) -> None:
    scope.home.inventory.servers.put(scope.identity.uid, None, scope.app.clock())
    change_volume(scope, server_id=None)
    change_address(scope, server_id=None)


def change_server(scope: TenantScope, **changes: Any) -> None:
    """A finished action changed the server; the change is known without asking."""
    shelf, uid = scope.home.inventory.servers, scope.identity.uid
    held = shelf.get(uid)
    if isinstance(held, Server):
        shelf.put(uid, replace(held, **changes), scope.app.clock())


def change_address(scope: TenantScope, **changes: Any) -> None:
    """The server of an address changed."""
    shelf, uid = scope.home.inventory.addresses, scope.identity.uid
    held = shelf.get(uid)
    if isinstance(held, PrimaryIP):
        shelf.put(uid, replace(held, **changes), scope.app.clock())


def follow(
    scope: TenantScope,
    subject: Subject,
    action: ActionRef | None,
    succeeded: Callable[[], None],
    *,
    hold: bool = True,
) -> None:
    """Wake the tenant when an action ends; with `hold`, the step waits for that.

    Without an action there was nothing to do, which is success.
    """
    if action is None:
        scope.memory.actions.pop(subject, None)
        succeeded()
        return
    if hold:
        scope.memory.actions[subject] = action
    scope.home.poller.watch(action, lambda ended: _ended(scope, subject, ended, succeeded))


def _ended(
    scope: TenantScope, subject: Subject, action: ActionRef, succeeded: Callable[[], None]
) -> None:
    held = scope.memory.actions.get(subject)
    if action.failed:
        log.warning(
            "the provider's job failed",
            tenant=scope.identity.key,
            command=action.command,
            code=action.error_code,
            cause=action.error_message,
        )
        scope.memory.actions[subject] = action
        scope.home.inventory.mistrust(subject, scope.identity.uid)
    else:
        if held is not None and held.id == action.id:
            del scope.memory.actions[subject]
        succeeded()
    scope.app.queue.add(scope.stored.key, Lane.USER)


# -- names, keys, jobs ---------------------------------------------------------------------------
async def _publish(scope: TenantScope, effect: PublishRecord) -> None:
    account = scope.home
    await account.dns_gate.call(
        "publish", lambda: account.dns.publish(effect.record), scope.purpose
    )
    account.inventory.put_record(scope.identity.uid, effect.record, scope.app.clock())
    scope.memory.forget((Subject.OUTSIDE,))


async def _withdraw(scope: TenantScope, effect: WithdrawRecord) -> None:
    account = scope.home
    await account.dns_gate.call(
        "withdraw", lambda: account.dns.withdraw(effect.record), scope.purpose
    )
    account.inventory.drop_record(scope.identity.uid, effect.record, scope.app.clock())


async def _make_keys(scope: TenantScope, effect: MakeKeys) -> None:
    scope.memory.keys = UNKNOWN
    await scope.secrets.make(scope.stored, effect.missing)


async def _inherit_keys(scope: TenantScope, effect: InheritKeys) -> None:
    scope.memory.keys = UNKNOWN
    await scope.secrets.inherit(scope.stored, effect.uid)


async def _forget_keys(scope: TenantScope, effect: ForgetKeys) -> None:
    scope.memory.keys = UNKNOWN
    await scope.secrets.forget(scope.stored, effect.names)


async def _drop_keys(scope: TenantScope, effect: DropKeys) -> None:
    del effect
    await scope.secrets.drop(scope.stored)
    scope.memory.keys = None


async def _start_jobs(scope: TenantScope, effect: StartJobs) -> None:
    agent = scope.memory.host_agent
    scope.memory.forget((Subject.HOST, Subject.OUTSIDE))
    await start(scope.memory, lambda: connected(scope), effect.jobs, agent=agent)


_HANDS: Final[Mapping[type[object], Callable[[TenantScope, Any], Awaitable[None]]]] = {
    CreateAddress: _create_address,
    DeleteAddress: _delete_address,
    CreateVolume: _create_volume,
    ResizeVolume: _resize_volume,
    AttachVolume: _attach_volume,
    LabelVolume: _label_volume,
    RetainVolume: _retain_volume,
    ReleaseVolume: _release_volume,
    AdoptVolume: _adopt_volume,
    SettleAdoption: _settle_adoption,
    DeleteVolume: _delete_volume,
    CreateServer: _create_server,
    PowerOn: _power_on,
    ShutDown: _shut_down,
    PowerOff: _power_off,
    ChangeType: _change_type,
    DeleteServer: _delete_server,
    PublishRecord: _publish,
    WithdrawRecord: _withdraw,
    MakeKeys: _make_keys,
    InheritKeys: _inherit_keys,
    ForgetKeys: _forget_keys,
    DropKeys: _drop_keys,
    StartJobs: _start_jobs,
    RemoveFinalizer: let_go,
}
