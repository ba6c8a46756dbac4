"""Services that restart under a running agent: it says so, and recovers without a restart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from demo import agent as launcher
from demo.agent import Place
from demo.agent_services import free_port
from localcloud.model import RunningModel
from plugins.agent_client import AgentUser
from plugins.agent_parts import Parts, migrate, with_own_services
from plugins.waiting import pauses

TEXT = "Der Sanitätsraum liegt im zweiten Obergeschoss neben dem Archiv."
DEADLINE = 120.0


@pytest.fixture
def database_folder(service_folder: Path) -> Path:
    """Where the data of this test's PostgreSQL are: it does not run as root."""
    return service_folder / uuid.uuid4().hex


@pytest.fixture
def parts(own_place: Place, live_model: RunningModel, database_folder: Path) -> Iterator[Parts]:
    """Web process and worker over a PostgreSQL and a Redis of their own."""
    made = Parts(with_own_services(own_place, (free_port(), free_port())))
    try:
        made.serve_database(database_folder)
        made.serve_redis()
        migrate(made.place, made.settings)
        made.start("serve")
        made.start("worker")
        launcher.wait_ready(made.place.url)
        yield made
    finally:
        made.close()


@pytest.fixture
def user(parts: Parts) -> Iterator[AgentUser]:
    """A signed-in user with a document."""
    with AgentUser(parts.place.url, parts.place.folder) as signed_in:
        signed_in.sign_in()
        assert signed_in.upload("Sanitätsraum.txt", TEXT.encode())["state"] == "ready"
        yield signed_in


def readiness(url: str, status: int) -> dict[str, str]:
    """Wait for a status of `/readyz`; returns its checks."""
    with httpx.Client(base_url=url, timeout=30) as anybody:
        for _ in pauses(DEADLINE):
            answer = anybody.get("/readyz")
            if answer.status_code == status:
                checks: dict[str, str] = answer.json()["checks"]
                return checks
    raise AssertionError(answer.text)


def test_postgresql_restarts(parts: Parts, user: AgentUser, database_folder: Path) -> None:
    parts.stop("postgres")
    checks = readiness(parts.place.url, 503)
    assert checks == {"database": "down", "migrations": "unknown", "redis": "ok"}
    answer = user.http.get("/api/v1/documents")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_down")
    assert int(answer.headers["retry-after"]) > 0
    assert httpx.get(f"{parts.place.url}/healthz").status_code == 200
    parts.serve_database(database_folder)
    assert set(readiness(parts.place.url, 200).values()) == {"ok"}
    assert "Archiv" in user.answer("Wo liegt der Sanitätsraum?")["content"]
    assert user.upload("Danach.txt", b"Die Pforte ist immer besetzt.")["state"] == "ready"


def test_redis_restarts_and_forgets_everything(parts: Parts, user: AgentUser) -> None:
    parts.stop("redis")
    assert readiness(parts.place.url, 503)["redis"] == "down"
    place = user.conversation()
    asked = user.http.post(f"/api/v1/conversations/{place}/messages", json={"question": "Wo?"})
    assert (asked.status_code, asked.json()["code"]) == (503, "redis_down")
    assert user.http.get(f"/api/v1/conversations/{place}/messages").json()["items"] == []
    identity = user.send("Inzwischen.txt", b"Der Keller ist trocken.").json()["id"]
    parts.serve_redis()
    assert set(readiness(parts.place.url, 200).values()) == {"ok"}
    assert user.settled(identity)["state"] == "ready"
    assert "Archiv" in user.answer("Wo liegt der Sanitätsraum?", place)["content"]
