"""What is read from machines, logs and metrics."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from load.machine_notes import effects, job_intervals, last_stage, stats_bytes
from load.provider_calls import Count, sweep_counts, wire_counts

METRICS = """\
# TYPE operator_provider_calls_total counter
operator_provider_calls_total{operation="list_servers",provider="cloud",purpose="sweep",result="ok"} 3.0
operator_provider_calls_total{operation="list_servers",provider="cloud",purpose="work",result="ok"} 1.0
operator_provider_calls_total{operation="list_records",provider="dns",purpose="sweep",result="ok"} 2.0
operator_provider_calls_created{operation="list_records",provider="dns",purpose="sweep"} 1.7e9
"""  # noqa: E501 - as Prometheus writes it


def record(name: str, started: str, finished: str | None) -> str:
    return json.dumps({"name": name, "started": started, "finished": finished})


def test_jobs_come_in_the_order_they_began_and_unfinished_ones_are_left_out() -> None:
    lines = [
        record("deploy", "2026-01-01T00:00:10.500+00:00", "2026-01-01T00:00:20.000+00:00"),
        record("harden", "2026-01-01T00:00:01.000+00:00", "2026-01-01T00:00:03.250+00:00"),
        record("stop", "2026-01-01T00:00:30.000+00:00", None),
    ]
    found = job_intervals(lines)
    assert [(each.name, each.seconds) for each in found] == [("harden", 2.25), ("deploy", 9.5)]


@pytest.mark.parametrize("since", [0.0, 1_700_000_000.0])
def test_boot_ends_with_the_last_stage_whatever_clock_cloud_init_took(since: float) -> None:
    stages = {"init": {"finished": since + 61.5}, "modules-final": {"finished": since + 63.25}}
    status = json.dumps({"v1": {**stages, "modules-config": {"finished": None}, "stage": None}})
    assert last_stage(status, up_since=1_700_000_000.0) == 1_700_000_063.25


def test_memory_is_read_by_service_in_bytes() -> None:
    rows = [
        {"Name": "tenant-agent-blue-1", "MemUsage": "100MiB / 1GiB"},
        {"Name": "tenant-redis-1", "MemUsage": "512KiB / 1GiB"},
    ]
    assert stats_bytes(rows) == {"agent-blue": 104857600, "redis": 524288}


def test_only_the_tenants_own_effects_count(tmp_path: Path) -> None:
    log = tmp_path / "operator.log"
    stamp = "2026-01-01T00:00:01.500000Z"
    lines = [
        {"event": "acting", "tenant": "a/acme", "effect": "CreateServer", "timestamp": stamp},
        {"event": "acting", "tenant": "a/other", "effect": "CreateServer", "timestamp": stamp},
        {"event": "acting", "fleet": "a/demo", "effect": "CreateServer", "timestamp": stamp},
    ]
    log.write_text("starting\n" + "\n".join(map(json.dumps, lines)))
    ((effect, moment),) = effects(log, "a/acme")
    assert effect == "CreateServer"
    assert moment == pytest.approx(1767225601.5)


def test_sweeps_are_told_from_work() -> None:
    assert sweep_counts(METRICS) == {"list_servers": 3, "list_records": 2}


def test_requests_are_counted_by_operation_whatever_their_status() -> None:
    rows = [
        {"method": "GET", "path": "/servers", "status": 200, "count": 2},
        {"method": "GET", "path": "/servers", "status": 429, "count": 1},
        {"method": "POST", "path": "/servers", "status": 201, "count": 1},
    ]
    assert wire_counts({"requests": rows}) == {"GET /servers": 3, "POST /servers": 1}


def test_work_is_what_came_since_less_the_sweeps() -> None:
    before = Count(Counter({"GET /servers": 4}), Counter({"list_servers": 4}))
    after = Count(Counter({"GET /servers": 6, "POST /servers": 1}), Counter({"list_servers": 5}))
    since = after.since(before)
    assert (since.total, since.work) == (3, 2)
