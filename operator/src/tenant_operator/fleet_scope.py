"""A fleet's pass: looking at its shared things and changing them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tenant_operator.account import Account, snapshot_selector
from tenant_operator.api.fleet import FleetSpec
from tenant_operator.cloud.budget import USER, Purpose
from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.faults import Obstacle, OutOfStock, ProviderError
from tenant_operator.core.fleet_case import BakeKeys
from tenant_operator.core.names import fleet_name
from tenant_operator.core.results import (
    CreateFirewall,
    CreateServer,
    CreateSnapshot,
    CreateSshKey,
    DeleteFirewall,
    DeleteImage,
    DeleteServer,
    DeleteSshKey,
    DropKeys,
    Effect,
    LabelServer,
    MakeKeys,
    RemoveFinalizer,
    SetFirewall,
    ShutDown,
    StartJobs,
    Subject,
)
from tenant_operator.core.world import ActionRef, Server
from tenant_operator.host.port import Host, HostAddress, Unreachable
from tenant_operator.keys import bake_keys, new_key_pair
from tenant_operator.machine import sight, start
from tenant_operator.memory import SOLD_OUT_FOR
from tenant_operator.scope import Scope, let_go
from tenant_operator.workqueue import Lane

PURPOSE: Final = Purpose(lane=USER, sweep=True)
"""A fleet's own requests are shared by all of its tenants, so none of them counts as a tenant's."""


@dataclass(kw_only=True)
class FleetScope(Scope):
    """One fleet's pass."""

    spec: FleetSpec
    account: Account

    @property
    def name(self) -> str:
        """What the fleet's cloud objects are called."""
        return fleet_name(self.identity)

    async def call(self, operation: str, request: Callable[[], Awaitable[Any]]) -> Any:
        """A request to the cloud."""
        return await self.account.gate.call(operation, request, PURPOSE)


# -- looking -------------------------------------------------------------------------------------
async def look_fleet(scope: FleetScope, subject: Subject) -> None:
    """Look at one of the fleet's shared things."""
    await _LOOKS[subject](scope)


async def _catalogue(scope: FleetScope) -> None:
    account, cloud = scope.account, scope.account.cloud
    kinds = await scope.call("server_types", cloud.server_types)
    wanted = scope.spec.infrastructure
    found = [kind for kind in kinds if kind.name in wanted.server_types]
    if found:
        account.stock_image = await scope.call(
            "find_image",
            lambda: cloud.find_image(wanted.image, architecture=found[0].architecture),
        )
    account.catalogue = kinds


async def _inventory(scope: FleetScope) -> None:
    await scope.account.ensure_swept()


async def _volumes(scope: FleetScope) -> None:
    await scope.account.ensure_swept_slow()


async def _firewall(scope: FleetScope) -> None:
    cloud = scope.account.cloud
    scope.account.firewall = await scope.call(
        "find_firewall", lambda: cloud.find_firewall(scope.name)
    )


async def _ssh_key(scope: FleetScope) -> None:
    cloud = scope.account.cloud
    scope.account.ssh_key = await scope.call("find_ssh_key", lambda: cloud.find_ssh_key(scope.name))


async def _snapshots(scope: FleetScope) -> None:
    cloud, selector = scope.account.cloud, snapshot_selector(scope.identity)
    scope.account.snapshots = await scope.call(
        "list_snapshots", lambda: cloud.list_snapshots(selector)
    )


async def _server(scope: FleetScope) -> None:
    cloud = scope.account.cloud
    scope.account.bake_server = await scope.call(
        "find_server", lambda: cloud.find_server(scope.name)
    )


async def _keys(scope: FleetScope) -> None:
    entries = await scope.secrets.own(scope.stored)
    scope.account.bake_keys = None if entries is None else bake_keys(entries)


async def _host(scope: FleetScope) -> None:
    scope.account.bake_host = await sight(scope.memory, lambda: _connected(scope))


