"""Sign-in, cookie, limits, headers and probes of the running agent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from demo.agent import EMAIL
from plugins.agent_client import ONE_TIME_PASSWORD, PASSWORD, AgentUser
from pydantic import SecretStr
from redis.asyncio import Redis
from tenant_agent.compose import connect_redis
from tenant_agent.errors import Refused, Unavailable
from tenant_agent.services.accounts import Accounts
from tenant_agent.services.limits import AttemptLimit
from tenant_agent.settings import Settings
from tenant_agent.store.pool import Database


async def test_first_administrator_must_change_the_one_time_password(
    database: Database, agent_settings: Settings
) -> None:
    redis = connect_redis(agent_settings)
    limit = AttemptLimit(redis, attempts=5, window=60)
    accounts = Accounts(database, limit, agent_settings)
    client = uuid.uuid4().hex
    token, session = await accounts.sign_in(EMAIL.upper(), SecretStr(ONE_TIME_PASSWORD), client)
    assert session.must_change_password
    for current, new, code in (
        ("wrong", PASSWORD, "wrong_password"),
        (ONE_TIME_PASSWORD, "short", "weak_password"),
        (ONE_TIME_PASSWORD, ONE_TIME_PASSWORD, "weak_password"),
    ):
        with pytest.raises(Refused, match=code):
            await accounts.change_password(session, SecretStr(current), SecretStr(new))
    renewed, _ = await accounts.change_password(
        session, SecretStr(ONE_TIME_PASSWORD), SecretStr(PASSWORD)
    )
    assert await accounts.session(token) is None
    found = await accounts.session(renewed)
    assert found is not None
    assert not found.must_change_password
    await accounts.sign_out(renewed)
    assert await accounts.session(renewed) is None
    with pytest.raises(Refused, match="invalid_credentials"):
        await accounts.sign_in(EMAIL, SecretStr(ONE_TIME_PASSWORD), client)
    await redis.aclose()


async def test_guessing_is_limited_per_client_and_per_account(
    database: Database, agent_settings: Settings
) -> None:
    redis = connect_redis(agent_settings)
    accounts = Accounts(database, AttemptLimit(redis, attempts=3, window=60), agent_settings)
    email = f"{uuid.uuid4().hex}@acme.example"
    for number in range(3):
        with pytest.raises(Refused, match="invalid_credentials"):
            await accounts.sign_in(email, SecretStr("x"), f"{email}-{number}")
    with pytest.raises(Refused, match="too_many_attempts") as refused:
        await accounts.sign_in(email, SecretStr("x"), f"{email}-9")
    assert 0 < (refused.value.retry_after or 0) <= 60
    await redis.aclose()


async def test_without_redis_nobody_guesses(database: Database, agent_settings: Settings) -> None:
    absent: Redis = connect_redis(agent_settings.model_copy(update={"redis_port": 1}))
    accounts = Accounts(database, AttemptLimit(absent, attempts=3, window=60), agent_settings)
    with pytest.raises(Unavailable):
        await accounts.sign_in(EMAIL, SecretStr(ONE_TIME_PASSWORD), "client")
    await absent.aclose()


def test_cookie_and_headers(agent: AgentUser) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    answer = httpx.post(f"{agent.url}/api/v1/session", json=body)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert attribute in cookie
    assert "Domain" not in cookie
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/documents"),
        ("POST", "/api/v1/documents"),
        ("GET", "/api/v1/jobs/events"),
        ("GET", "/api/v1/conversations"),
        ("POST", f"/api/v1/conversations/{uuid.uuid4()}/messages"),
        ("GET", f"/api/v1/documents/{uuid.uuid4()}/file"),
    ],
)
def test_nothing_without_a_session(agent: AgentUser, method: str, path: str) -> None:
    answer = httpx.request(method, agent.url + path, json={"question": "x"})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_another_site_cannot_write(agent: AgentUser) -> None:
    headers = {"origin": "https://evil.example"}
    answer = agent.http.post("/api/v1/conversations", json={}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("PUT", "/api/v1/documents", 405, "method_not_allowed"),
        ("GET", "/api/v1/documents/no-uuid", 422, "invalid_request"),
        ("GET", f"/api/v1/documents/{uuid.uuid4()}", 404, "not_found"),
        ("GET", "/missing.js", 404, "not_found"),
    ],
)
def test_errors_are_problem_documents(
    agent: AgentUser, method: str, path: str, status: int, code: str
) -> None:
    answer = agent.http.request(method, path)
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/session", {"email": "a\0@acme.example", "password": "x"}),
        ("/api/v1/session", {"email": "a@acme.example", "password": "\ud800"}),
        ("/api/v1/session/password", {"current_password": "x", "new_password": "\ud800" * 12}),
        ("/api/v1/conversations", {"title": "a\0"}),
        (f"/api/v1/conversations/{uuid.uuid4()}/messages", {"question": "a\0"}),
    ],
)
def test_text_that_cannot_be_stored_is_refused_in_words(
    agent: AgentUser, path: str, body: dict[str, str]
) -> None:
    headers = {"content-type": "application/json"}
    answer = agent.http.post(path, content=json.dumps(body), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert len(answer.json()["errors"]) == 1


def test_bytes_that_are_no_json_are_an_invalid_request(agent: AgentUser) -> None:
    headers = {"content-type": "application/json", "accept-language": "en"}
    answer = agent.http.post("/api/v1/conversations", content=b'{"title": "\xe4"}', headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid request")


def test_probes_version_metrics_and_branding(agent: AgentUser) -> None:
    assert agent.http.get("/healthz").json() == {"status": "ok"}
    ready = agent.http.get("/readyz").json()
    assert ready == {
        "status": "ready",
        "checks": {"database": "ok", "redis": "ok", "migrations": "ok"},
    }
    version = agent.http.get("/version").json()
    assert (version["release"], version["color"]) == ("development", "blue")
    assert "agent_jobs{" in agent.http.get("/metrics").text
    brand = httpx.get(f"{agent.url}/api/v1/branding").json()
    assert (brand["name"], brand["languages"]) == ("Acme", ["de", "en"])


def test_branding_changes_with_its_file(agent: AgentUser) -> None:
    path = agent.folder / "branding.json"
    before = path.read_text()
    try:
        path.write_text('{"name": "Neuer Name", "primary": "#123456"}')
        assert agent.http.get("/api/v1/branding").json()["name"] == "Neuer Name"
        path.write_text("{broken")
        assert agent.http.get("/api/v1/branding").json()["name"] == "Neuer Name"
    finally:
        path.write_text(before)
