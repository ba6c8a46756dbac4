"""Which jobs a step starts: its own, and the due ones of later steps behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from plugins.fix_operator import tenant_spec
from tenant_operator.api.tenant import TenantSpec
from tenant_operator.core.case import Case, HostSight, Recipes, TenantKeys, TenantWorld
from tenant_operator.core.host_jobs import SERVICES, stopped_services
from tenant_operator.core.host_steps import data_disk, hardened, reachable, stack
from tenant_operator.core.names import HOLDS_DATA, Identity
from tenant_operator.core.results import Do, Done, LabelVolume, Result, StartJobs, Wait
from tenant_operator.core.stack import KeyPair
from tenant_operator.core.world import HostFacts, Job, JobPhase, JobState, Server, Volume

FIRST, LASTING = KeyPair(private="-", public="first"), KeyPair(private="-", public="lasting")
DISK = Volume(
    id=7,
    name="v",
    size_gib=10,
    location="fsn1",
    status="available",
    device="d",
    labels={HOLDS_DATA: "true"},
    server_id=1,
)
MACHINE = Server(
    id=1,
    name="t",
    status="running",
    type="cx23",
    location="fsn1",
    ipv4="192.0.2.1",
    ipv6=None,
    labels={},
    volume_ids=(7,),
)
JOBS = {
    name: Job(name=name, digest=f"{name}-1", arguments=("7",) if name == "data-disk" else ())
    for name in ("host-key", "harden", "data-disk", "deploy", "stop")
}
FACTS = HostFacts(
    boot_id="b",
    hostname="h",
    cloud_init="running",
    root_free_mib=9000,
    services=dict.fromkeys((*SERVICES, "agent-green"), "healthy"),
)


def case(facts: HostFacts, *, disk: Volume = DISK, shown: str = "first") -> Case:
    """A tenant whose machine was looked at once."""
    keys = TenantKeys(
        host_key=LASTING,
        boot_host_key=FIRST if shown == "first" else None,
        client_key=FIRST,
        stack=None,
    )
    sight = HostSight(facts=facts, host_key=shown)
    return Case(
        identity=Identity(installation="i", namespace="n", name="acme", uid="u"),
        spec=TenantSpec.model_validate(tenant_spec()),
        now=datetime(2026, 1, 1, tzinfo=UTC),
        world=TenantWorld(volume=disk, server=MACHINE, keys=keys, host=sight),
        recipes=Recipes(
            user_data=lambda _, __: "",
            rotate_host_key=lambda _: JOBS["host-key"],
            harden=lambda: JOBS["harden"],
            data_disk=lambda _: JOBS["data-disk"],
            deploy=lambda: JOBS["deploy"],
            stop_stack=lambda: JOBS["stop"],
        ),
    )


def with_jobs(facts: HostFacts, **phases: str) -> HostFacts:
    """Facts with records of today's jobs."""
    named = {name.replace("_", "-"): JobPhase(phase) for name, phase in phases.items()}
    states = {
        name: JobState(name=name, digest=JOBS[name].digest, phase=phase)
        for name, phase in named.items()
    }
    return replace(facts, jobs=states)


def started(result: Result) -> list[str]:
    """The names of the jobs that a result starts."""
    assert isinstance(result, Do), result
    assert isinstance(result.effect, StartJobs), result
    return [job.name for job in result.effect.jobs]


def test_a_new_machine_gets_everything_at_its_first_connection() -> None:
    """Also while cloud-init is at work: the host agent waits for it where it has to."""
    assert started(reachable(case(FACTS))) == ["host-key", "harden", "data-disk", "deploy"]


def test_a_volume_is_marked_before_the_first_job_that_may_write_to_it() -> None:
    result = reachable(case(FACTS, disk=replace(DISK, labels={})))
    assert isinstance(result, Do)
    assert result.effect == LabelVolume(7, {HOLDS_DATA: "true"})


def test_what_needs_a_disk_that_is_not_attached_is_left_for_its_own_step() -> None:
    assert started(reachable(case(FACTS, disk=replace(DISK, server_id=None)))) == [
        "host-key",
        "harden",
    ]


LIVE = replace(FACTS, cloud_init="done", mounted_volume=7, data_free_mib=9000, release="deploy-1")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (with_jobs(LIVE, data_disk="done", deploy="done"), ["harden"]),
        (with_jobs(LIVE, deploy="done"), ["harden", "data-disk"]),
        (with_jobs(replace(LIVE, release="older"), data_disk="done", deploy="done"),
         ["harden", "deploy"]),
        (with_jobs(replace(LIVE, mounted_volume=None), data_disk="done", deploy="done"),
         ["harden", "data-disk"]),
        (with_jobs(LIVE, harden="failed", data_disk="done", deploy="running"), None),
        (with_jobs(replace(LIVE, root_free_mib=100), data_disk="done"), ["harden"]),
    ],
    ids=["drift", "grown disk", "new release", "unmounted", "failed", "no room for a release"],
)  # fmt: skip
def test_only_what_is_due_comes_behind(facts: HostFacts, expected: list[str] | None) -> None:
    result = hardened(case(facts, shown="lasting"))
    if expected is not None:
        assert started(result) == expected
    else:
        assert [job.name for job in result.effect.jobs] == ["harden"]  # type: ignore[union-attr]


def test_each_step_reads_the_record_of_its_own_job() -> None:
    facts = with_jobs(LIVE, harden="done", data_disk="done", deploy="running")
    seen = case(facts, shown="lasting")
    assert isinstance(hardened(seen), Done)
    assert isinstance(data_disk(seen), Done)
    assert isinstance(stack(seen), Wait)


@pytest.mark.parametrize(
    ("changes", "down"),
    [
        ({}, []),
        ({"worker": "restarting", "redis": "unhealthy"}, []),
        (
            {"postgres": "exited", "redis": "created"},
            [("postgres", "exited"), ("redis", "created")],
        ),
        ({"agent-blue": "exited"}, []),
        ({"agent-blue": "exited", "agent-green": "dead"}, [("agent", "exited")]),
    ],
)
def test_what_nothing_starts_by_itself(
    changes: dict[str, str], down: list[tuple[str, str]]
) -> None:
    assert stopped_services({**FACTS.services, **changes}) == down


def test_a_machine_without_containers_has_everything_stopped() -> None:
    assert [name for name, _ in stopped_services({})] == [*SERVICES, "agent"]
