"""The end of a tenant, from top to bottom: everything of its own goes, nothing else is touched.

The finalizer goes last and only when the provider has said that nothing is left.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tenant_operator.core.adoption import tombstone_removed
from tenant_operator.core.case import UNKNOWN, Case
from tenant_operator.core.durations import parse_duration
from tenant_operator.core.host_jobs import job_result
from tenant_operator.core.names import ACCEPT_EMPTY_VOLUME, HOLDS_DATA, RETAIN_UNTIL, owned_by
from tenant_operator.core.placement import holds_data
from tenant_operator.core.results import (
    DeleteAddress,
    DeleteServer,
    DeleteVolume,
    Do,
    Done,
    DropKeys,
    Look,
    ReleaseVolume,
    RemoveFinalizer,
    Result,
    RetainVolume,
    Stop,
    Subject,
    Wait,
    WithdrawRecord,
)
from tenant_operator.core.step import Step
from tenant_operator.core.steps import OPENS_DATA
from tenant_operator.core.world import JobPhase, Server, Volume


def protection(case: Case) -> Result:
    """The deletion is wanted."""
    if case.spec.deletion.protected:
        return Stop(
            "DeletionBlocked",
            f"The Tenant is protected; everything goes on running. To let it go: kubectl patch "
            f"tenant {case.identity.name} -n {case.identity.namespace} --type merge -p "
            '\'{"spec":{"deletion":{"protected":false}}}\'',
        )
    world = case.world
    if UNKNOWN in (world.server, world.volume, world.address, world.records):
        return Look(Subject.INVENTORY)
    return Done()


def kept_data_opens(case: Case) -> Result:
    """What is to be kept is there with its password; the machine that knows it goes only then."""
    if unseen := _unseen(case):
        return unseen
    held = case.world.volume
    if not _kept(case) or not isinstance(held, Volume) or not _ours(case, held.labels):
        return Done("No data is to be kept.")
    if RETAIN_UNTIL in held.labels:
        return Done(f"{held.name} is kept.")
    secrets = case.world.keys
    if secrets is UNKNOWN:
        return Look(Subject.KEYS)
    if secrets is not None and OPENS_DATA not in secrets.missing:
        return Done(f"{OPENS_DATA} is there.")
    name, namespace = case.identity.name, case.identity.namespace
    return Stop(
        "SecretLost",
        f"{OPENS_DATA} vanished from the Secret {name}-secrets, and {held.name} is to be kept but "
        "opens with no other. Put it back from your backup of the cluster, or let the data go: "
        f"kubectl patch tenant {name} -n {namespace} --type merge -p "
        '\'{"spec":{"deletion":{"retain":"0s"}}}\'',
    )


def _unseen(case: Case) -> Stop | None:
    """Data that is to be kept is nowhere: with another project's token it lives on elsewhere.

    Its passwords are not dropped for that. Once it is seen again it is marked as kept with them.
    """
    lost, held = case.memory.data_volume_id, case.world.volume
    seen = isinstance(held, Volume) and _ours(case, held.labels)
    accepted = case.annotations.get(ACCEPT_EMPTY_VOLUME) == str(lost)
    if lost is None or seen or accepted or not _to_be_kept(case):
        return None
    name, namespace = case.identity.name, case.identity.namespace
    return Stop(
        "DataVolumeLost",
        f"Volume {lost}, whose data is to be kept, is not to be found in the cloud project of the "
        "Fleet's token; nothing was removed. If the token is another project's, put the right one "
        "back into its Secret. If the volume is gone and the data may be lost: kubectl annotate "
        f"tenant {name} -n {namespace} {ACCEPT_EMPTY_VOLUME}={lost}",
    )


def stack_stopped(case: Case) -> Result:
    """Databases are closed cleanly when the machine can still be reached."""
    machine = case.world.server
    if not isinstance(machine, Server) or not _ours(case, machine.labels) or not _kept(case):
        return Done("Nothing on the machine is kept.")
    if machine.status != "running":
        return Done(f"The machine is {machine.status}.")
    sight = case.world.host
    if sight is UNKNOWN:
        return Look(Subject.HOST)
    if sight.facts is None or case.recipes is None:
        return Done("The machine does not answer.")
    job = case.recipes.stop_stack()
    state = sight.facts.jobs.get(job.name)
    if state is not None and state.phase is JobPhase.FAILED:
        return Done(f"Stopping failed: {state.message}")
    return job_result(job, sight.facts, "StoppingStack", "Stopping the services.")


def names_withdrawn(case: Case) -> Result:
    """No DNS record of the tenant is left."""
    held = case.world.records
    if held is UNKNOWN:
        return Look(Subject.RECORDS)
    for record in held:
        return Do(WithdrawRecord(record), "WithdrawingRecord", f"Removing {record.hostname}.")
    return Done()


def server_deleted(case: Case) -> Result:
    """The machine is gone."""
    held = case.world.server
    if held is UNKNOWN:
        return Look(Subject.SERVER)
    action = case.world.actions.get(Subject.SERVER)
    if held is None or not _ours(case, held.labels):
        return Done()
    if action is not None and action.status == "running" and action.command == "delete_server":
        return Wait("DeletingServer", f"{held.name} is being removed.", 30)
    return Do(DeleteServer(held.id), "DeletingServer", f"Removing {held.name}.")


def volume_settled(case: Case) -> Result:
    """The volume is deleted, or labelled with the day until which it is kept."""
    held = case.world.volume
    if held is UNKNOWN:
        return Look(Subject.VOLUME)
    if held is None or not _ours(case, held.labels):
        return Done()
    if settling := tombstone_removed(held):
        return settling
    if not _kept(case) and RETAIN_UNTIL in held.labels:
        labels = {name: value for name, value in held.labels.items() if name != RETAIN_UNTIL}
        return Do(
            ReleaseVolume(held.id, labels),
            "DeletingVolume",
            f"{held.name} is not to be kept any more, and neither are its passwords.",
        )
    if not _kept(case):
        return Do(DeleteVolume(held.id), "DeletingVolume", f"Removing {held.name} and its data.")
    if RETAIN_UNTIL in held.labels:
        return Done(f"{held.name} is kept.")
    until = int((case.now + parse_duration(case.spec.deletion.retain)).timestamp())
    return Do(
        RetainVolume(held.id, {**held.labels, HOLDS_DATA: "true", RETAIN_UNTIL: str(until)}),
        "RetainingVolume",
        f"Keeping {held.name} for {case.spec.deletion.retain}.",
    )


def address_returned(case: Case) -> Result:
    """The address is given back."""
    held = case.world.address
    if held is UNKNOWN:
        return Look(Subject.ADDRESS)
    if held is None or not _ours(case, held.labels):
        return Done()
    return Do(DeleteAddress(held.id), "DeletingAddress", f"Giving {held.ip} back.")


def absence_proved(case: Case) -> Result:
    """The provider says that nothing of the tenant's own is left."""
    left = case.world.leftovers
    if left is UNKNOWN:
        return Look(Subject.LEFTOVERS)
    if left:
        return Wait(
            "ConfirmingAbsence",
            f"Still there: {', '.join(left)}.",
            3,
            subjects=(Subject.INVENTORY, Subject.LEFTOVERS),
        )
    return Done()


