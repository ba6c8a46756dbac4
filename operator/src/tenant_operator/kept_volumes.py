"""The volumes of deleted tenants: deleted when their time is over, told when they are gone earlier.

What is kept is read from the project's labels. The Fleet's status lists it too, because a volume
that somebody deleted leaves its Secret behind, which could not be found otherwise: the operator may
not list Secrets. That list only says where to look.
"""

from __future__ import annotations

from tenant_operator.api.fleet import KeptVolume
from tenant_operator.cluster.client import KubernetesError
from tenant_operator.cluster.objects import tombstone_name
from tenant_operator.core.faults import ProviderError
from tenant_operator.core.names import FLEET_UID, TENANT, TENANT_UID, kept_until
from tenant_operator.core.summary import moment, timestamp
from tenant_operator.core.world import Volume
from tenant_operator.fleet_scope import FleetScope
from tenant_operator.log import logger
from tenant_operator.mishap import mishap_trouble
from tenant_operator.reporting import tell

log = logger(__name__)


async def look_after_kept(scope: FleetScope) -> None:
    """Bring `account.kept` to what is the case; what cannot be done now is tried next time.

    Raises NotLeading before anything is deleted.
    """
    account, store = scope.account, scope.app.store
    others = store.uids("fleet") - {scope.identity.uid}
    for volume in account.inventory.kept(store.uids("tenant")):
        if volume.labels.get(FLEET_UID) not in others:
            account.kept[volume.labels[TENANT_UID]] = _entry(volume)
    for kept in sorted(account.kept.values(), key=lambda held: held.until):
        name = f"kept volume {kept.volume}"
        trouble = scope.memory.troubles.get(name)
        if trouble is not None and trouble.retry_at > scope.app.clock():
            continue
        try:
            await _look_after(scope, kept)
        except (ProviderError, KubernetesError) as error:
            await _note(scope, name, error)
        else:
            scope.memory.succeeded(name)


async def _note(scope: FleetScope, name: str, error: ProviderError | KubernetesError) -> None:
    """A trouble of one volume, with pauses of its own: it holds up neither others nor the fleet."""
    attempt = scope.memory.attempt(name, scope.app.clock(), scope.app.spread())
    noted = scope.memory.troubles[name] = mishap_trouble(error, attempt)
    log.warning("a step could not go on", **scope.named, subject=name, cause=noted.message)
    if noted.person_needed:
        await tell(scope.app, scope.stored, noted.reason, f"{name}: {noted.message}", warning=True)


def _entry(volume: Volume) -> KeptVolume:
    until = kept_until(volume.labels)
    return KeptVolume(
        tenant=volume.labels.get(TENANT, ""),
        uid=volume.labels[TENANT_UID],
        volume=volume.id,
        until=timestamp(until) if until else "",
    )


async def _look_after(scope: FleetScope, kept: KeptVolume) -> None:
    account, uid, now = scope.account, kept.uid, scope.app.clock()
    shelf = account.inventory.volumes
    if uid in scope.app.store.uids("tenant"):
        del account.kept[uid]
        return
    over = moment(kept.until) <= now
    if uid not in shelf.entries:
        shelf.doubt(uid, now)
    if shelf.in_doubt(uid, now) or (over and shelf.get(uid) is not None):
        await _ask(scope, kept)
    entry = shelf.entries.get(uid)
    if entry is None or entry.doubted:
        return
    if entry.value is None:
        await _gone(scope, kept, over=over)
    elif over:
        await _delete(scope, entry.value)


async def _ask(scope: FleetScope, kept: KeptVolume) -> None:
    """The provider's word on one volume: somebody may have taken it over, or prolonged its time."""
    account, now = scope.account, scope.app.clock()
    shelf = account.inventory.volumes
    found: Volume | None = await scope.call(
        "get_volume", lambda: account.cloud.get_volume(kept.volume)
    )
    if found is None:
        if not shelf.entries[kept.uid].doubted:
            shelf.doubt(kept.uid, now)
        shelf.not_found(kept.uid, now)
    elif found.labels.get(TENANT_UID) == kept.uid and kept_until(found.labels):
        shelf.put(kept.uid, found, now)
        account.kept[kept.uid] = _entry(found)
    else:
        _forget(scope, kept.uid)


async def _gone(scope: FleetScope, kept: KeptVolume, *, over: bool) -> None:
    """The volume is proved absent. Its passwords stay as long as was promised, in case the proof
    was of another project: a token can be exchanged."""
    namespace, account = scope.identity.namespace, scope.account
    if over:
        scope.app.insist_on_leading()
        await scope.secrets.unbury(namespace, kept.uid)
    if over or await scope.secrets.buried_name(namespace, kept.uid) is None:
        _forget(scope, kept.uid)
    elif not kept.missing:
        account.kept[kept.uid] = kept.model_copy(update={"missing": True})
        message = (
            f"Volume {kept.volume}, kept of the deleted Tenant {kept.tenant} until {kept.until}, "
            f"does not exist any more. Its passwords are kept until then. If nobody needs them: "
            f"kubectl delete secret {tombstone_name(kept.uid)} -n {namespace}"
        )
        await tell(scope.app, scope.stored, "KeptVolumeLost", message, warning=True)


async def _delete(scope: FleetScope, volume: Volume) -> None:
    account, uid = scope.account, volume.labels[TENANT_UID]
    until = kept_until(volume.labels)
    if until is None or until > scope.app.clock():
        return
    scope.app.insist_on_leading()
    await scope.call("delete_volume", lambda: account.cloud.delete_volume(volume.id))
    await scope.secrets.unbury(scope.identity.namespace, uid)
    _forget(scope, uid)
    message = f"The volume {volume.name} was kept long enough and is deleted."
    await tell(scope.app, scope.stored, "DeletingVolume", message, warning=False)


def _forget(scope: FleetScope, uid: str) -> None:
    scope.account.kept.pop(uid, None)
    scope.account.inventory.volumes.drop(uid)
