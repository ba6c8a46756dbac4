"""The provider down, slow, busy or broken: the user sees it and can retry; no half answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from localcloud.model import RunningModel
from localcloud.model.faults import Fault
from plugins.agent_client import AgentUser
from plugins.waiting import expect

STREAM = "streamGenerateContent"
FACT = "Die Betriebsversammlung findet am 14. März 2025 in Halle 7 statt."
QUESTION = "Wann findet die Betriebsversammlung statt?"


@pytest.fixture(autouse=True)
def meeting(agent: AgentUser) -> None:
    """The document asked about."""
    answer = agent.send("Versammlung.txt", FACT.encode())
    if answer.status_code == 202:
        assert agent.settled(answer.json()["id"])["state"] == "ready"


def faulty(model: RunningModel, **values: Any) -> None:
    """Let the next answers of the model server go wrong."""
    model.service.faults.add(Fault(path=STREAM, **values))


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "error", "code": 429, "retry_seconds": 7}, "model_busy"),
        ({"kind": "error", "code": 503}, "model_busy"),
        ({"kind": "error", "code": 500}, "model_error"),
        ({"kind": "error", "code": 403}, "model_refused_key"),
        ({"kind": "error", "code": 404}, "model_misconfigured"),
        ({"kind": "drop"}, "model_down"),
        ({"kind": "delay", "seconds": 20}, "model_slow"),
        ({"kind": "cut_stream", "after_chunks": 1}, "model_broken_off"),
        ({"kind": "garbled"}, "model_error"),
        ({"kind": "block_prompt"}, "model_blocked"),
        ({"kind": "finish", "finish_reason": "SAFETY"}, "model_blocked"),
        ({"kind": "finish", "finish_reason": "MAX_TOKENS", "after_chunks": 0}, "model_cut_off"),
        ({"kind": "finish", "finish_reason": "MAX_TOKENS", "after_chunks": 2}, "model_cut_off"),
        ({"kind": "error_in_stream", "code": 503, "after_chunks": 1}, "model_busy"),
    ],
)
def test_failure_is_told_and_nothing_is_stored_as_an_answer(
    agent: AgentUser, live_model: RunningModel, fault: dict[str, Any], code: str
) -> None:
    live_model.service.settings.pace.chunk_tokens = 2
    faulty(live_model, **fault)
    place = agent.conversation()
    last = agent.ask(QUESTION, place)[-1]
    assert last.name == "error", last
    assert last.data["failure"]["code"] == code
    stored = agent.http.get(f"/api/v1/conversations/{place}/messages").json()["items"][1]
    assert (stored["state"], stored["content"], stored["citations"]) == ("failed", "", [])
    assert stored["failure"]["message"]


def test_busy_says_how_long_and_retry_brings_the_answer(
    agent: AgentUser, live_model: RunningModel
) -> None:
    faulty(live_model, kind="error", code=429, retry_seconds=7)
    place = agent.conversation()
    error = agent.ask(QUESTION, place)[-1]
    assert "7 Sekunden" in error.data["failure"]["message"]
    assert error.data["failure"]["retryable"]
    path = f"/api/v1/conversations/{place}/messages/{error.data['message_id']}/retry"
    done = agent.stream(path)[-1]
    assert done.name == "done"
    assert "14. März 2025" in done.data["message"]["content"]
    listed = agent.http.get(f"/api/v1/conversations/{place}/messages").json()["items"]
    assert [item["state"] for item in listed] == ["complete", "complete"]
    again = agent.http.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "not_retryable")


def test_a_model_that_thinks_without_end_still_writes_its_answer(
    agent: AgentUser, live_model: RunningModel
) -> None:
    live_model.service.settings.thoughts_tokens = 60_000
    assert "14. März 2025" in agent.answer(QUESTION)["content"]


def test_search_goes_on_by_words_when_embeddings_fail(
    agent: AgentUser, live_model: RunningModel
) -> None:
    live_model.service.faults.add(Fault(kind="error", code=503, path="[Ee]mbedContent", times=0))
    assert "Halle 7" in agent.answer("In welcher Halle ist die Betriebsversammlung?")["content"]


def test_job_waits_for_a_busy_provider_and_then_ends_well(
    agent: AgentUser, live_model: RunningModel
) -> None:
    fault = Fault(kind="error", code=429, retry_seconds=1, path="[Ee]mbedContent", times=1)
    live_model.service.faults.add(fault)
    document = agent.upload("Später.txt", b"Das Sommerfest ist am 3. Juli im Innenhof.")
    assert (document["state"], document["job"]["attempt"]) == ("ready", 1)


def test_a_waiting_document_says_for_what(agent: AgentUser, live_model: RunningModel) -> None:
    fault = Fault(kind="error", code=429, retry_seconds=900, path="[Ee]mbedContent", times=1)
    live_model.service.faults.add(fault)
    identity = agent.send("Winterfest.txt", b"Das Winterfest ist im Januar.").json()["id"]
    expect(lambda: agent.document(identity)["job"]["failure"] is not None, "the failure")
    document = agent.document(identity)
    job, failure = document["job"], document["job"]["failure"]
    assert (document["state"], job["state"], job["stage"]) == ("queued", "queued", "waiting")
    assert (failure["code"], failure["retryable"]) == ("model_busy", False)
    assert "wartet" in failure["message"]
    waits = datetime.fromisoformat(job["next_attempt_at"]) - datetime.fromisoformat(
        job["updated_at"]
    )
    assert waits.total_seconds() == 900
    assert agent.http.post(f"/api/v1/documents/{identity}/retry").status_code == 409
    assert agent.http.delete(f"/api/v1/documents/{identity}").status_code == 204


def test_second_question_waits_for_the_first(agent: AgentUser, live_model: RunningModel) -> None:
    live_model.service.settings.pace.first_token_ms = 1500
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    with agent.http.stream("POST", path, json={"question": QUESTION}) as first:
        assert first.status_code == 200
        second = agent.http.post(path, json={"question": QUESTION})
        assert (second.status_code, second.json()["code"]) == (409, "still_answering")


def test_answer_goes_on_when_the_reader_goes_away(
    agent: AgentUser, live_model: RunningModel
) -> None:
    live_model.service.settings.pace.first_token_ms = 700
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    from plugins.agent_client import read_events

    with agent.http.stream("POST", path, json={"question": QUESTION}) as response:
        first = next(read_events(response))
    resume = f"{path}/{first.data['message_id']}/events"
    with agent.http.stream("GET", resume, headers={"Last-Event-ID": first.id}) as response:
        seen = list(read_events(response))
    assert seen[-1].name == "done"
    assert "14. März 2025" in seen[-1].data["message"]["content"]
