"""How the operator's jobs on a machine stand: done, at work, failed, or to be started.

A job's record on the machine is compared with today's digest. Whoever starts a job has the due ones
of the steps after it done right behind it, so that a new machine works off one list from its first
SSH connection on; each step still reads the record of its own job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tenant_operator.core.case import UNKNOWN, Case
from tenant_operator.core.names import HOLDS_DATA
from tenant_operator.core.placement import is_marked
from tenant_operator.core.results import (
    Do,
    Done,
    LabelVolume,
    Look,
    Result,
    Retry,
    StartJobs,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.stack import JOB_DATA_DISK, JOB_DEPLOY
from tenant_operator.core.trouble import with_help
from tenant_operator.core.world import (
    HostFacts,
    HostFailure,
    Job,
    JobPhase,
    JobState,
    Server,
    Volume,
)

FAILURE_REASONS: Final[Mapping[HostFailure, str]] = {
    HostFailure.APT_LOCKED: "AptLocked",
    HostFailure.APT_FAILED: "AptFailed",
    HostFailure.PULL_FAILED: "ImagePullFailed",
    HostFailure.IMAGE_MISSING: "ImageNotFound",
    HostFailure.REGISTRY_DENIED: "RegistryDenied",
    HostFailure.DISK_FULL: "DiskFull",
    HostFailure.DISK_MISSING: "DiskMissing",
    HostFailure.FOREIGN_DISK: "ForeignDisk",
    HostFailure.UNHEALTHY: "Unhealthy",
    HostFailure.INTERRUPTED: "Interrupted",
    HostFailure.OTHER: "HostJobFailed",
}
NEEDS_A_PERSON: Final = frozenset(
    {
        HostFailure.IMAGE_MISSING,
        HostFailure.REGISTRY_DENIED,
        HostFailure.FOREIGN_DISK,
        HostFailure.UNHEALTHY,
    }
)
"""A full disk is none of them: `given_room` sees when somebody has made room."""
SERVICES: Final = ("traefik", "postgres", "redis", "worker")
AGENT_SLOTS: Final = ("agent-blue", "agent-green")
"""One of the two runs; the other is absent or exited on purpose."""
ABSENT: Final = "absent"
STOPPED: Final = frozenset({ABSENT, "created", "exited", "dead"})
"""Docker starts none of these again: stopped by hand, removed, or without their disk at boot."""
NEWS_PAUSE: Final = 0.05
"""Short, because a look at a machine on which something runs waits there for news."""
JOB_ROOT_MIB: Final = 64
"""What a job's own files may take; with less they could not even be copied."""
RELEASE_ROOT_MIB: Final = 1024
RELEASE_DATA_MIB: Final = 128
"""What a release needs; the host agent asks for the same once it runs."""


def worked_off(case: Case, job: Job, reason: str, message: str) -> Result:
    """How a step's job stands; what starts it starts the due jobs of later steps behind it."""
    facts = facts_of(case)
    if facts is None:
        return Look(Subject.HOST)
    outcome = given_room(_standing(job, facts, reason, message), facts, job)
    if not isinstance(outcome, Do | Retry):
        return outcome
    later = [after for after in _jobs_after(case, job) if _is_due(after, facts)]
    disk = case.world.volume
    # The label comes before the first job that may write to the volume.
    marking = marked(disk) if isinstance(disk, Volume) else None
    return marking or replace(outcome, effect=StartJobs((job, *later)))


def marked(disk: Volume) -> Result | None:
    """A volume in use says so by a label, which anybody can remove; None when it is there."""
    if is_marked(disk):
        return None
    labels = {**disk.labels, HOLDS_DATA: "true"}
    return Do(LabelVolume(disk.id, labels), "MountingDisk", "Marking the volume as in use.")


def _jobs_after(case: Case, first: Job) -> Sequence[Job]:
    """The jobs of later steps, as far as what they need is there."""
    disk, machine = case.world.volume, case.world.server
    jobs = [case.recipe.harden()]
    if isinstance(disk, Volume) and isinstance(machine, Server) and disk.server_id == machine.id:
        jobs += [case.recipe.data_disk(disk), case.recipe.deploy()]
    names = [job.name for job in jobs]
    return jobs[names.index(first.name) + 1 :] if first.name in names else jobs


