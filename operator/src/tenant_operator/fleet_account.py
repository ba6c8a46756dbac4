"""A fleet's account with its providers: made from its Secrets, swept in its rhythm."""

from __future__ import annotations

from datetime import timedelta

from tenant_operator.account import Account, CloudLogin, DnsLogin, Sweep
from tenant_operator.api.fleet import FleetSpec, FleetStatus
from tenant_operator.app import App
from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.faults import ProviderError
from tenant_operator.core.fleet_case import FleetSecrets
from tenant_operator.core.trouble import trouble
from tenant_operator.fleet_scope import FleetScope
from tenant_operator.kept_volumes import look_after_kept
from tenant_operator.log import logger
from tenant_operator.metrics import BUDGET_LEFT, INVENTORY_AGE, ORPHANS
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
        kept={held.uid: held for held in FleetStatus.model_validate(stored.status).kept},
    )
    app.accounts[stored.key] = fresh
    if held is not None:
        # What was known stays known: a token that is refused must not take ready tenants along.
        fresh.view, fresh.inventory = held.view, held.inventory
        fresh.version = held.version + 1
        app.memory(stored.uid).forget_running()
        for tenant in app.store.tenants_of(stored.key):
            for subject in app.memory(tenant.uid).forget_running():
                fresh.inventory.mistrust(subject, tenant.uid)
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
    """Read what is due; what fails has growing pauses of its own and holds nothing else up."""
    account, settings = scope.account, scope.app.settings
    due = account.due_sweeps(
        fast=timedelta(seconds=settings.sweep_seconds),
        slow=timedelta(seconds=settings.slow_sweep_seconds),
    )
    changed: set[str] = set()
    for name, read in due.items():
        changed |= await _swept(scope, name, read)
    for tenant in scope.app.store.tenants_of(scope.stored.key):
        if tenant.uid in changed:
            scope.app.queue.add(tenant.key, Lane.URGENT)
    if account.slow_swept is not None:
        await look_after_kept(scope)
    _count(scope)


async def _swept(scope: FleetScope, name: str, read: Sweep) -> set[str]:
    held = scope.memory.troubles.get(name)
    if held is not None and held.retry_at > scope.app.clock():
        return set()
    try:
        changed = await read()
    except ProviderError as error:
        _sweep_failed(scope, name, error)
        return set()
    scope.memory.succeeded(name)
    return changed


def _sweep_failed(scope: FleetScope, name: str, error: ProviderError) -> None:
    """The next try has its time; what needs a person stands where the credentials step finds it."""
    attempt = scope.memory.attempt(name, scope.app.clock(), scope.app.spread())
    noted = scope.memory.troubles[name] = trouble(error, attempt)
    log.warning(
        "a sweep failed",
        fleet=scope.identity.key,
        subject=name,
        reason=noted.reason,
        cause=str(error),
    )
    if noted.person_needed:
        scope.memory.troubles["CredentialsReady"] = noted
        scope.account.catalogue = UNKNOWN


def _count(scope: FleetScope) -> None:
    name, account = scope.identity.key, scope.account
    budget = account.cloud.budget()
    if budget is not None:
        BUDGET_LEFT.labels(name).set(budget.remaining)
    servers, records = account.inventory.servers.swept, account.inventory.records_swept
    if servers is not None and records is not None:
        INVENTORY_AGE.labels(name).set(min(servers, records).timestamp())
    ORPHANS.labels(name).set(len(account.inventory.orphans(scope.app.store.uids("tenant"))))
