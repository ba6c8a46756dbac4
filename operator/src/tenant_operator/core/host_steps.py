"""The steps on the machine itself: reachable, hardened, disk, stack, certificate, verified.

What changes the machine is a `Job`; a step asks whether the job's digest has run, starts it if
not, waits while it runs and reads the cause when it failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tenant_operator.core.case import UNKNOWN, Case, HostProblem, TenantKeys
from tenant_operator.core.names import HOLDS_DATA
from tenant_operator.core.placement import holds_data
from tenant_operator.core.results import (
    Do,
    Done,
    ForgetKeys,
    LabelVolume,
    Look,
    Result,
    Retry,
    StartJob,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.trouble import with_help
from tenant_operator.core.world import (
    Glimpse,
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
        HostFailure.DISK_FULL,
        HostFailure.FOREIGN_DISK,
        HostFailure.UNHEALTHY,
    }
)
HEALTHY: Final = frozenset({"healthy", "running"})
NEWS_PAUSE: Final = 0.2
"""Short, because a look at a machine on which something runs waits there for news."""
JOB_ROOT_MIB: Final = 64
"""What a job's own files may take; with less they could not even be copied."""
RELEASE_ROOT_MIB: Final = 1024
RELEASE_DATA_MIB: Final = 128
"""What a release needs; the host agent asks for the same once it runs."""
IDLE_SERVICES: Final = frozenset({"agent-blue", "agent-green"})
"""One of the two runs; the other is absent or exited on purpose."""


def reachable(case: Case) -> Result:
    """SSH answers with the pinned key, cloud-init is done, and the first host key is replaced."""
    sight, machine = case.world.host, case.world.server
    if sight is UNKNOWN:
        return Look(Subject.HOST)
    if sight.facts is None:
        return _no_facts(sight.problem, machine)
    facts = sight.facts
    if facts.cloud_init == "running":
        return Wait(
            "CloudInitRunning", "cloud-init is running.", NEWS_PAUSE, subjects=(Subject.HOST,)
        )
    if facts.cloud_init == "error":
        return Stop(
            "CloudInitFailed",
            f"cloud-init failed: {facts.cloud_init_message or 'no cause given'}. Read "
            "/var/log/cloud-init-output.log on the machine; a deleted server is made anew.",
        )
    return _host_key_rotated(case, facts, sight.host_key)


def _no_facts(problem: HostProblem | None, machine: object) -> Result:
    kind = problem.kind if problem else "unreachable"
    message = problem.message if problem else "The machine was not looked at yet."
    if kind == "host-key":
        return Stop("HostKeyMismatch", with_help("HostKeyMismatch", message), after=15)
    if kind == "login":
        message = with_help("LoginRefused", message)
        return Wait("LoginRefused", message, 5, subjects=(Subject.HOST,))
    starting = isinstance(machine, Server) and machine.status != "running"
    reason = "Booting" if starting else "HostUnreachable"
    return Wait(reason, with_help(reason, message), 1, subjects=(Subject.HOST,))


def _host_key_rotated(case: Case, facts: HostFacts, shown: str) -> Result:
    held = case.world.keys
    if not isinstance(held, TenantKeys) or held.host_key is None:
        return Look(Subject.KEYS)
    if held.boot_host_key is None:
        return Done("SSH answers with the pinned host key.")
    if shown == held.host_key.public:
        return Do(
            ForgetKeys(("boot_host_key",)),
            "RotatingHostKey",
            "The lasting host key is in use; the first one is not accepted any more.",
        )
    job = case.recipe.rotate_host_key(held.host_key)
    outcome = job_result(job, facts, "RotatingHostKey", "Installing the lasting host key.")
    if isinstance(outcome, Done):
        return Wait("RotatingHostKey", "Connecting anew.", 0, subjects=(Subject.HOST,))
    return outcome


def hardened(case: Case) -> Result:
    """The declared list of measures has run with today's inputs."""
    facts = _facts(case)
    if facts is None:
        return Look(Subject.HOST)
    job = case.recipe.harden(facts)
    outcome = job_result(job, facts, "Hardening", "Applying the hardening measures.")
    if isinstance(outcome, Done):
        return Done("Every measure of the list holds.")
    return given_room(outcome, facts)


def data_disk(case: Case) -> Result:
    """The data volume is mounted; it is labelled as holding data before that first happens."""
    facts, disk = _facts(case), case.world.volume
    if facts is None or not isinstance(disk, Volume):
        return Look(Subject.HOST if facts is None else Subject.VOLUME)
    if not holds_data(disk):
        labels = {**disk.labels, HOLDS_DATA: "true"}
        return Do(LabelVolume(disk.id, labels), "MountingDisk", "Marking the volume as in use.")
    job = case.recipe.data_disk(disk)
    outcome = job_result(job, facts, "MountingDisk", "Mounting the data volume.")
    outcome = given_room(outcome, facts)
    if isinstance(outcome, Done) and facts.mounted_volume != disk.id:
        return Do(StartJob(job), "MountingDisk", "The data volume is not mounted; mounting it.")
    return Done("Mounted at /srv/tenant.") if isinstance(outcome, Done) else outcome


