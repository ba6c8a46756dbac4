"""A fleet's account with its providers: made from its Secrets, swept in its rhythm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tenant_operator.account import Account, CloudLogin, DnsLogin
from tenant_operator.api.fleet import FleetSpec
from tenant_operator.app import App
from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.faults import ProviderError
from tenant_operator.core.fleet_case import FleetSecrets
from tenant_operator.core.names import NAMESPACE, TENANT_UID
from tenant_operator.core.trouble import trouble
from tenant_operator.core.world import Volume
from tenant_operator.fleet_scope import FleetScope
from tenant_operator.log import logger
from tenant_operator.metrics import BUDGET_LEFT, INVENTORY_AGE, ORPHANS
from tenant_operator.reporting import tell
from tenant_operator.store import Stored
from tenant_operator.workqueue import Lane

log = logger(__name__)


async def account_of(
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
        wake_tenants(app, stored)
        await held.close()
    return fresh


def wake_tenants(app: App, stored: Stored) -> None:
    """What a fleet's tenants depend on has changed: look after each of them again."""
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


async def sweep(scope: FleetScope) -> None:
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
