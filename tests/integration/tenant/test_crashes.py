"""Processes that die: jobs and answers are recovered, and nobody is left waiting."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import LiteralString

import httpx
import psycopg
import pytest
from demo import agent as launcher
from demo.agent import Place
from localcloud.model import RunningModel
from localcloud.model.faults import Fault
from plugins.agent_client import AgentUser, read_events
from plugins.agent_parts import Parts, migrate
from plugins.waiting import expect, pauses
from redis import Redis

TEXT = "Der Notausgang befindet sich neben der Kantine im Erdgeschoss."


@pytest.fixture
def parts(own_place: Place, live_model: RunningModel) -> Parts:
    """A migrated place without processes."""
    made = Parts(own_place)
    migrate(own_place, made.settings)
    return made


@pytest.fixture
def user(parts: Parts) -> AgentUser:
    """A signed-in user of the web process."""
    parts.start("serve")
    launcher.wait_ready(parts.place.url)
    signed_in = AgentUser(parts.place.url, parts.place.folder)
    signed_in.sign_in()
    return signed_in


def _wait_for_call(model: RunningModel, part: str) -> None:
    """Wait until the model server was called: from then on the worker hangs in the call."""
    expect(lambda: any(part in call["path"] for call in list(model.service.calls)), part)


def test_job_of_a_killed_worker_is_finished_by_the_next(
    parts: Parts, user: AgentUser, live_model: RunningModel
) -> None:
    live_model.service.calls.clear()
    fault = Fault(kind="delay", seconds=60, path="[Ee]mbedContent")
    live_model.service.faults.add(fault)
    first = parts.start("worker")
    try:
        identity = user.send("Notausgang.txt", TEXT.encode()).json()["id"]
        with user.http.stream("GET", "/api/v1/jobs/events") as response:
            for event in read_events(response):
                if event.data["job"]["stage"] == "embedding":
                    break
        _wait_for_call(live_model, "mbedContent")
        parts.kill(first)
        parts.start("worker")
        document = user.settled(identity)
        assert (document["state"], document["job"]["attempt"]) == ("ready", 2)
        assert "Kantine" in user.answer("Wo ist der Notausgang?")["content"]
    finally:
        user.http.close()
        parts.close()


def test_job_that_always_ends_its_worker_fails_with_its_cause(
    parts: Parts, user: AgentUser
) -> None:
    """The same file must not end one worker after the other for ever."""
    try:
        identity = user.send("Absturz.txt", TEXT.encode()).json()["id"]
        _as_if_tried_often(parts.place)
        parts.start("worker")
        document = user.settled(identity)
        failure = document["job"]["failure"]
        assert (document["state"], failure["code"]) == ("failed", "gave_up")
        assert failure["retryable"]
        assert user.http.post(f"/api/v1/documents/{identity}/retry").status_code == 202
        assert user.settled(identity)["state"] == "ready"
    finally:
        user.http.close()
        parts.close()


def test_upload_is_kept_while_queue_and_worker_are_away(parts: Parts, user: AgentUser) -> None:
    try:
        identity = user.send("Notausgang.txt", TEXT.encode()).json()["id"]
        assert user.document(identity)["state"] == "queued"
        worker = parts.start("worker")
        assert user.settled(identity)["state"] == "ready"
        parts.kill(worker)
        identity = user.send("Zweites.txt", b"Another text about parking lots.").json()["id"]
        Redis(parts.place.redis.host, parts.place.redis.port).flushall()
        parts.start("worker")
        assert user.settled(identity)["state"] == "ready"
    finally:
        user.http.close()
        parts.close()


def test_answer_of_a_killed_process_is_interrupted_and_can_be_retried(
    parts: Parts, user: AgentUser, live_model: RunningModel
) -> None:
    worker = parts.start("worker")
    try:
        user.upload("Notausgang.txt", TEXT.encode())
        live_model.service.settings.pace.first_token_ms = 60_000
        place = user.conversation()
        path = f"/api/v1/conversations/{place}/messages"
        with user.http.stream("POST", path, json={"question": "Wo ist der Ausgang?"}) as response:
            message = next(read_events(response)).data["message_id"]
        serve = next(number for number in parts.stacks if number != worker)
        parts.kill(serve)
        _age_answers(parts.place)
        parts.start("serve")
        launcher.wait_ready(parts.place.url)
        with user.http.stream("GET", f"{path}/{message}/events") as response:
            last = list(read_events(response))[-1]
        assert (last.name, last.data["failure"]["code"]) == ("error", "interrupted")
        live_model.service.settings.pace.first_token_ms = 0
        assert user.stream(f"{path}/{message}/retry")[-1].name == "done"
    finally:
        user.http.close()
        parts.close()


def _execute(place: Place, statement: LiteralString) -> None:
    target = f"host={place.database.host} port={place.database.port} user=agent"
    with psycopg.connect(f"{target} dbname={place.database_name}") as connection:
        connection.execute(statement)


def _age_answers(place: Place) -> None:
    """Let half a minute have passed for answers being written."""
    _execute(place, "update message set heartbeat_at = now() - interval '1 minute'")


def _as_if_tried_often(place: Place) -> None:
    """Let six workers have died over every job."""
    _execute(place, "update job set attempt = 6")


def _first_readiness(url: str) -> httpx.Response:
    """Ask until the process listens; returns its first answer."""
    for _ in pauses(120):
        with suppress(httpx.ConnectError):
            return httpx.get(f"{url}/readyz", timeout=60)
    raise AssertionError("nobody listens")


def test_readiness_tells_what_is_missing(parts: Parts) -> None:
    parts.settings |= {"AGENT_REDIS_PORT": "1"}
    parts.start("serve")
    try:
        answer = _first_readiness(parts.place.url)
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"database": "ok", "redis": "down", "migrations": "ok"}
        body = {"email": launcher.EMAIL, "password": "x"}
        answer = httpx.post(f"{parts.place.url}/api/v1/session", json=body, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "redis_down")
    finally:
        parts.close()


def test_a_web_process_ends_at_once_although_somebody_watches(
    parts: Parts, user: AgentUser
) -> None:
    number = next(iter(parts.stacks))
    with user.http.stream("GET", "/api/v1/jobs/events") as response:
        os.kill(number, signal.SIGTERM)
        assert list(response.iter_lines()) == []
    user.http.close()
    parts.close()
