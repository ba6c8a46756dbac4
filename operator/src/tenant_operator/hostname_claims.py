"""Claims to a host name, from what the store, the status and the records of the zone say."""

from __future__ import annotations

from urllib.parse import urlsplit

from tenant_operator.app import App
from tenant_operator.core.hostnames import Claim, rival
from tenant_operator.core.preflight import inside
from tenant_operator.store import Stored, fleet_of


def rival_of(app: App, tenant: Stored) -> str | None:
    """The Tenant that keeps this one from its host name, as namespace/name."""
    others = app.store.namesakes(tenant)
    if not others:
        return None
    return rival(_claim(app, tenant), [_claim(app, other) for other in others])


def _claim(app: App, tenant: Stored) -> Claim:
    hostname = str(tenant.spec.get("hostname"))
    return Claim(
        tenant=f"{tenant.key.namespace}/{tenant.key.name}",
        uid=tenant.uid,
        created=tenant.created,
        published=_published(app, tenant, hostname),
        served=_served(tenant, hostname),
        possible=_possible(app, tenant, hostname),
    )


def _published(app: App, tenant: Stored, hostname: str) -> bool:
    account = app.accounts.get(fleet_of(tenant))
    records = account.inventory.records.get(tenant.uid, ()) if account else ()
    return any(record.hostname == hostname for record in records)


def _served(tenant: Stored, hostname: str) -> bool:
    status = tenant.status
    accepted = any(
        condition.get("type") == "Accepted" and condition.get("status") == "True"
        for condition in status.get("conditions", ())
    )
    named = urlsplit(str(status.get("url", ""))).hostname == hostname
    return accepted and named and bool(status.get("server"))


def _possible(app: App, tenant: Stored, hostname: str) -> bool:
    fleet = app.store.get(fleet_of(tenant))
    return fleet is not None and inside(hostname, str(fleet.spec.get("dns", {}).get("zone", "")))