def _is_due(job: Job, facts: HostFacts) -> bool:
    return isinstance(given_room(_standing(job, facts, "", ""), facts, job), Do | Retry)


def _standing(job: Job, facts: HostFacts, reason: str, message: str) -> Result:
    """As `job_result`; a job whose result the machine does not show any more is to be repeated."""
    outcome, mounted = job_result(job, facts, reason, message), facts.mounted_volume
    if not isinstance(outcome, Done):
        return outcome
    again = Do(StartJobs((job,)), reason, message)
    if job.name == JOB_DATA_DISK and (mounted is None or job.arguments != (str(mounted),)):
        return again
    if job.name == JOB_DEPLOY and facts.release != job.digest:
        return again
    if job.name == JOB_DEPLOY and (stopped := stopped_services(facts.services)):
        named = ", ".join(f"{name} ({state})" for name, state in stopped)
        return replace(again, message=f"Starting what does not run: {named}.")
    return outcome


def stopped_services(services: Mapping[str, str]) -> list[tuple[str, str]]:
    """Services that nothing will start by itself, with what they are; one agent slot is enough."""
    found = {name: services.get(name, ABSENT) for name in SERVICES}
    down = [(name, state) for name, state in found.items() if state in STOPPED]
    agents = [services.get(name, ABSENT) for name in AGENT_SLOTS]
    if all(state in STOPPED for state in agents):
        down.append(("agent", next((state for state in agents if state != ABSENT), ABSENT)))
    return down


def job_result(job: Job, facts: HostFacts, reason: str, message: str) -> Result:
    """How a job stands: Done, still running, failed, or to be started."""
    state = facts.jobs.get(job.name)
    if state is None or state.digest != job.digest:
        if state is not None and state.phase is JobPhase.RUNNING:
            return Wait(reason, "An earlier run is ending.", 1, subjects=(Subject.HOST,))
        return Do(StartJobs((job,)), reason, message)
    match state.phase:
        case JobPhase.DONE:
            return Done()
        case JobPhase.RUNNING:
            return _running(state, reason, message)
        case JobPhase.FAILED:
            return _failed(job, state)


def _running(state: JobState, reason: str, message: str) -> Wait:
    """At work; a job that is held up by something says by what."""
    said = state.message or message
    if state.failure is not None:
        reason = FAILURE_REASONS[state.failure]
        said = with_help(reason, said)
    return Wait(reason, said, NEWS_PAUSE, subjects=(Subject.HOST,))


def _failed(job: Job, state: JobState) -> Retry:
    failure = state.failure or HostFailure.OTHER
    reason = FAILURE_REASONS[failure]
    return Retry(
        StartJobs((job,)),
        failure=f"{state.digest} {state.unit} {state.finished}",
        reason=reason,
        message=with_help(reason, state.message or f"The job {state.name} failed."),
        person_needed=failure in NEEDS_A_PERSON,
        # Somebody may have detached it since it was last listed.
        subjects=(Subject.VOLUME,) if failure is HostFailure.DISK_MISSING else (),
    )


def given_room(outcome: Result, facts: HostFacts, job: Job) -> Result:
    """A job is started only where its files fit; a full disk is looked at again soon."""
    if not isinstance(outcome, Do | Retry):
        return outcome
    release = job.name == JOB_DEPLOY
    short = [("root disk", facts.root_free_mib, RELEASE_ROOT_MIB if release else JOB_ROOT_MIB)]
    if release and facts.mounted_volume is not None:
        short.append(("data disk (/srv/tenant)", facts.data_free_mib, RELEASE_DATA_MIB))
    for name, free, wanted in short:
        if free < wanted:
            cause = f"The machine's {name} has {free} MiB free and needs {wanted}."
            return Stop("DiskFull", with_help("DiskFull", cause), after=15)
    return outcome


def facts_of(case: Case) -> HostFacts | None:
    """What the last look at the machine found; None when it found nothing or there was none."""
    return None if case.world.host is UNKNOWN else case.world.host.facts
