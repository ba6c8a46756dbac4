"""Taking over the kept volume of a deleted tenant: asked for by uid, never by name alone.

A volume is one customer's data. It goes only to a Tenant that names the uid of the deleted one and
has its name, namespace and cloud project, while the secrets that were kept with it are there,
because the database inside knows no other password (docs/decisions/0024). The Fleet may be another
one than it was when that one does not exist any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tenant_operator.core.case import UNKNOWN, Case, Retained, TenantKeys
from tenant_operator.core.names import (
    ADOPTED_FROM,
    BURIED,
    FLEET_UID,
    HOLDS_DATA,
    NAMESPACE,
    RETAIN_UNTIL,
    TENANT,
    cloud_name,
    kept_until,
    tenant_labels,
)
from tenant_operator.core.results import (
    AdoptVolume,
    Do,
    InheritKeys,
    Look,
    Result,
    SettleAdoption,
    Stop,
    Subject,
)
from tenant_operator.core.world import Server, Volume

MARGIN: Final = timedelta(minutes=2)
"""What must be left of the time a volume is kept, so that its end does not cross its adoption."""


def pending(case: Case) -> str | None:
    """The uid of the tenant whose volume is still to be taken over."""
    if isinstance(case.world.volume, Volume) or case.memory.data_volume_id is not None:
        return None
    return case.spec.volume.adopt_from


def adoptable(case: Case) -> Result | None:
    """What is to be taken over exists and may be; None also when nothing is wanted."""
    uid, left = pending(case), case.world.retained
    if uid is None:
        return None
    if left is UNKNOWN or left.uid != uid:
        return Look(Subject.RETAINED)
    hindrance = _hindrance(case, left)
    return Stop("NotAdoptable", f"{hindrance} Nothing was touched.", 60) if hindrance else None


def _hindrance(case: Case, left: Retained) -> str:
    identity, held = case.identity, left.volume
    if isinstance(case.world.server, Server):
        return (
            f"{case.world.server.name} exists already; a volume is taken over before there is a "
            "machine. Leave spec.volume.adoptFrom out, or delete that server."
        )
    if held is None:
        return f"The cloud project holds no volume of a Tenant with the uid {left.uid}."
    owner = f"{held.labels.get(NAMESPACE)}/{held.labels.get(TENANT)}"
    if owner != identity.key:
        return f"{held.name} belonged to {owner}: only a Tenant of that name may take it over."
    if held.labels.get(FLEET_UID, "") in case.other_fleets:
        return f"{held.name} belongs to another Fleet than {case.home.identity.name}."
    until = kept_until(held.labels)
    if until is None:
        return f"{held.name} is not a kept volume: its Tenant still exists or is being deleted."
    if until - case.now < MARGIN:
        return f"The time for which {held.name} was kept is over; it is being deleted."
    if left.secrets_of != identity.name:
        return (
            f"tombstone-{left.uid} with the password of that volume's database is not among the "
            f"Secrets of namespace {identity.namespace}. Restore it from your backup of the "
            "cluster."
        )
    return ""


def keys_inherited(case: Case, held: TenantKeys | None) -> Result | None:
    """Passwords come with the volume; taken over before any other is made."""
    uid = pending(case)
    if uid is None or (held is not None and held.heir_of == uid):
        return None
    return Do(InheritKeys(uid), "AdoptingVolume", f"Taking over the secrets kept of {uid}.")


def volume_adopted(case: Case) -> Result | None:
    """The kept volume becomes this tenant's by its name and labels."""
    left = case.world.retained
    if pending(case) is None:
        return None
    if left is UNKNOWN or left.volume is None:
        return Look(Subject.RETAINED)
    kept = {key: value for key, value in left.volume.labels.items() if key != RETAIN_UNTIL}
    own = tenant_labels(case.identity, fleet_uid=case.home.identity.uid)
    # What was kept holds data, whatever became of the label that says so.
    labels = {**kept, **own, HOLDS_DATA: "true", ADOPTED_FROM: left.uid, BURIED: left.uid}
    effect = AdoptVolume(left.volume.id, cloud_name(case.identity), labels)
    return Do(effect, "AdoptingVolume", f"Taking over {left.volume.name} with its data.")


def adoption_settled(case: Case, held: Volume) -> Result | None:
    """Nothing is kept twice, and the volume is the one that was asked for."""
    wanted = case.spec.volume.adopt_from
    if wanted is not None and held.labels.get(ADOPTED_FROM) != wanted:
        return Stop(
            "NotAdoptable",
            f"This Tenant has the volume {held.name} of its own and cannot take over that of "
            f"{wanted} too. Leave spec.volume.adoptFrom out, or delete this Tenant and apply it "
            "anew.",
        )
    return tombstone_removed(held)


def tombstone_removed(held: Volume) -> Result | None:
    """What was kept of the deleted tenant is gone once its volume has a new one."""
    buried = held.labels.get(BURIED)
    if buried is None:
        return None
    labels = {key: value for key, value in held.labels.items() if key != BURIED}
    effect = SettleAdoption(held.id, buried, labels)
    return Do(effect, "AdoptingVolume", f"tombstone-{buried} is not needed any more.")