async def _connected(scope: FleetScope) -> Host:
    account, memory = scope.account, scope.memory
    if account.bake_keys is UNKNOWN:
        await _keys(scope)
    server, keys = account.bake_server, account.bake_keys
    if not isinstance(server, Server) or server.ipv4 is None or not isinstance(keys, BakeKeys):
        raise Unreachable("The baking server has no address or no keys yet.")
    if memory.connection is None:
        memory.connection = await scope.app.adapters.hosts.connect(
            HostAddress(
                address=server.ipv4,
                port=scope.spec.access.ssh_port,
                user="root",
                host_keys=(keys.host_key.public,),
                client_key=keys.client_key.private,
            )
        )
    return memory.connection


# -- acting --------------------------------------------------------------------------------------
async def act_fleet(scope: FleetScope, effect: Effect) -> None:
    """Carry out one effect of a fleet. Raises NotLeading before anything has happened."""
    scope.app.insist_on_leading()
    hand = _HANDS.get(type(effect))
    if hand is None:
        raise Obstacle("InternalError", f"A fleet never asks for {type(effect).__name__}.")
    try:
        await hand(scope, effect)
    except ProviderError as error:
        _note_refusal(scope, effect, error)
        raise


def _note_refusal(scope: FleetScope, effect: Effect, error: ProviderError) -> None:
    account = scope.account
    if isinstance(effect, CreateServer) and isinstance(error, OutOfStock):
        place = (effect.spec.type, effect.spec.location)
        scope.memory.sold_out[place] = scope.app.clock() + SOLD_OUT_FOR
        return
    match effect:
        case CreateFirewall() | SetFirewall() | DeleteFirewall():
            account.firewall = UNKNOWN
        case CreateSshKey() | DeleteSshKey():
            account.ssh_key = UNKNOWN
        case CreateSnapshot() | DeleteImage():
            account.snapshots = UNKNOWN
        case CreateServer() | DeleteServer() | ShutDown() | LabelServer():
            account.bake_server = UNKNOWN
        case _:
            return


async def _create_firewall(scope: FleetScope, effect: CreateFirewall) -> None:
    cloud = scope.account.cloud
    made = await scope.call("create_firewall", lambda: cloud.create_firewall(effect.spec))
    scope.account.firewall = made.value


async def _set_firewall(scope: FleetScope, effect: SetFirewall) -> None:
    cloud = scope.account.cloud
    await scope.call("set_firewall", lambda: cloud.set_firewall(effect.id, effect.spec))
    scope.account.firewall = UNKNOWN


async def _delete_firewall(scope: FleetScope, effect: DeleteFirewall) -> None:
    cloud = scope.account.cloud
    await scope.call("delete_firewall", lambda: cloud.delete_firewall(effect.id))
    scope.account.firewall = None


async def _create_ssh_key(scope: FleetScope, effect: CreateSshKey) -> None:
    """The private half is never kept: the key only stops the cloud from making passwords."""
    cloud, public = scope.account.cloud, new_key_pair().public
    scope.account.ssh_key = await scope.call(
        "create_ssh_key",
        lambda: cloud.create_ssh_key(effect.name, public_key=public, labels=effect.labels),
    )


async def _delete_ssh_key(scope: FleetScope, effect: DeleteSshKey) -> None:
    cloud = scope.account.cloud
    await scope.call("delete_ssh_key", lambda: cloud.delete_ssh_key(effect.id))
    scope.account.ssh_key = None


async def _create_snapshot(scope: FleetScope, effect: CreateSnapshot) -> None:
    cloud = scope.account.cloud
    await scope.call(
        "create_snapshot",
        lambda: cloud.create_snapshot(
            effect.server_id, description=effect.description, labels=effect.labels
        ),
    )
    scope.account.snapshots = UNKNOWN


