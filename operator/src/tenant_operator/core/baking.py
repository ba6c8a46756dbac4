"""Baking: a short-lived server is prepared, switched off, copied to a snapshot and removed.

Where it stands is read from the project alone: a snapshot's label holds the digest of what was
baked, the server's label says that its job has ended. The server is removed last.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.fleet_case import FleetCase
from tenant_operator.core.host_jobs import job_result
from tenant_operator.core.names import (
    BAKE_DIGEST,
    BAKED,
    fleet_labels,
    fleet_name,
    owned_by_fleet,
)
from tenant_operator.core.results import (
    CreateServer,
    CreateSnapshot,
    DeleteImage,
    DeleteServer,
    Do,
    Done,
    LabelServer,
    Look,
    MakeKeys,
    Result,
    Retry,
    ShutDown,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.world import Image, Job, Server, ServerSpec, ServerType

LONGEST: Final = timedelta(minutes=40)
"""After this a baking server is thrown away: it holds nothing."""
BAKE_KEYS: Final = ("bake_host_key", "bake_client_key")
LABEL_LIMIT: Final = 63


def image(case: FleetCase) -> Result:
    """A snapshot of today's packages and images is there, and nothing else of the kind."""
    if not case.spec.infrastructure.bake or case.bake is None:
        return Done("The fleet wants no snapshot.")
    held = case.world.snapshots
    if held is UNKNOWN:
        return Look(Subject.SNAPSHOTS)
    if case.world.server is UNKNOWN:
        return Look(Subject.SERVER)
    fresh = fresh_snapshot(held, case.bake)
    if fresh is None:
        return _bake(case, case.bake)
    if fresh.status == "creating":
        return Wait("BakingImage", "The snapshot is being made.", 3, subjects=(Subject.SNAPSHOTS,))
    if fresh.status == "unavailable":
        return Do(DeleteImage(fresh.id), "BakingImage", "The snapshot failed; removing it.")
    return _tidied(case, held, fresh)


def fresh_snapshot(held: tuple[Image, ...], bake: Job) -> Image | None:
    """The snapshot that holds exactly what `bake` would make; the finished one first."""
    matching = [found for found in held if found.labels.get(BAKE_DIGEST) == _label(bake)]
    return min(matching, key=lambda found: (found.status != "available", found.id), default=None)


def _label(bake: Job) -> str:
    return bake.digest[:LABEL_LIMIT]


def _tidied(case: FleetCase, held: tuple[Image, ...], fresh: Image) -> Result:
    server = case.world.server
    if isinstance(server, Server) and owned_by_fleet(server.labels, case.identity):
        return Do(DeleteServer(server.id), "BakingImage", "Removing the baking server.")
    for other in held:
        if other.id != fresh.id:
            return Do(DeleteImage(other.id), "BakingImage", "Removing an older snapshot.")
    return Done(f"Snapshot {fresh.id}.")


def _bake(case: FleetCase, bake: Job) -> Result:
    server = case.world.server
    if not isinstance(server, Server):
        return _started(case, bake)
    if not owned_by_fleet(server.labels, case.identity):
        return Stop(
            "NameConflict",
            f"The server {server.name} exists and carries no label of this Fleet. It is left "
            "untouched; rename or remove it.",
        )
    if server.labels.get(BAKE_DIGEST) != _label(bake):
        return Do(DeleteServer(server.id), "BakingImage", "The images changed; starting anew.")
    if server.created is not None and case.now - server.created > LONGEST:
        return Do(DeleteServer(server.id), "BakingImage", "Baking took too long; starting anew.")
    if server.labels.get(BAKED) == "true":
        return _copied(case, server, bake)
    return _prepared(case, server, bake)


def _started(case: FleetCase, bake: Job) -> Result:
    if case.world.keys is UNKNOWN:
        return Look(Subject.KEYS)
    if case.world.keys is None:
        return Do(MakeKeys(BAKE_KEYS), "BakingImage", "Making keys for the baking server.")
    placed = bake_place(case)
    if placed is None:
        return Stop("OutOfStock", "No server type is in stock to bake a snapshot with.", 300)
    kind, location = placed
    ssh_key = case.world.ssh_key
    spec = ServerSpec(
        name=fleet_name(case.identity),
        type=kind.name,
        location=location,
        image=case.spec.infrastructure.image,
        labels={**fleet_labels(case.identity), BAKE_DIGEST: _label(bake)},
        user_data=case.user_data,
        ssh_key_ids=() if ssh_key is None or ssh_key is UNKNOWN else (ssh_key.id,),
    )
    return Do(CreateServer(spec), "BakingImage", f"Making a {kind.name} in {location}.")


def bake_place(case: FleetCase) -> tuple[ServerType, str] | None:
    """The wanted type with the smallest disk, so that the snapshot fits all of its architecture."""
    kinds = () if case.world.catalogue is UNKNOWN else case.world.catalogue
    by_name = {kind.name: kind for kind in kinds}
    wanted = [by_name[name] for name in case.spec.infrastructure.server_types if name in by_name]
    offers = [
        (kind, location)
        for kind in wanted
        for location in case.spec.infrastructure.locations
        if location in kind.offers
        and kind.architecture == wanted[0].architecture
        and (kind.name, location) not in case.world.sold_out
    ]
    return min(
        offers,
        key=lambda offer: (not offer[0].offers[offer[1]], offer[0].disk_gib),
        default=None,
    )


def _prepared(case: FleetCase, server: Server, bake: Job) -> Result:
    action = case.world.actions.get(Subject.SERVER)
    if action is not None and action.failed:
        return Retry(
            DeleteServer(server.id),
            failure=str(action.id),
            reason="ActionFailed",
            message=f"Making the baking server failed ({action.error_code}).",
        )
    sight = case.world.host
    if sight is UNKNOWN:
        return Look(Subject.HOST)
    if sight.facts is None:
        problem = sight.problem.message if sight.problem else "not looked at yet"
        return Wait("BakingImage", problem, 1, subjects=(Subject.HOST,))
    if sight.facts.cloud_init == "error":
        return Retry(
            DeleteServer(server.id),
            failure=sight.facts.boot_id,
            reason="CloudInitFailed",
            message=f"cloud-init failed on the baking server: {sight.facts.cloud_init_message}",
        )
    if sight.facts.cloud_init == "running":
        return Wait("BakingImage", "cloud-init is running.", 1, subjects=(Subject.HOST,))
    outcome = job_result(bake, sight.facts, "BakingImage", "Installing packages, pulling images.")
    if isinstance(outcome, Done):
        labels = {**server.labels, BAKED: "true"}
        return Do(LabelServer(server.id, labels), "BakingImage", "The baking server is prepared.")
    return outcome


def _copied(case: FleetCase, server: Server, bake: Job) -> Result:
    action = case.world.actions.get(Subject.SERVER)
    busy = action is not None and action.status == "running"
    if server.status == "off" and not busy:
        labels = {**fleet_labels(case.identity), BAKE_DIGEST: _label(bake)}
        effect = CreateSnapshot(server.id, f"{case.identity.key} {bake.digest[:12]}", labels)
        return Do(effect, "BakingImage", "Making the snapshot.")
    if server.status == "running" and not busy and action is None:
        return Do(ShutDown(server.id), "BakingImage", "Switching the baking server off.")
    return Wait("BakingImage", "The baking server is going off.", 2, subjects=(Subject.SERVER,))
