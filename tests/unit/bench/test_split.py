"""How a way to Ready is split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from load.split import Interval, covered, gaps, own_share, steps

MOMENTS = st.floats(0, 100, allow_nan=False)
INTERVALS = st.lists(st.builds(Interval, MOMENTS, MOMENTS), max_size=8)


def test_waits_that_overlap_count_once() -> None:
    waits = [Interval(0, 4), Interval(2, 5), Interval(3, 4), Interval(7, 8)]
    assert covered(waits) == 6


def test_own_share_is_what_no_wait_covers() -> None:
    whole = Interval(10, 20)
    assert own_share(whole, [Interval(5, 12), Interval(15, 16), Interval(19, 30)]) == 6
    assert own_share(whole, []) == 10


@given(INTERVALS)
def test_own_share_lies_between_nothing_and_the_whole(waits: list[Interval]) -> None:
    share = own_share(Interval(20, 60), waits)
    assert -1e-9 <= share <= 40


@given(INTERVALS)
def test_the_order_of_waits_does_not_matter(waits: list[Interval]) -> None:
    assert covered(waits) == pytest.approx(covered(reversed(waits)))


def test_steps_add_up_to_the_whole_and_stop_where_nothing_was_reached() -> None:
    reached = {"A": 3.0, "B": 3.0, "C": 7.5, "E": 9.0}
    assert steps(("A", "B", "C", "D", "E"), reached, start=1.0) == [
        ("A", 2.0),
        ("B", 0.0),
        ("C", 4.5),
    ]


def test_a_step_seen_before_the_one_in_front_of_it_counts_nothing() -> None:
    found = steps(("A", "B"), {"A": 5.0, "B": 4.0}, start=0.0)
    assert found == [("A", 5.0), ("B", 0.0)]


def test_gaps_say_between_which_waits_the_seconds_were_lost() -> None:
    waits = [Interval(2, 4, "boot"), Interval(3, 3.5, "harden"), Interval(6, 9, "deploy")]
    found = gaps(Interval(1, 10), waits)
    assert found == {"start → boot": 1, "boot → deploy": 2, "deploy → end": 1}
    assert sum(found.values()) == own_share(Interval(1, 10), waits)