async def _delete_image(scope: FleetScope, effect: DeleteImage) -> None:
    cloud = scope.account.cloud
    await scope.call("delete_image", lambda: cloud.delete_image(effect.id))
    scope.account.snapshots = UNKNOWN


async def _create_server(scope: FleetScope, effect: CreateServer) -> None:
    cloud = scope.account.cloud
    made = await scope.call("create_server", lambda: cloud.create_server(effect.spec))
    scope.account.bake_server = made.value
    scope.account.bake_host = UNKNOWN
    scope.memory.actions.pop(Subject.SERVER, None)
    for action in made.actions:
        _follow(scope, action)


async def _delete_server(scope: FleetScope, effect: DeleteServer) -> None:
    cloud = scope.account.cloud
    await scope.memory.hang_up()
    action = await scope.call("delete_server", lambda: cloud.delete_server(effect.id))
    scope.account.bake_host = UNKNOWN
    scope.account.bake_server = UNKNOWN
    scope.memory.actions.pop(Subject.SERVER, None)
    if action is not None:
        _follow(scope, action)


async def _shut_down(scope: FleetScope, effect: ShutDown) -> None:
    cloud = scope.account.cloud
    await scope.memory.hang_up()
    action = await scope.call("shutdown", lambda: cloud.shutdown(effect.id))
    if action is not None:
        scope.memory.actions[Subject.SERVER] = replace(action, status="success")
    scope.account.bake_server = UNKNOWN


async def _label_server(scope: FleetScope, effect: LabelServer) -> None:
    cloud = scope.account.cloud
    scope.memory.actions.pop(Subject.SERVER, None)
    scope.account.bake_server = await scope.call(
        "label_server", lambda: cloud.label_server(effect.id, effect.labels)
    )


def _follow(scope: FleetScope, action: ActionRef) -> None:
    def ended(done: ActionRef) -> None:
        if done.failed:
            scope.memory.actions[Subject.SERVER] = done
        scope.account.bake_server = UNKNOWN
        scope.app.queue.add(scope.stored.key, Lane.USER)

    scope.account.poller.watch(action, ended)


async def _make_keys(scope: FleetScope, effect: MakeKeys) -> None:
    scope.account.bake_keys = UNKNOWN
    await scope.secrets.make(scope.stored, effect.missing)


async def _drop_keys(scope: FleetScope, effect: DropKeys) -> None:
    del effect
    await scope.secrets.drop(scope.stored)
    scope.account.bake_keys = None


async def _start_jobs(scope: FleetScope, effect: StartJobs) -> None:
    scope.account.bake_host = UNKNOWN
    await start(scope.memory, lambda: _connected(scope), effect.jobs, agent="")


_LOOKS: Final[Mapping[Subject, Callable[[FleetScope], Awaitable[None]]]] = {
    Subject.CATALOGUE: _catalogue,
    Subject.INVENTORY: _inventory,
    Subject.VOLUME: _volumes,
    Subject.FIREWALL: _firewall,
    Subject.SSH_KEY: _ssh_key,
    Subject.SNAPSHOTS: _snapshots,
    Subject.SERVER: _server,
    Subject.KEYS: _keys,
    Subject.HOST: _host,
}
_HANDS: Final[Mapping[type[object], Callable[[FleetScope, Any], Awaitable[None]]]] = {
    CreateFirewall: _create_firewall,
    SetFirewall: _set_firewall,
    DeleteFirewall: _delete_firewall,
    CreateSshKey: _create_ssh_key,
    DeleteSshKey: _delete_ssh_key,
    CreateSnapshot: _create_snapshot,
    DeleteImage: _delete_image,
    CreateServer: _create_server,
    DeleteServer: _delete_server,
    ShutDown: _shut_down,
    LabelServer: _label_server,
    MakeKeys: _make_keys,
    DropKeys: _drop_keys,
    StartJobs: _start_jobs,
    RemoveFinalizer: let_go,
}
