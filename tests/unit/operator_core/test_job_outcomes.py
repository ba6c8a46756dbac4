"""What a job's record and the machine's free space mean for a step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tenant_operator.api.conditions import REASONS
from tenant_operator.core.host_jobs import FAILURE_REASONS, given_room, job_result
from tenant_operator.core.results import Do, Done, Retry, StartJobs, Stop, Wait
from tenant_operator.core.trouble import with_help
from tenant_operator.core.world import HostFacts, HostFailure, Job, JobPhase, JobState

JOB = Job(name="deploy", digest="d1", arguments=("d1",), time_limit_seconds=60)
FACTS = HostFacts(
    boot_id="b",
    hostname="h",
    cloud_init="done",
    root_free_mib=2000,
    data_free_mib=2000,
    mounted_volume=7,
)


def ran(phase: JobPhase, failure: HostFailure | None = None, message: str = "") -> HostFacts:
    state = JobState(name="deploy", digest="d1", phase=phase, failure=failure, message=message)
    return replace(FACTS, jobs={"deploy": state})


def test_a_running_job_says_what_it_does() -> None:
    outcome = job_result(JOB, ran(JobPhase.RUNNING, message="pulling"), "DeployingRelease", "-")
    assert isinstance(outcome, Wait)
    assert (outcome.reason, outcome.message) == ("DeployingRelease", "pulling")


def test_a_running_job_that_is_held_up_says_by_what() -> None:
    facts = ran(JobPhase.RUNNING, HostFailure.APT_LOCKED, "waiting for apt: held by 812")
    outcome = job_result(JOB, facts, "Hardening", "-")
    assert isinstance(outcome, Wait)
    assert outcome.reason == "AptLocked"
    assert "held by 812" in outcome.message
    assert "lsof" in outcome.message


@pytest.mark.parametrize("failure", list(HostFailure))
def test_a_failed_job_has_a_cause_and_what_helps(failure: HostFailure) -> None:
    outcome = job_result(JOB, ran(JobPhase.FAILED, failure, "the cause"), "-", "-")
    assert isinstance(outcome, Retry)
    assert outcome.reason == FAILURE_REASONS[failure]
    assert outcome.message.startswith("the cause")
    assert REASONS[outcome.reason].help in outcome.message


@pytest.mark.parametrize(
    ("root", "data", "named"),
    [(63, 2000, "root disk has 63"), (2000, 127, "data disk (/srv/tenant) has 127")],
)
def test_no_job_is_started_on_a_full_disk(root: int, data: int, named: str) -> None:
    start = Do(StartJobs((JOB,)), "DeployingRelease", "Deploying.")
    facts = replace(FACTS, root_free_mib=root, data_free_mib=data)
    outcome = given_room(start, facts, JOB)
    assert isinstance(outcome, Stop)
    assert outcome.reason == "DiskFull"
    assert named in outcome.message
    assert "sizeGiB" in outcome.message


def test_a_full_disk_stops_nothing_that_is_done() -> None:
    full = replace(FACTS, root_free_mib=0, data_free_mib=0)
    assert given_room(Done(), full, JOB) == Done()


def test_a_start_with_room_goes_on() -> None:
    start = Do(StartJobs((JOB,)), "DeployingRelease", "Deploying.")
    assert given_room(start, FACTS, JOB) is start


def test_a_reason_without_help_adds_nothing() -> None:
    assert with_help("Booting", "Not there yet.") == "Not there yet."
