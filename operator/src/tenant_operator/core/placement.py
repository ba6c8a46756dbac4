"""Where a tenant's machine goes: decided before anything is made, and again when stock runs out.

A volume and an address bind to a location. As long as the volume was never mounted both can be
given up for the next location; once it holds data only the server type can change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tenant_operator.core.adoption import pending
from tenant_operator.core.case import UNKNOWN, Case, Seen
from tenant_operator.core.names import HOLDS_DATA
from tenant_operator.core.results import Stop
from tenant_operator.core.world import PrimaryIP, Server, ServerType, Volume

OUT_OF_STOCK_RETRY_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A location and a type that is offered there."""

    location: str
    type: ServerType


def is_marked(volume: Volume) -> bool:
    """Whether a volume says by its own label that it was mounted once."""
    return volume.labels.get(HOLDS_DATA) == "true"


def holds_data(volume: Volume, *, known: int | None) -> bool:
    """Whether a volume was ever mounted, by its label or by `known`, the one the status names.

    Either is enough: anybody can edit a label, and a status can be lost.
    """
    return is_marked(volume) or volume.id == known


def place(case: Case) -> Placement | Stop:
    """The best place for a tenant whose server does not exist yet."""
    types = known_types(case)
    if isinstance(types, Stop):
        return types
    locations = allowed_locations(case, types)
    if isinstance(locations, Stop):
        return locations
    offers = [
        Placement(location=location, type=kind)
        for location in locations
        for kind in types
        if location in kind.offers and (kind.name, location) not in case.world.sold_out
    ]
    in_stock = [offer for offer in offers if offer.type.offers[offer.location]]
    if chosen := (in_stock or offers):
        return chosen[0]
    tried = ", ".join(f"{kind.name} in {place}" for place in locations for kind in types)
    return Stop(
        "OutOfStock",
        f"Sold out: {tried}. It is tried again every "
        f"{OUT_OF_STOCK_RETRY_SECONDS / 60:.0f} minutes; more server types or locations in the "
        "Fleet would help.",
        OUT_OF_STOCK_RETRY_SECONDS,
    )


def known_types(case: Case) -> tuple[ServerType, ...] | Stop:
    """The wanted types that exist, all of the first one's architecture."""
    wanted = case.spec.server.types or case.home.spec.infrastructure.server_types
    by_name = {kind.name: kind for kind in case.home.catalogue}
    found = [by_name[name] for name in wanted if name in by_name]
    if not found:
        known = ", ".join(sorted(kind.name for kind in case.home.catalogue if not kind.deprecated))
        return Stop(
            "UnknownServerType",
            f"The cloud offers none of {', '.join(wanted)}. It offers: {known}.",
        )
    return tuple(kind for kind in found if kind.architecture == found[0].architecture)


def allowed_locations(case: Case, types: Sequence[ServerType]) -> tuple[str, ...] | Stop:
    """Locations in the order to try; the one that already holds things comes first."""
    wanted = wanted_locations(case)
    fixed = fixed_location(case)
    if fixed is not None and case.spec.server.location not in (None, fixed):
        return Stop(
            "LocationFixed",
            f"The data volume is in {fixed} and cannot move to {case.spec.server.location}. "
            f"Set spec.server.location to {fixed} or leave it out.",
        )
    candidates = (fixed,) if fixed is not None else _held_first(case, wanted)
    offered = tuple(place for place in candidates if any(place in kind.offers for kind in types))
    if offered:
        return offered
    names = ", ".join(kind.name for kind in types)
    known = ", ".join(sorted({place for kind in types for place in kind.offers}))
    return Stop(
        "UnknownLocation",
        f"None of {names} is offered in {', '.join(candidates)}. They are offered in: {known}.",
    )


def wanted_locations(case: Case) -> tuple[str, ...]:
    """The spec's one location, or the fleet's list."""
    if case.spec.server.location is not None:
        return (case.spec.server.location,)
    return tuple(case.home.spec.infrastructure.locations)


def fixed_location(case: Case) -> str | None:
    """Where the tenant must stay: with its data."""
    volume, left = case.world.volume, case.world.retained
    if isinstance(volume, Volume) and holds_data(volume, known=case.memory.data_volume_id):
        return volume.location
    if pending(case) is not None and left is not UNKNOWN and left.volume is not None:
        return left.volume.location
    return None


def _held_first(case: Case, wanted: tuple[str, ...]) -> tuple[str, ...]:
    held = [
        thing.location
        for thing in (case.world.server, case.world.volume, case.world.address)
        if isinstance(thing, Server | Volume | PrimaryIP) and thing.location in wanted
    ]
    return tuple(dict.fromkeys([*held, *wanted]))


def belongs_elsewhere(case: Case, thing: Seen[Volume] | Seen[PrimaryIP], *, location: str) -> bool:
    """Whether a thing that holds nothing yet is in another location than the chosen one."""
    if not isinstance(thing, Volume | PrimaryIP) or thing.server_id is not None:
        return False
    if isinstance(thing, Volume) and holds_data(thing, known=case.memory.data_volume_id):
        return False
    return thing.location != location
