"""Answers that end early: by their reader, by nobody reading, by the limit of their length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from demo.agent_services import Address
from localcloud.model import RunningModel
from localcloud.model.faults import Fault
from localcloud.model.generate import pieces
from plugins.agent_client import AgentUser, Seen, read_events
from plugins.fix_db import running_agent
from plugins.waiting import expect
from redis import Redis

TEXT = (
    "Die Werkskantine öffnet montags um 11 Uhr. Die Werkskantine öffnet dienstags um 12 Uhr. "
    "Die Werkskantine öffnet mittwochs um 13 Uhr. Die Werkskantine öffnet freitags um 14 Uhr."
)
QUESTION = "Wann öffnet die Werkskantine montags, dienstags, mittwochs und freitags?"


@pytest.fixture(autouse=True)
def canteen(agent: AgentUser, live_model: RunningModel) -> Iterator[None]:
    """The document asked about, gone again for other modules, and a model that writes slowly."""
    document = agent.upload("Werkskantine.txt", TEXT.encode())
    live_model.service.calls.clear()
    live_model.service.settings.pace.chunk_tokens = 1
    live_model.service.settings.pace.tokens_per_second = 8
    yield
    assert agent.http.delete(f"/api/v1/documents/{document['id']}").status_code == 204


def expect_generation_ended(model: RunningModel) -> None:
    """The provider sees its client go before the answer is whole."""

    def client_left() -> bool:
        return any("left" in call for call in list(model.service.calls))

    expect(client_left, "the end of generation")


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


def stopped_midway(agent: AgentUser, path: str) -> tuple[str, str, Seen]:
    """Ask, and stop after the first sentence; returns the message, the sentence, the last event."""
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        events = read_events(response)
        message, sentence = first_token(events)
        assert stop(agent, path, message).status_code == 204
        return message, sentence, list(events)[-1]


def test_stop_ends_generation_and_keeps_what_was_proven(
    agent: AgentUser, live_model: RunningModel
) -> None:
    place = agent.conversation()
    _, sentence, last = stopped_midway(agent, f"/api/v1/conversations/{place}/messages")
    assert last.name == "stopped"
    expect_generation_ended(live_model)
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
    message, _, _ = stopped_midway(agent, path)
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


def test_what_was_proven_before_the_limit_of_length_is_kept_without_the_half_sentence(
    agent: AgentUser, live_model: RunningModel
) -> None:
    pace = live_model.service.settings.pace
    pace.tokens_per_second, pace.chunk_tokens = 0, 1
    whole = agent.answer(QUESTION)["content"]
    first, _, rest = whole.partition(". ")
    assert rest
    cut = Fault(
        kind="finish",
        finish_reason="MAX_TOKENS",
        after_chunks=len(pieces(f"{first}. {rest[: len(rest) // 4]}")),
        path="streamGenerateContent",
    )
    live_model.service.faults.add(cut)
    place = agent.conversation()
    events = agent.ask(QUESTION, place)
    assert events[-1].name == "stopped"
    answer = stored(agent, place)
    assert events[-1].data["message"] == answer
    assert (answer["state"], answer["outcome"], answer["failure"]) == ("stopped", None, None)
    assert answer["content"] == f"{first}."
    assert len(answer["citations"]) == 1
    path = f"/api/v1/conversations/{place}/messages/{answer['id']}/retry"
    assert agent.stream(path)[-1].data["message"]["content"] == whole


def test_a_document_deleted_while_it_is_cited_leaves_no_words(agent: AgentUser) -> None:
    text = TEXT.replace("Werkskantine", "Teeküche")
    document = agent.upload("Teeküche.txt", text.encode())
    path = f"/api/v1/conversations/{agent.conversation()}/messages"
    question = {"question": QUESTION.replace("Werkskantine", "Teeküche")}
    with agent.http.stream("POST", path, json=question) as response:
        events = read_events(response)
        first_token(events)
        place = f"{agent.url}/api/v1/documents/{document['id']}"
        assert httpx.delete(place, headers=agent.http.headers, timeout=30).status_code == 204
        done = list(events)[-1]
    assert done.name == "done"
    cited = [c for c in done.data["message"]["citations"] if c["document_id"] == document["id"]]
    assert cited
    for citation in cited:
        assert (citation["available"], citation["quote"], citation["quotes"]) == (False, "", [])
        assert citation["document_name"] == ""


def test_the_end_of_an_earlier_attempt_ends_no_later_one(
    agent: AgentUser, redis_server: Address
) -> None:
    path = f"/api/v1/conversations/{agent.conversation()}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        events = read_events(response)
        message, _ = first_token(events)
        with Redis(host=redis_server.host, port=redis_server.port) as redis:
            redis.xadd(f"answer:{message}", {"name": "end", "data": "{}"})
        last = list(events)[-1]
    assert (last.name, last.data["message"]["state"]) == ("done", "complete")


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
    expect_generation_ended(live_model)


def test_an_answer_nobody_reads_is_stopped(own_place: Any, live_model: RunningModel) -> None:
    with running_agent(own_place, AGENT_ANSWER_UNREAD_SECONDS="4") as user:
        assert user.upload("Werkskantine.txt", TEXT.encode())["state"] == "ready"
        live_model.service.calls.clear()
        live_model.service.settings.pace.tokens_per_second = 1
        place = user.conversation()
        path = f"/api/v1/conversations/{place}/messages"
        with user.http.stream("POST", path, json={"question": QUESTION}) as response:
            message = next(read_events(response)).data["message_id"]
        expect(lambda: stored(user, place)["state"] == "stopped", "the stop")
        expect_generation_ended(live_model)
        with user.http.stream("GET", f"{path}/{message}/events") as response:
            assert list(read_events(response))[-1].name == "stopped"
