"""Answers that are stopped: by their reader, by nobody reading, by their conversation's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from localcloud.model import RunningModel
from plugins.agent_client import AgentUser, Seen, read_events
from plugins.fix_db import running_agent

TEXT = (
    "Die Werkskantine öffnet montags um 11 Uhr. Die Werkskantine öffnet dienstags um 12 Uhr. "
    "Die Werkskantine öffnet mittwochs um 13 Uhr. Die Werkskantine öffnet freitags um 14 Uhr."
)
QUESTION = "Wann öffnet die Werkskantine montags, dienstags, mittwochs und freitags?"
DEADLINE = 60.0


@pytest.fixture(autouse=True)
def canteen(agent: AgentUser, live_model: RunningModel) -> Iterator[None]:
    """The document asked about, gone again for other modules, and a model that writes slowly."""
    document = agent.upload("Werkskantine.txt", TEXT.encode())
    live_model.service.calls.clear()
    live_model.service.settings.pace.chunk_tokens = 1
    live_model.service.settings.pace.tokens_per_second = 8
    yield
    assert agent.http.delete(f"/api/v1/documents/{document['id']}").status_code == 204


def until(what: Callable[[], Any]) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def generation_ended(model: RunningModel) -> bool:
    """Return whether the provider saw its client go before the answer was whole."""
    return any("left" in call for call in list(model.service.calls))


def first_token(events: Iterator[Seen]) -> tuple[str, str]:
    """Read up to the first checked sentence; returns the message's id and that sentence."""
    message = next(events).data["message_id"]
    return message, next(event.data["text"] for event in events if event.name == "token")


def stored(agent: AgentUser, place: str) -> dict[str, Any]:
    """Return the answer of a conversation as stored."""
    items = agent.http.get(f"/api/v1/conversations/{place}/messages").json()["items"]
    answer: dict[str, Any] = items[-1]
    return answer


def stop(agent: AgentUser, path: str, message: str) -> httpx.Response:
    """Stop an answer over a connection of its own, as a browser does."""
    return httpx.post(f"{agent.url}{path}/{message}/stop", headers=agent.http.headers, timeout=30)


def test_stop_ends_generation_and_keeps_what_was_proven(
    agent: AgentUser, live_model: RunningModel
) -> None:
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        events = read_events(response)
        message, sentence = first_token(events)
        assert stop(agent, path, message).status_code == 204
        last = list(events)[-1]
    assert last.name == "stopped"
    until(lambda: generation_ended(live_model))
    answer = stored(agent, place)
    assert last.data["message"] == answer
    assert (answer["state"], answer["outcome"], answer["failure"]) == ("stopped", None, None)
    assert answer["content"].startswith(sentence)
    assert answer["citations"][0]["quote"] in TEXT
    assert not answer["content"].count("freitags")


def test_what_is_stopped_is_no_answer_and_can_be_asked_again(
    agent: AgentUser, live_model: RunningModel
) -> None:
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        events = read_events(response)
        message, _ = first_token(events)
        stop(agent, path, message)
        list(events)
    live_model.service.settings.pace.tokens_per_second = 0
    done = agent.stream(f"{path}/{message}/retry")[-1]
    assert (done.name, done.data["message"]["state"]) == ("done", "complete")
    content, citations = done.data["message"]["content"], done.data["message"]["citations"]
    assert "freitags" in content
    for citation in citations:
        assert len(citation["quotes"]) == content.count(f"[{citation['n']}]") > 1
        assert citation["quotes"][0] == citation["quote"]
        assert all(quote in TEXT for quote in citation["quotes"])
    assert stop(agent, path, message).status_code == 204
    assert stored(agent, place)["state"] == "complete"


def test_stop_before_the_first_word_keeps_nothing(
    agent: AgentUser, live_model: RunningModel
) -> None:
    live_model.service.settings.pace.first_token_ms = 600_000
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        events = read_events(response)
        message = next(events).data["message_id"]
        assert stop(agent, path, message).status_code == 204
        assert [event.name for event in events][-1] == "stopped"
    assert (stored(agent, place)["state"], stored(agent, place)["content"]) == ("stopped", "")


def test_another_accounts_answer_cannot_be_stopped(agent: AgentUser) -> None:
    place = agent.conversation()
    unknown = "00000000-0000-4000-8000-000000000000"
    path = f"/api/v1/conversations/{place}/messages"
    assert stop(agent, path, unknown).status_code == 404
    asked = agent.answer("Wann öffnet die Werkskantine montags?")
    assert stop(agent, path, asked["id"]).status_code == 404
    anonymous = httpx.post(f"{agent.url}{path}/{asked['id']}/stop")
    assert anonymous.status_code == 401


def test_deleting_the_conversation_ends_generation(
    agent: AgentUser, live_model: RunningModel
) -> None:
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        first_token(read_events(response))
    live_model.service.settings.pace.tokens_per_second = 0.5
    assert agent.http.delete(f"/api/v1/conversations/{place}").status_code == 204
    until(lambda: generation_ended(live_model))


def test_an_answer_nobody_reads_is_stopped(own_place: Any, live_model: RunningModel) -> None:
    with running_agent(own_place, AGENT_ANSWER_UNREAD_SECONDS="1") as user:
        assert user.upload("Werkskantine.txt", TEXT.encode())["state"] == "ready"
        live_model.service.calls.clear()
        live_model.service.settings.pace.tokens_per_second = 1
        place = user.conversation()
        path = f"/api/v1/conversations/{place}/messages"
        with user.http.stream("POST", path, json={"question": QUESTION}) as response:
            message = next(read_events(response)).data["message_id"]
        until(lambda: stored(user, place)["state"] == "stopped")
        until(lambda: generation_ended(live_model))
        with user.http.stream("GET", f"{path}/{message}/events") as response:
            assert list(read_events(response))[-1].name == "stopped"
