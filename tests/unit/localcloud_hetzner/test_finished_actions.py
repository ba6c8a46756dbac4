"""How long actions that are over are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from localcloud.hetzner import actions, times
from localcloud.hetzner.actions import Finished
from localcloud.hetzner.model import Action
from localcloud.hetzner.state import State
from localcloud.rows import Rows

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, MONTH = actions.KEPT_FOR


@pytest.fixture
def state(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(actions, "MOST_KEPT", 3)
    return State(rows)


def end(state: State, finished: Finished, number: int, at: datetime) -> None:
    moment = times.written(at)
    action = Action(
        id=number,
        project="p",
        command="start_server",
        started=moment,
        finished=moment,
        status="success",
        resources=(("server", 1),),
    )
    finished.add(state.actions.put(action), at)


def kept(state: State) -> list[int]:
    return [action.id for action in state.actions]


def test_none_goes_within_an_hour(state: State) -> None:
    finished = Finished(state.actions)
    for number in range(1, 9):
        end(state, finished, number, START)
    assert kept(state) == list(range(1, 9))
    end(state, finished, 9, START + HOUR)
    assert kept(state) == list(range(1, 10))


def test_the_oldest_go_once_there_are_more_than_enough(state: State) -> None:
    finished = Finished(state.actions)
    for number in range(1, 9):
        end(state, finished, number, START + timedelta(seconds=number))
    end(state, finished, 9, START + HOUR + timedelta(minutes=1))
    assert kept(state) == [7, 8, 9]
    assert state.actions.where("resource", ("server", 1)) == list(state.actions)


def test_after_a_month_the_few_go_too_also_after_a_restart(state: State) -> None:
    end(state, Finished(state.actions), 1, START)
    end(state, Finished(state.actions), 2, START + MONTH)
    assert kept(state) == [1, 2]
    end(state, Finished(state.actions), 3, START + MONTH + timedelta(seconds=1))
    assert kept(state) == [2, 3]
