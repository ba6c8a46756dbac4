"""What the tenants of a fleet see of it."""

from __future__ import annotations

from tenant_operator.account import Account
from tenant_operator.core.baking import fresh_snapshot
from tenant_operator.core.case import UNKNOWN, FleetView, Seen
from tenant_operator.core.fleet_steps import PROFILE
from tenant_operator.core.results import (
    Stop,
)
from tenant_operator.core.world import Firewall, Image, ServerType, SshKey
from tenant_operator.fleet_account import wake_tenants
from tenant_operator.fleet_scope import FleetScope
from tenant_operator.passing import (
    Pass,
)
from tenant_operator.rendering import bake_job
from tenant_operator.scope import Scope


def publish_view(scope: FleetScope, done: Pass) -> None:
    """Give the tenants what is known of their fleet now."""
    account, old = scope.account, scope.account.view
    view = FleetView(
        identity=scope.identity,
        spec=scope.spec,
        fault=_fault(done),
        catalogue=_catalogue(account),
        firewall_id=_id(account.firewall, old.firewall_id if old else None),
        ssh_key_id=_id(account.ssh_key, old.ssh_key_id if old else None),
        snapshot=_snapshot(scope, old),
        registry=account.secrets.registry,
        operator_networks=tuple(scope.app.settings.egress_networks),
    )
    take_view(scope, account, view)


def take_view(scope: Scope, account: Account, view: FleetView) -> None:
    """Replace the view; where it differs, every tenant is looked after again."""
    if account.view == view:
        return
    account.view = view
    account.version += 1
    wake_tenants(scope.app, scope.stored)


def _fault(done: Pass) -> tuple[str, str] | None:
    verdict, noted = done.verdict, done.trouble
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
