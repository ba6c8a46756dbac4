"""Another type for a machine that exists: decided while it runs, changed while it is off.

Only the Tenant's own list changes a machine. The Fleet's is for new ones: one edit of it must not
switch every customer off at once. The machine's disk stays as it is, so that a change can be taken
back, and a machine that cannot be changed goes on as it was (docs/decisions/0023).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tenant_operator.core.case import Case
from tenant_operator.core.placement import OUT_OF_STOCK_RETRY_SECONDS, known_types
from tenant_operator.core.results import (
    ChangeType,
    Do,
    Done,
    Look,
    PowerOff,
    Result,
    ShutDown,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.world import ActionRef, Server, ServerType

GRACE: Final = timedelta(seconds=60)
"""How long a machine may take to switch itself off."""
FORGOTTEN: Final = timedelta(minutes=10)
"""A power-button signal older than this belongs to another story."""
OURS: Final = frozenset({"stop_server", "change_server_type"})
"""Commands of the provider's jobs that are waited for here."""
SOLD_OUT: Final = "it is sold out"


def other_type(case: Case, held: Server) -> ServerType | Stop | None:
    """What a machine should become: None if it may stay, Stop if it must and cannot change."""
    wanted = case.spec.server.types
    if not wanted or held.type in wanted or not case.home.catalogue:
        return None
    known = known_types(case)
    if isinstance(known, Stop):
        return known
    by_name = {kind.name: kind for kind in case.home.catalogue}
    found = [by_name[name] for name in wanted if name in by_name]
    hindrances = {kind.name: _hindrance(case, held, kind, by_name.get(held.type)) for kind in found}
    free = [kind for kind in found if not hindrances[kind.name]]
    return free[0] if free else _stuck(held, hindrances)


def _hindrance(case: Case, held: Server, kind: ServerType, present: ServerType | None) -> str:
    """Why a machine cannot become of a kind now; empty when it can."""
    if present is not None and kind.architecture != present.architecture:
        return f"its architecture is {kind.architecture}, the machine's {present.architecture}"
    if kind.disk_gib < held.disk_gib:
        return f"its disk has {kind.disk_gib} GiB, the machine's {held.disk_gib}"
    if held.location not in kind.offers:
        return f"it is not offered in {held.location}"
    if not kind.offers[held.location]:
        return f"{SOLD_OUT} in {held.location}"
    return case.world.refused_types.get(kind.name, "")


def _stuck(held: Server, hindrances: dict[str, str]) -> Stop:
    told = "; ".join(f"{name}: {why}" for name, why in hindrances.items())
    passing = any(why.startswith(SOLD_OUT) for why in hindrances.values())
    message = f"The machine stays a {held.type} and runs on. {told}. "
    if passing:
        message += "It is tried again by itself; more types in spec.server.types would help."
        return Stop("OutOfStock", message, OUT_OF_STOCK_RETRY_SECONDS)
    message += (
        f"Choose other types in spec.server.types; or, to have the machine made anew with its "
        f"volume and address: hcloud server delete {held.name}"
    )
    return Stop("TypeNotPossible", message)


def type_changed(case: Case, held: Server) -> Result | None:
    """The next step towards a wanted type; None when there is none to take."""
    action = case.world.actions.get(Subject.SERVER)
    if action is not None and action.status == "running" and action.command in OURS:
        return Wait("ChangingType", f"{action.command} is running.", 30)
    age = _age(case, action)
    if age is not None and age < GRACE and not _off(held):
        return _going_off(held)
    wanted = other_type(case, held)
    if not isinstance(wanted, ServerType):
        return None
    story = f"{held.type} becomes {wanted.name}; volume and address stay."
    if _off(held):
        return Do(ChangeType(held.id, wanted.name), "ChangingType", story)
    if held.status != "running":
        return _going_off(held)
    if age is not None and age < FORGOTTEN:
        return Do(PowerOff(held.id), "ChangingType", "The machine did not switch itself off.")
    return Do(ShutDown(held.id), "ChangingType", f"{story} The machine is switched off for it.")


def _off(held: Server) -> bool:
    return held.status == "off"


def _going_off(held: Server) -> Wait:
    return Wait("ChangingType", f"The machine is {held.status}.", 2, subjects=(Subject.SERVER,))


def _age(case: Case, action: ActionRef | None) -> timedelta | None:
    """How long ago the power-button signal was sent."""
    if action is None or action.sent is None:
        return None
    return case.now - action.sent


def placed_as_wanted(case: Case) -> Result:
    """The machine has a wanted type and stands where it should; else why it cannot."""
    held = case.world.server
    if not isinstance(held, Server):
        return Look(Subject.SERVER)
    wanted = case.spec.server.location
    if wanted not in (None, held.location):
        return Stop(
            "LocationFixed",
            f"The machine and its data are in {held.location} and cannot move to {wanted}. Set "
            f"spec.server.location to {held.location} or leave it out.",
        )
    found = other_type(case, held)
    return found if isinstance(found, Stop) else Done(f"{held.type} in {held.location}.")
