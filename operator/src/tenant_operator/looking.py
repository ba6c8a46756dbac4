"""Looking: the one place where a tenant's `Look` becomes a request, a connection or a read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from tenant_operator.account import Account
from tenant_operator.api.tenant import TenantSpec
from tenant_operator.cloud.budget import URGENT, USER, Purpose
from tenant_operator.cloud.inventory import Shelf, V
from tenant_operator.core.case import Retained, TenantKeys
from tenant_operator.core.faults import Obstacle
from tenant_operator.core.names import (
    RETAIN_UNTIL,
    cloud_name,
    owner_mark,
    tenant_selector,
)
from tenant_operator.core.results import Subject
from tenant_operator.core.world import PrimaryIP, Server, Volume
from tenant_operator.host.port import (
    Host,
    HostAddress,
    HostError,
)
from tenant_operator.keys import tenant_keys
from tenant_operator.machine import sight
from tenant_operator.outside.port import Sight
from tenant_operator.rendering import accepted_host_keys, ca_bundle
from tenant_operator.scope import Scope


@dataclass(kw_only=True)
class TenantScope(Scope):
    """One tenant's pass: everything that looking and acting need."""

    account: Account | None
    spec: TenantSpec | None = None
    nothing_made: bool = False
    """Whether there is no fleet that could have made anything for this tenant."""

    @property
    def wanted(self) -> TenantSpec:
        """The spec; only what comes after its validation may ask."""
        if self.spec is None:
            raise LookupError("the spec is validated before anything else")
        return self.spec

    @property
    def home(self) -> Account:
        """The fleet's account. Raises Obstacle while there is none."""
        if self.account is None:
            raise Obstacle("WaitingForFleet", "The fleet is not ready for requests yet.")
        return self.account

    @property
    def purpose(self) -> Purpose:
        """How urgent this tenant's requests are."""
        return Purpose(lane=URGENT if self.stored.deleting else USER)


async def look(scope: TenantScope, subject: Subject) -> None:
    """Look at one subject and remember what was seen."""
    await _LOOKS[subject](scope)


async def _inventory(scope: TenantScope) -> None:
    await scope.home.ensure_swept()
    inventory, uid = scope.home.inventory, scope.identity.uid
    for shelf, find in ((inventory.servers, _server), (inventory.volumes, _volume)):
        if uid in shelf.unreadable:
            await find(scope)
    if uid in inventory.addresses.unreadable:
        await _address(scope)
    if uid in inventory.unreadable_records:
        await _records(scope)


async def _server(scope: TenantScope) -> None:
    account, name = scope.home, cloud_name(scope.identity)
    found = await account.gate.call(
        "find_server", lambda: account.cloud.find_server(name), scope.purpose
    )
    account.inventory.servers.put(scope.identity.uid, found, scope.app.clock())


async def _volume(scope: TenantScope) -> None:
    account, name = scope.home, cloud_name(scope.identity)
    found = await account.gate.call(
        "find_volume", lambda: account.cloud.find_volume(name), scope.purpose
    )
    account.inventory.volumes.put(scope.identity.uid, found, scope.app.clock())


async def _address(scope: TenantScope) -> None:
    account, name = scope.home, cloud_name(scope.identity)
    found = await account.gate.call(
        "find_primary_ip", lambda: account.cloud.find_primary_ip(name), scope.purpose
    )
    account.inventory.addresses.put(scope.identity.uid, found, scope.app.clock())


async def _records(scope: TenantScope) -> None:
    account, uid = scope.home, scope.identity.uid
    mark, now = owner_mark(scope.identity), scope.app.clock()
    found = await account.dns_gate.call(
        "list_records", lambda: account.dns.list_records(scope.identity.installation), scope.purpose
    )
    account.inventory.records[uid] = tuple(held for held in found if held.owner == mark)
    account.inventory.records_changed[uid] = now
    account.inventory.unreadable_records.discard(uid)


async def _keys(scope: TenantScope) -> None:
    entries = await scope.secrets.own(scope.stored)
    scope.memory.keys = None if entries is None else tenant_keys(entries)


async def _model_key(scope: TenantScope) -> None:
    ref = TenantSpec.model_validate(scope.stored.spec).agent.model.api_key_secret_ref
    held = await scope.secrets.model_key(scope.identity.namespace, ref)
    scope.memory.saw_model_key(held, scope.app.clock())


async def _host(scope: TenantScope) -> None:
    seen = await sight(scope.memory, lambda: connected(scope))
    if scope.memory.saw_host(seen, scope.app.clock()):
        # The provider knows sooner than the next sweep whether the machine is gone.
        scope.home.inventory.servers.suspect(scope.identity.uid)


