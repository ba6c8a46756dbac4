"""What a machine prints about itself, as a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tenant_operator.core.stack import JOB_HARDEN
from tenant_operator.core.world import HostFailure, JobPhase
from tenant_operator.host.bootstrap import FactsUnreadable, drift, facts

DONE = {
    "name": "harden",
    "digest": "d1",
    "phase": "done",
    "failure": None,
    "message": "nothing to change",
    "started": "2026-11-20T16:15:31.956+00:00",
    "finished": "2026-11-20T16:15:32.037+00:00",
}


def printed(**changes: Any) -> str:
    """An answer of a machine in service."""
    answer = {
        "agent": "a1",
        "boot_id": "b",
        "hostname": "h",
        "cloud_init": "done",
        "cloud_init_message": "",
        "jobs": {"harden": DONE},
        "mounted_volume": 42,
        "root_free_mib": 1000,
        "data_free_mib": 2000,
        "release": "r1",
        "services": {"postgres": "healthy"},
        "drift": {},
    }
    return json.dumps({**answer, **changes})


def test_facts_come_through() -> None:
    found = facts(printed())
    assert (found.mounted_volume, found.release) == (42, "r1")
    assert found.services == {"postgres": "healthy"}
    assert found.jobs[JOB_HARDEN].phase is JobPhase.DONE
    assert found.jobs[JOB_HARDEN].finished is not None


def test_a_list_that_no_longer_holds_is_to_be_worked_off_again() -> None:
    answer = printed(drift={"sshd": "/etc/ssh/sshd_config.d/00-tenant.conf is not as declared"})
    assert JOB_HARDEN not in facts(answer).jobs
    assert list(drift(answer)) == ["sshd"]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [*((item.value, item) for item in HostFailure), ("of-tomorrow", HostFailure.OTHER)],
)
def test_every_failure_has_a_name(failure: str, expected: HostFailure) -> None:
    record = {**DONE, "phase": "failed", "failure": failure}
    assert facts(printed(jobs={"harden": record})).jobs[JOB_HARDEN].failure is expected


@pytest.mark.parametrize(
    "answer", ["", "not json", "[]", "{}", json.dumps({"jobs": []}), printed(jobs={"x": {}})]
)
def test_an_answer_that_is_no_facts_says_what_it_begins_with(answer: str) -> None:
    with pytest.raises(FactsUnreadable, match="begins with"):
        facts(answer)
