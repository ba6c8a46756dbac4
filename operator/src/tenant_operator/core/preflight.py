"""What must be true before anything is made: checked in the order a person would look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tenant_operator.core.adoption import adoptable
from tenant_operator.core.case import UNKNOWN, Case
from tenant_operator.core.placement import holds_data, place
from tenant_operator.core.results import Done, Look, Result, Stop, Subject, Wait
from tenant_operator.core.world import Server, Volume


def preflight(case: Case) -> Result:
    """Done, or the first obstacle."""
    for check in _CHECKS:
        obstacle = check(case)
        if obstacle is not None:
            return obstacle
    return Done("The spec can be carried out.")


def fleet_exists(case: Case) -> Result | None:
    """The named Fleet is there."""
    name = case.spec.fleet_ref.name
    if not case.fleet_exists:
        return Stop(
            "FleetNotFound",
            f"There is no Fleet {name} in namespace {case.identity.namespace}. `kubectl get "
            f"fleets -n {case.identity.namespace}` lists those that exist.",
        )
    if case.fleet is None:
        return Wait("WaitingForFleet", f"The Fleet {name} is being looked at.", 2)
    return None


def fleet_sound(case: Case) -> Result | None:
    """The Fleet has no fault of its own; a tenant whose spec is in force goes on without it."""
    fault = case.home.fault
    if fault is None or case.memory.was_ready:
        return None
    reason, message = fault
    name = case.home.identity.name
    return Stop("FleetNotAccepted", f"Fleet {name}: {reason}: {message}", after=60)


def hostname_inside_zone(case: Case) -> Result | None:
    """The host name can be published in the fleet's zone."""
    zone = case.home.spec.dns.zone
    if inside(case.spec.hostname, zone):
        return None
    return Stop(
        "HostnameOutsideZone",
        f"{case.spec.hostname} is not inside the zone {zone} of the Fleet "
        f"{case.home.identity.name}. Choose a name that ends in .{zone}.",
    )


def inside(hostname: str, zone: str) -> bool:
    """Whether a zone can hold a host name."""
    return hostname == zone or hostname.endswith(f".{zone}")


def hostname_free(case: Case) -> Result | None:
    """No other Tenant is in service with the host name, or wanted it earlier."""
    if case.hostname_rival is None:
        return None
    return Stop(
        "HostnameTaken",
        f"{case.spec.hostname} belongs to the Tenant {case.hostname_rival}, which is in service "
        "with it or is the older one. Choose another host name, or change that Tenant first.",
        after=60,
    )


def model_key_found(case: Case) -> Result | None:
    """The Secret with the customer's own model key is there and holds one."""
    held = case.world.model_key
    if held is UNKNOWN:
        return Look(Subject.MODEL_KEY)
    return Stop("SecretNotFound", held.fault, after=15) if held.fault else None


def inventory_known(case: Case) -> Result | None:
    """What exists already is known, so that nothing is made twice."""
    world = case.world
    if UNKNOWN in (world.server, world.volume, world.address, world.records):
        return Look(Subject.INVENTORY)
    return None


def fleet_stays(case: Case) -> Result | None:
    """The Fleet is not on its way out: its firewall could go before a new tenant's machine comes.

    It waits for those that have a machine or data; they are served on.
    """
    server, volume = case.world.server, case.world.volume
    served = isinstance(server, Server) or (
        isinstance(volume, Volume) and holds_data(volume, known=case.memory.data_volume_id)
    )
    if served or not case.fleet_leaves:
        return None
    own, name = case.identity, case.home.identity.name
    return Stop(
        "FleetNotAccepted",
        f"The Fleet {name} is being deleted, which cannot be taken back: it takes no new tenants, "
        f"and waits for this one to go: kubectl delete tenant {own.name} -n {own.namespace}. Then "
        "apply it with another Fleet, or with this one once you have made it anew.",
        after=60,
    )


def place_found(case: Case) -> Result | None:
    """There is a type and a location for a machine that does not exist yet."""
    if not case.home.catalogue:
        return Wait("WaitingForFleet", "The cloud's server types are being read.", 2)
    if isinstance(case.world.server, Server):
        return None
    placed = place(case)
    return placed if isinstance(placed, Stop) else None


def profile_ready(case: Case) -> Result | None:
    """The fleet's shared firewall and key exist."""
    if case.home.firewall_id is None or case.home.ssh_key_id is None:
        return Wait("WaitingForFleet", "The fleet's shared firewall and key are being made.", 2)
    return None


_CHECKS: Final[tuple[Callable[[Case], Result | None], ...]] = (
    fleet_exists,
    fleet_sound,
    hostname_inside_zone,
    hostname_free,
    model_key_found,
    inventory_known,
    fleet_stays,
    adoptable,
    place_found,
    profile_ready,
)
