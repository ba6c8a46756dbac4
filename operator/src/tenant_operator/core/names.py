"""Names and labels of everything made in a cloud project: deterministic, so that a restart finds
its own work, and marked, so that nothing foreign is ever touched.

Hetzner allows 63 characters in a server name and in a label value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

DOMAIN: Final = "blueagency.io"
MANAGER: Final = "blueagency-operator"
MANAGED_BY: Final = "managed-by"
INSTALLATION: Final = f"{DOMAIN}/installation"
NAMESPACE: Final = f"{DOMAIN}/namespace"
TENANT: Final = f"{DOMAIN}/tenant"
TENANT_UID: Final = f"{DOMAIN}/tenant-uid"
FLEET_UID: Final = f"{DOMAIN}/fleet-uid"
OWNER_UID: Final = f"{DOMAIN}/owner-uid"
"""On a Secret: the object it was made for."""
HOLDS_DATA: Final = f"{DOMAIN}/holds-data"
RETAIN_UNTIL: Final = f"{DOMAIN}/retain-until"
ADOPTED_FROM: Final = f"{DOMAIN}/adopted-from"
BURIED: Final = f"{DOMAIN}/buried"
BAKE_DIGEST: Final = f"{DOMAIN}/bake-digest"
BAKED: Final = f"{DOMAIN}/baked"
ROLE: Final = f"{DOMAIN}/role"

FOR_GOOD: Final = datetime(9999, 1, 1, tzinfo=UTC)
FINALIZER: Final = f"{DOMAIN}/operator"
ACCEPT_EMPTY_VOLUME: Final = f"{DOMAIN}/accept-empty-volume"
RECONCILE_AT: Final = f"{DOMAIN}/reconcile-at"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A namespaced object that owns things in the cloud, and the installation it belongs to."""

    installation: str
    namespace: str
    name: str
    uid: str

    @property
    def short_uid(self) -> str:
        """The first eight characters of the uid."""
        return self.uid[:8]

    @property
    def key(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


def kept_until(labels: Mapping[str, str]) -> datetime | None:
    """When a kept volume's time is over; None for one that is in use.

    A date that nobody can read, or later than any calendar goes, keeps it for good.
    """
    text = labels.get(RETAIN_UNTIL)
    if text is None:
        return None
    try:
        return (
            min(datetime.fromtimestamp(int(text), UTC), FOR_GOOD) if text.isdecimal() else FOR_GOOD
        )
    except (ValueError, OverflowError, OSError):
        return FOR_GOOD


def cloud_name(tenant: Identity) -> str:
    """What server, volume and address of a tenant are called."""
    return f"t-{tenant.name}-{tenant.short_uid}"


def fleet_name(fleet: Identity) -> str:
    """What firewall, key and baking server of a fleet are called."""
    return f"f-{fleet.name[:50].rstrip('-.').replace('.', '-')}-{fleet.short_uid}"


def owner_mark(tenant: Identity) -> str:
    """The mark of a tenant on its DNS records."""
    return f"{tenant.installation}/{tenant.uid}"


def tenant_labels(tenant: Identity, *, fleet_uid: str) -> dict[str, str]:
    """Labels of everything that is one tenant's own."""
    return {
        MANAGED_BY: MANAGER,
        INSTALLATION: tenant.installation,
        NAMESPACE: tenant.namespace,
        TENANT: tenant.name,
        TENANT_UID: tenant.uid,
        FLEET_UID: fleet_uid,
    }


def fleet_labels(fleet: Identity) -> dict[str, str]:
    """Labels of everything that a fleet's tenants share."""
    return {
        MANAGED_BY: MANAGER,
        INSTALLATION: fleet.installation,
        NAMESPACE: fleet.namespace,
        FLEET_UID: fleet.uid,
        ROLE: "fleet",
    }


def fleet_selector(fleet: Identity) -> str:
    """Selects all that belongs to a fleet, its tenants' things included."""
    return f"{INSTALLATION}={fleet.installation},{FLEET_UID}={fleet.uid}"


def tenant_selector(tenant: Identity) -> str:
    """Selects all that is one tenant's own."""
    return f"{INSTALLATION}={tenant.installation},{TENANT_UID}={tenant.uid}"


def owned_by(labels: Mapping[str, str], tenant: Identity) -> bool:
    """Whether an object was made for exactly this tenant by this installation."""
    return labels.get(INSTALLATION) == tenant.installation and labels.get(TENANT_UID) == tenant.uid


def owned_by_fleet(labels: Mapping[str, str], fleet: Identity) -> bool:
    """Whether an object was made for this fleet's shared use."""
    return (
        labels.get(INSTALLATION) == fleet.installation
        and labels.get(FLEET_UID) == fleet.uid
        and TENANT_UID not in labels
    )