def stack(case: Case) -> Result:
    """The wanted bundle is live and every service of it is healthy."""
    facts = _facts(case)
    if facts is None:
        return Look(Subject.HOST)
    job = case.recipe.deploy()
    outcome = job_result(job, facts, "DeployingRelease", f"Deploying {job.digest[:12]}.")
    outcome = given_room(outcome, facts, root=RELEASE_ROOT_MIB, data=RELEASE_DATA_MIB)
    if not isinstance(outcome, Done):
        return outcome
    if facts.release != job.digest:
        return Do(StartJob(job), "DeployingRelease", f"Deploying {job.digest[:12]} again.")
    sick = unhealthy_services(facts.services)
    if sick:
        return Wait(
            "WaitingForServices",
            "Not healthy: " + ", ".join(f"{name} ({state})" for name, state in sick) + ".",
            3,
            subjects=(Subject.HOST,),
        )
    return Done(f"Release {job.digest[:12]} is live.")


def unhealthy_services(services: Mapping[str, str]) -> list[tuple[str, str]]:
    """Services that should be healthy and are not; of the two agent slots one must be."""
    agents = {name: state for name, state in services.items() if name in IDLE_SERVICES}
    sick = [
        (name, state)
        for name, state in sorted(services.items())
        if name not in IDLE_SERVICES and state not in HEALTHY
    ]
    if not any(state in HEALTHY for state in agents.values()):
        sick.append(("agent", ", ".join(agents.values()) or "absent"))
    return sick


def certificate(case: Case) -> Result:
    """A trusted certificate is served under the public name."""
    seen = case.world.outside
    if seen is UNKNOWN:
        return Look(Subject.OUTSIDE)
    if seen.trusted:
        until = f", valid until {seen.not_after:%Y-%m-%d}" if seen.not_after else ""
        return Done(f"Issued by {seen.issuer}{until}.")
    reason = {"resolve": "NameNotResolved", "tls": "CertificateUntrusted"}.get(
        seen.problem, "CertificatePending"
    )
    return Wait(reason, _unseen(case, seen), 2, subjects=(Subject.OUTSIDE,))


def verified(case: Case) -> Result:
    """The public name answers."""
    seen = case.world.outside
    if seen is UNKNOWN:
        return Look(Subject.OUTSIDE)
    if seen.status == 200:
        return Done(f"{public_url(case)} answers.")
    return Wait("AwaitingAnswer", _unseen(case, seen), 2, subjects=(Subject.OUTSIDE,))


def _unseen(case: Case, seen: Glimpse) -> str:
    detail = seen.detail or f"it answered {seen.status}"
    return f"{public_url(case)}: {detail}."


def public_url(case: Case) -> str:
    """The address the customer types."""
    port = case.home.spec.public_port
    return f"https://{case.spec.hostname}" + ("" if port == 443 else f":{port}")


def job_result(job: Job, facts: HostFacts, reason: str, message: str) -> Result:
    """How a job stands: Done, still running, failed, or to be started."""
    state = facts.jobs.get(job.name)
    if state is None or state.digest != job.digest:
        if state is not None and state.phase is JobPhase.RUNNING:
            return Wait(reason, "An earlier run is ending.", 1, subjects=(Subject.HOST,))
        return Do(StartJob(job), reason, message)
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
        StartJob(job),
        failure=f"{state.digest} {state.finished}",
        reason=reason,
        message=with_help(reason, state.message or f"The job {state.name} failed."),
        person_needed=failure in NEEDS_A_PERSON,
    )


def given_room(
    outcome: Result, facts: HostFacts, *, root: int = JOB_ROOT_MIB, data: int = 0
) -> Result:
    """A job is started only where its files fit; a full disk is looked at again soon."""
    if not isinstance(outcome, Do | Retry):
        return outcome
    short = (
        ("root disk", facts.root_free_mib, root),
        ("data disk (/srv/tenant)", facts.data_free_mib, data),
    )
    for name, free, wanted in short:
        if free < wanted:
            cause = f"The machine's {name} has {free} MiB free and needs {wanted}."
            return Stop("DiskFull", with_help("DiskFull", cause), after=15)
    return outcome


def _facts(case: Case) -> HostFacts | None:
    return None if case.world.host is UNKNOWN else case.world.host.facts
