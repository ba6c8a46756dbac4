"""The steps on the machine itself: reachable, hardened, disk, stack, certificate, verified.

What changes the machine is a job, which `host_jobs` starts, waits for and tries again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tenant_operator.core.case import UNKNOWN, Case, HostProblem, TenantKeys
from tenant_operator.core.host_jobs import (
    ABSENT,
    AGENT_SLOTS,
    NEWS_PAUSE,
    facts_of,
    marked,
    worked_off,
)
from tenant_operator.core.results import (
    Do,
    Done,
    ForgetKeys,
    Look,
    Result,
    Stop,
    Subject,
    Wait,
)
from tenant_operator.core.trouble import with_help
from tenant_operator.core.world import Glimpse, Server, Volume

HEALTHY: Final = frozenset({"healthy", "running"})
BOOT: Final = timedelta(seconds=30)
"""How long after its creation nobody wonders that a machine does not answer yet."""
YOUNG: Final = timedelta(minutes=5)
"""How long a new machine may be on its way up; it is knocked at often until then."""
LONGEST_WAIT: Final = 60.0
"""What the pause between two looks grows to, in seconds: each holds a worker until it times out."""


def reachable(case: Case) -> Result:
    """SSH answers with the pinned key, cloud-init is done, and the first host key is replaced.

    The key is replaced at the first connection, while cloud-init may still be at work: it has put
    its own in place before sshd started.
    """
    sight = case.world.host
    if sight is UNKNOWN:
        return Look(Subject.HOST)
    if sight.facts is None:
        return _no_facts(case, sight.problem)
    facts = sight.facts
    if facts.cloud_init == "error":
        return Stop(
            "CloudInitFailed",
            f"cloud-init failed: {facts.cloud_init_message or 'no cause given'}. Read "
            "/var/log/cloud-init-output.log on the machine; a deleted server is made anew.",
        )
    rotated = _host_key_rotated(case, sight.host_key)
    if isinstance(rotated, Done) and facts.cloud_init == "running":
        waiting = Wait("CloudInitRunning", "cloud-init is running.", NEWS_PAUSE)
        return _patient(case, waiting, Subject.HOST)
    return rotated


def _no_facts(case: Case, problem: HostProblem | None) -> Result:
    machine = case.world.server
    kind = problem.kind if problem else "unreachable"
    message = problem.message if problem else "The machine was not looked at yet."
    if kind == "host-key":
        return Stop("HostKeyMismatch", with_help("HostKeyMismatch", message), after=15)
    if kind == "login":
        message = with_help("LoginRefused", message)
        return _patient(case, Wait("LoginRefused", message, 5), Subject.HOST)
    starting = isinstance(machine, Server) and machine.status != "running"
    reason = "Booting" if starting or _is_younger(case, BOOT) else "HostUnreachable"
    message = with_help(reason, message)
    waiting = Wait(reason, message, 0.1 if _is_younger(case, YOUNG) else 1)
    return _patient(case, waiting, Subject.HOST)


def _patient(case: Case, waiting: Wait, subject: Subject) -> Wait:
    """A wait for a machine or the world outside: once the machine is not new, its pauses grow."""
    longest = 0.0 if _is_younger(case, YOUNG) else LONGEST_WAIT
    return replace(waiting, subjects=(subject,), longest=longest)


def _is_younger(case: Case, age: timedelta) -> bool:
    machine = case.world.server
    created = machine.created if isinstance(machine, Server) else None
    return created is not None and case.now - created < age


def _host_key_rotated(case: Case, shown: str) -> Result:
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
    outcome = worked_off(case, job, "RotatingHostKey", "Installing the lasting host key.")
    if isinstance(outcome, Done):
        afresh = (Subject.CONNECTION, Subject.HOST)
        return Wait("RotatingHostKey", "Connecting anew.", 0, subjects=afresh)
    return outcome


def hardened(case: Case) -> Result:
    """The declared list of measures has run with today's inputs."""
    facts = facts_of(case)
    if facts is None:
        return Look(Subject.HOST)
    job = case.recipe.harden()
    outcome = worked_off(case, job, "Hardening", "Applying the hardening measures.")
    return Done("Every measure of the list holds.") if isinstance(outcome, Done) else outcome


def data_disk(case: Case) -> Result:
    """The data volume is mounted; it is labelled as holding data before that first happens."""
    facts, disk = facts_of(case), case.world.volume
    if facts is None or not isinstance(disk, Volume):
        return Look(Subject.HOST if facts is None else Subject.VOLUME)
    job = case.recipe.data_disk(disk)
    outcome = worked_off(case, job, "MountingDisk", "Mounting the data volume.")
    if not isinstance(outcome, Done):
        return outcome
    return marked(disk) or Done("Mounted at /srv/tenant.")


def stack(case: Case) -> Result:
    """The wanted bundle is live and every service of it is healthy."""
    facts = facts_of(case)
    if facts is None:
        return Look(Subject.HOST)
    job = case.recipe.deploy()
    outcome = worked_off(case, job, "DeployingRelease", f"Deploying {job.digest[:12]}.")
    if not isinstance(outcome, Done):
        return outcome
    sick = unhealthy_services(facts.services)
    if sick:
        named = ", ".join(f"{name} ({state})" for name, state in sick)
        return _patient(case, Wait("WaitingForServices", f"Not healthy: {named}.", 3), Subject.HOST)
    return Done(f"Release {job.digest[:12]} is live.")


def unhealthy_services(services: Mapping[str, str]) -> list[tuple[str, str]]:
    """Services that should be healthy and are not; of the two agent slots one must be."""
    agents = {name: state for name, state in services.items() if name in AGENT_SLOTS}
    sick = [
        (name, state)
        for name, state in sorted(services.items())
        if name not in AGENT_SLOTS and state not in HEALTHY
    ]
    if not any(state in HEALTHY for state in agents.values()):
        sick.append(("agent", ", ".join(agents.values()) or ABSENT))
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
    return _patient(case, Wait(reason, _unseen(case, seen), 2), Subject.OUTSIDE)


def verified(case: Case) -> Result:
    """The public name answers."""
    seen = case.world.outside
    if seen is UNKNOWN:
        return Look(Subject.OUTSIDE)
    if seen.status == 200:
        return Done(f"{public_url(case)} answers.")
    return _patient(case, Wait("AwaitingAnswer", _unseen(case, seen), 2), Subject.OUTSIDE)


def _unseen(case: Case, seen: Glimpse) -> str:
    detail = seen.detail or f"it answered {seen.status}"
    return f"{public_url(case)}: {detail}."


def public_url(case: Case) -> str:
    """The address the customer types."""
    port = case.home.spec.public_port
    return f"https://{case.spec.hostname}" + ("" if port == 443 else f":{port}")
