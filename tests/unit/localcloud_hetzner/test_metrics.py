"""Rates from counters: steps, gaps, restarts, and what a machine's history remembers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.metrics import MOST_SAMPLES, rates, step_of
from localcloud.machines.container.history import COARSE, FINE, FINE_FOR, KEPT_FOR, History
from localcloud.machines.port import Usage
from localcloud.machines.simulated_host.load import DAY, MEAN, used

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("asked", "span", "step"),
    [
        (None, 60, 1),
        (None, 3600, 18),
        ("60", 3600, 60),
        ("0.2", 60, 1),
        ("1", 86400, 174),
        (None, 0, 1),
    ],
)
def test_the_step_gives_no_more_samples_than_allowed(
    asked: str | None, span: float, step: int
) -> None:
    assert step_of(asked, span) == step
    assert span // step + 1 <= MOST_SAMPLES


@pytest.mark.parametrize("asked", ["0", "-1", "x", "nan", "inf", ""])
def test_a_step_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(ApiError, match="step"):
        step_of(asked, 60)


def test_rates_leave_out_gaps_and_restarts() -> None:
    seconds = [0.0, 10.0, None, 30.0, 40.0, 2.0, 3.0]
    counters = [None if s is None else Usage(cpu_seconds=s / 10) for s in seconds]
    moments = [at(10 * number) for number in range(len(seconds))]
    assert list(rates(moments, counters, "cpu_seconds")) == [
        [at(10).timestamp(), "10.0000"],
        [at(40).timestamp(), "10.0000"],
        [at(60).timestamp(), "1.0000"],
    ]


def test_a_history_answers_between_its_samples() -> None:
    history = History()
    for number in range(3):
        history.note(at(10 * number), Usage(bytes_in=100.0 * number))
    found = history.at([at(-1), at(0), at(5), at(20), at(21)])
    assert [usage and usage.bytes_in for usage in found] == [None, 0.0, 50.0, 200.0, None]


def test_a_history_knows_nothing_of_the_time_between_two_starts() -> None:
    history = History()
    history.note(at(0), Usage(cpu_seconds=50))
    history.note(at(10), Usage(cpu_seconds=1))
    later = 10 + 3 * COARSE.total_seconds()
    history.note(at(later), Usage(cpu_seconds=2))
    assert history.at([at(5), at(later - 60)]) == [None, None]


def test_a_history_stays_small_and_keeps_a_month() -> None:
    history = History()
    total = int((KEPT_FOR + timedelta(days=2)) / timedelta(minutes=1))
    for number in range(total):
        history.note(at(60 * number), Usage(cpu_seconds=float(number)))
    end = at(60 * (total - 1))
    assert history.at([START]) == [None]
    (old,) = history.at([end - KEPT_FOR + timedelta(hours=2)])
    assert old is not None
    assert old.cpu_seconds == pytest.approx((end - KEPT_FOR - START).total_seconds() / 60 + 120)
    assert history.size <= FINE_FOR / FINE + KEPT_FOR / COARSE + 2


@given(st.integers(1, 1 << 40), st.floats(0, 40 * DAY), st.floats(0, DAY))
def test_simulated_counters_only_rise(server_id: int, seconds: float, more: float) -> None:
    before, after = used(server_id, seconds), used(server_id, seconds + more)
    assert after.cpu_seconds >= before.cpu_seconds
    assert used(server_id, 0.0).bytes_in == pytest.approx(0, abs=1e-3)
    assert used(server_id, DAY).cpu_seconds < 2 * MEAN.cpu_seconds * DAY
