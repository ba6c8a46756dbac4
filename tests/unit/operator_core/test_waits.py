"""Waits for a machine or the world outside grow, but not while the machine is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from plugins.fix_operator import tenant_spec
from tenant_operator.api.tenant import TenantSpec
from tenant_operator.core.case import Case, HostProblem, HostSight, TenantWorld
from tenant_operator.core.host_steps import LONGEST_WAIT, reachable
from tenant_operator.core.names import Identity
from tenant_operator.core.results import Wait
from tenant_operator.core.trouble import grown
from tenant_operator.core.world import Server

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Server(
    id=1,
    name="t",
    status="running",
    type="cx23",
    location="fsn1",
    ipv4="192.0.2.1",
    ipv6=None,
    labels={},
    created=NOW,
)
SILENT = Case(
    identity=Identity(installation="i", namespace="n", name="acme", uid="u"),
    spec=TenantSpec.model_validate(tenant_spec()),
    now=NOW,
    world=TenantWorld(
        server=MACHINE,
        host=HostSight(problem=HostProblem(kind="unreachable", message="nobody answers")),
    ),
)


@pytest.mark.parametrize(
    ("waited", "pause"), [(0, 1), (31, 1), (50, 10), (150, 60), (3600, 60), (-5, 1)]
)
def test_a_pause_grows_with_the_wait_to_its_longest(waited: int, pause: float) -> None:
    assert grown(1, longest=60, waited=timedelta(seconds=waited)) == pause


def test_a_pause_without_a_longest_one_stays() -> None:
    assert grown(2, longest=0, waited=timedelta(hours=1)) == 2


@pytest.mark.parametrize(("minutes", "longest"), [(0, 0), (4, 0), (5, LONGEST_WAIT)])
def test_a_new_machine_is_knocked_at_often(minutes: int, longest: float) -> None:
    waiting = reachable(replace(SILENT, now=NOW + timedelta(minutes=minutes)))
    assert isinstance(waiting, Wait)
    assert waiting.longest == longest
    assert waiting.after == (1 if longest else 0.1)