def keys_deleted(case: Case) -> Result:
    """The tenant's own Secret is gone."""
    if case.world.keys is UNKNOWN:
        return Look(Subject.KEYS)
    if case.world.keys is None:
        return Done()
    return Do(DropKeys(), "DeletingSecrets", "Removing the tenant's own Secret.")


def forgotten(case: Case) -> Result:
    """Kubernetes may forget the Tenant."""
    del case
    return Do(RemoveFinalizer(), "Deleting", "Nothing is left.")


def _ours(case: Case, labels: object) -> bool:
    return isinstance(labels, dict) and owned_by(labels, case.identity)


def _to_be_kept(case: Case) -> bool:
    return parse_duration(case.spec.deletion.retain) > timedelta(0)


def _kept(case: Case) -> bool:
    held, known = case.world.volume, case.memory.data_volume_id
    return _to_be_kept(case) and isinstance(held, Volume) and holds_data(held, known=known)


_LIMIT: Final = timedelta(minutes=10)
TEARDOWN: Final[tuple[Step[Case], ...]] = tuple(
    Step(condition="TornDown", decide=decide, deadline=_LIMIT)
    for decide in (
        protection,
        kept_data_opens,
        stack_stopped,
        names_withdrawn,
        server_deleted,
        volume_settled,
        address_returned,
        absence_proved,
        keys_deleted,
        forgotten,
    )
)