async def connected(scope: TenantScope) -> Host:
    """The open connection to the machine, or a new one. Raises HostError."""
    keys, memory = scope.memory.keys, scope.memory
    server = scope.home.inventory.servers.get(scope.identity.uid)
    if not isinstance(server, Server) or server.ipv4 is None:
        raise HostError("The machine has no public address yet.")
    if not isinstance(keys, TenantKeys):
        await _keys(scope)
        keys = memory.keys
    if not isinstance(keys, TenantKeys) or keys.client_key is None or keys.host_key is None:
        raise HostError("The tenant's keys are not there yet.")
    accepted = tuple(key.public for key in accepted_host_keys(keys))
    kept = None if memory.connect_anew else memory.connection
    if kept is not None and kept.host_key in accepted:
        return kept
    await memory.hang_up()
    view = scope.home.view
    memory.connection = await scope.app.adapters.hosts.connect(
        HostAddress(
            address=server.ipv4,
            port=view.spec.access.ssh_port if view else 22,
            user="root",
            host_keys=accepted,
            client_key=keys.client_key.private,
        )
    )
    return memory.connection


async def _outside(scope: TenantScope) -> None:
    view = scope.home.view
    if view is None:
        raise Obstacle("WaitingForFleet", "The fleet is being looked at.")
    seen = await scope.app.adapters.outside.look(
        Sight(
            hostname=scope.stored.spec["hostname"],
            port=view.spec.public_port,
            resolvers=tuple(view.spec.dns.resolvers or ()),
            ca_bundle=ca_bundle(view.spec),
        )
    )
    scope.memory.saw_outside(seen, scope.app.clock())


async def _retained(scope: TenantScope) -> None:
    """Asked for directly: what is to be taken over decides too much for a list of an hour ago."""
    uid = TenantSpec.model_validate(scope.stored.spec).volume.adopt_from or ""
    account = scope.home
    former = replace(scope.identity, uid=uid)
    found = await account.gate.call(
        "list_volumes", lambda: account.cloud.list_volumes(tenant_selector(former)), scope.purpose
    )
    scope.memory.retained = Retained(
        uid=uid,
        volume=found[0] if found else None,
        secrets_of=await scope.secrets.buried_name(scope.identity.namespace, uid),
    )


async def _leftovers(scope: TenantScope) -> None:
    """Three lists by the tenant's own label: the provider's word on what is left."""
    account, uid = scope.home, scope.identity.uid
    selector, now = tenant_selector(scope.identity), scope.app.clock()
    gate, cloud, purpose = account.gate, account.cloud, scope.purpose
    servers = await gate.call("list_servers", lambda: cloud.list_servers(selector), purpose)
    volumes = await gate.call("list_volumes", lambda: cloud.list_volumes(selector), purpose)
    ips = await gate.call("list_primary_ips", lambda: cloud.list_primary_ips(selector), purpose)
    inventory = account.inventory
    inventory.servers.put(uid, servers[0] if servers else None, now)
    inventory.volumes.put(uid, volumes[0] if volumes else None, now)
    inventory.addresses.put(uid, ips[0] if ips else None, now)
    things: list[Server | Volume | PrimaryIP] = [*servers, *volumes, *ips]
    scope.memory.leftovers = tuple(
        f"{type(thing).__name__} {thing.name}" for thing in things if not retained(thing)
    )


def retained(thing: Server | Volume | PrimaryIP) -> bool:
    """Whether a thing is left on purpose."""
    return isinstance(thing, Volume) and RETAIN_UNTIL in thing.labels


async def settle_doubts(scope: TenantScope) -> bool:
    """Ask directly about what the last sweep missed; whether another look is needed soon."""
    if scope.account is None:
        return False
    account, uid = scope.account, scope.identity.uid
    inventory, cloud = account.inventory, account.cloud
    await _settle(scope, inventory.servers, lambda held: cloud.get_server(held.id))
    await _settle(scope, inventory.volumes, lambda held: cloud.get_volume(held.id))
    await _settle(scope, inventory.addresses, lambda held: cloud.find_primary_ip(held.name))
    shelves = (inventory.servers, inventory.volumes, inventory.addresses)
    return any((entry := shelf.entries.get(uid)) is not None and entry.doubted for shelf in shelves)


async def _settle(
    scope: TenantScope, shelf: Shelf[V], ask: Callable[[V], Awaitable[V | None]]
) -> None:
    uid, now = scope.identity.uid, scope.app.clock()
    if not shelf.in_doubt(uid, now):
        return
    held = shelf.entries[uid].value
    if held is None:
        return
    found = await scope.home.gate.call("confirm", lambda: ask(held), scope.purpose)
    if found is None:
        shelf.not_found(uid, now)
    else:
        shelf.put(uid, found, now)


_LOOKS: Final[dict[Subject, Callable[[TenantScope], Awaitable[None]]]] = {
    Subject.INVENTORY: _inventory,
    Subject.SERVER: _server,
    Subject.VOLUME: _volume,
    Subject.ADDRESS: _address,
    Subject.RECORDS: _records,
    Subject.KEYS: _keys,
    Subject.MODEL_KEY: _model_key,
    Subject.HOST: _host,
    Subject.OUTSIDE: _outside,
    Subject.LEFTOVERS: _leftovers,
    Subject.RETAINED: _retained,
}
