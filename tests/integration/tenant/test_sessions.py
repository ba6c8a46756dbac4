"""Sign-in, cookie, limits, headers and probes of the running agent."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from demo.agent import EMAIL
from demo.agent_services import redis as running_redis
from plugins.agent_client import ONE_TIME_PASSWORD, PASSWORD, AgentUser, read_events
from pydantic import SecretStr
from redis.asyncio import Redis
from tenant_agent.compose import connect_redis
from tenant_agent.errors import Refused, Unavailable
from tenant_agent.services.accounts import STRANGERS, Accounts
from tenant_agent.services.devices import Visitor
from tenant_agent.services.limits import AttemptLimit
from tenant_agent.settings import Settings
from tenant_agent.store.pool import Database

ATTEMPTS = 3


@pytest.fixture
async def accounts(
    database: Database, agent_settings: Settings, tmp_path: Path
) -> AsyncIterator[Accounts]:
    """Accounts with few attempts, and a Redis in which nobody has tried yet."""
    with running_redis(tmp_path / "redis") as cache:
        changed = {"login_attempts": ATTEMPTS, "redis_host": cache.host, "redis_port": cache.port}
        settings = agent_settings.model_copy(update=changed)
        redis = connect_redis(settings)
        yield Accounts(database, AttemptLimit(redis, window=60), settings)
        await redis.aclose()


async def guess(accounts: Accounts, email: str, visitor: Visitor) -> str:
    """Try a wrong password; returns the code of the refusal."""
    with pytest.raises(Refused) as refused:
        await accounts.sign_in(email, SecretStr("wrong"), visitor)
    assert refused.value.code == "invalid_credentials" or 0 < (refused.value.retry_after or 0) <= 60
    return refused.value.code


async def sign_in(accounts: Accounts, visitor: Visitor) -> Visitor:
    """Sign in; returns the visitor as known from now on."""
    _, session = await accounts.sign_in(EMAIL, SecretStr(ONE_TIME_PASSWORD), visitor)
    return replace(visitor, token=accounts.device_token(session))


async def test_first_administrator_must_change_the_one_time_password(
    database: Database, agent_settings: Settings
) -> None:
    redis = connect_redis(agent_settings)
    accounts = Accounts(database, AttemptLimit(redis, window=60), agent_settings)
    visitor = Visitor(uuid.uuid4().hex)
    token, session = await accounts.sign_in(EMAIL.upper(), SecretStr(ONE_TIME_PASSWORD), visitor)
    assert session.must_change_password
    for current, new, code in (
        ("wrong", PASSWORD, "wrong_password"),
        (ONE_TIME_PASSWORD, "short", "weak_password"),
        (ONE_TIME_PASSWORD, " " * 12, "weak_password"),
        (ONE_TIME_PASSWORD, EMAIL.upper(), "weak_password"),
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
        await accounts.sign_in(EMAIL, SecretStr(ONE_TIME_PASSWORD), visitor)
    await redis.aclose()


async def test_a_stranger_is_limited_whichever_accounts_it_tries(accounts: Accounts) -> None:
    emails = [EMAIL, "a@acme.example", "b@acme.example", "c@acme.example"]
    codes = [await guess(accounts, email, Visitor("2001:db8::1")) for email in emails]
    assert codes == ["invalid_credentials"] * ATTEMPTS + ["too_many_attempts"]
    assert await guess(accounts, EMAIL, Visitor("2001:db8::2")) == "too_many_attempts"
    assert await guess(accounts, EMAIL, Visitor("2001:db8:0:1::1")) == "invalid_credentials"


async def test_one_stranger_shuts_nobody_else_out(accounts: Accounts) -> None:
    """Also not with attempts that are refused already: they are not counted on the account."""
    for _ in range(ATTEMPTS * STRANGERS + 1):
        await guess(accounts, EMAIL, Visitor("192.0.2.1"))
    assert (await sign_in(accounts, Visitor("192.0.2.2"))).token


async def test_many_strangers_are_limited_and_a_known_browser_is_not(accounts: Accounts) -> None:
    known = await sign_in(accounts, Visitor("198.51.100.1"))
    codes = [
        await guess(accounts, EMAIL, Visitor(f"192.0.2.{number}"))
        for number in range(ATTEMPTS * STRANGERS + 1)
    ]
    assert codes == ["invalid_credentials"] * ATTEMPTS * STRANGERS + ["too_many_attempts"]
    assert await guess(accounts, EMAIL, Visitor("203.0.113.1", "forged.token")) == codes[-1]
    known = await sign_in(accounts, known)
    for _ in range(ATTEMPTS):
        assert await guess(accounts, EMAIL, known) == "invalid_credentials"
    assert await guess(accounts, EMAIL, known) == "too_many_attempts"


async def test_no_second_spelling_of_an_address_has_a_count_of_its_own(accounts: Accounts) -> None:
    """PostgreSQL's `lower` makes an i of the dotted capital; Python's does not."""
    spelling, password = EMAIL.replace("i", "\u0130"), SecretStr(ONE_TIME_PASSWORD)
    assert spelling != EMAIL
    with pytest.raises(Refused, match="invalid_credentials"):
        await accounts.sign_in(spelling, password, Visitor("192.0.2.1"))


async def test_right_passwords_use_nothing_up(accounts: Accounts) -> None:
    for _ in range(ATTEMPTS + 1):
        await sign_in(accounts, Visitor("192.0.2.1"))
    await guess(accounts, EMAIL, Visitor("192.0.2.1"))
    await sign_in(accounts, Visitor("192.0.2.1"))
    codes = [await guess(accounts, EMAIL, Visitor("192.0.2.1")) for _ in range(ATTEMPTS)]
    assert codes == ["invalid_credentials"] * (ATTEMPTS - 1) + ["too_many_attempts"]


async def test_without_redis_nobody_guesses(database: Database, agent_settings: Settings) -> None:
    absent: Redis = connect_redis(agent_settings.model_copy(update={"redis_port": 1}))
    accounts = Accounts(database, AttemptLimit(absent, window=60), agent_settings)
    with pytest.raises(Unavailable):
        await accounts.sign_in(EMAIL, SecretStr(ONE_TIME_PASSWORD), Visitor("192.0.2.1"))
    await absent.aclose()


def test_cookie_and_headers(agent: AgentUser) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    answer = httpx.post(f"{agent.url}/api/v1/session", json=body)
    session, device = answer.headers.get_list("set-cookie")
    assert session.startswith("__Host-session=")
    assert "SameSite=lax" in session
    assert device.startswith("__Host-device=")
    assert "SameSite=strict" in device
    for cookie in (session, device):
        for attribute in ("HttpOnly", "Secure", "Path=/"):
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


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Der Text ist zu lang: Möglich sind bis zu 4000 Zeichen. Bitte kürzen Sie ihn."),
        ("en", "The text is too long: up to 4000 characters are possible. Please shorten it."),
    ],
)
def test_a_question_too_long_is_told_the_limit_and_leaves_nothing_in_the_list(
    agent: AgentUser, language: str, said: str
) -> None:
    place = agent.conversation()
    path = f"/api/v1/conversations/{place}/messages"
    headers = {"accept-language": language}
    answer = agent.http.post(path, json={"question": "x" * 4001}, headers=headers)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"]) == (422, "text_too_long", [])
    assert problem["detail"] == said

    def listed() -> list[str]:
        found = agent.http.get("/api/v1/conversations", params={"limit": 200}).json()["items"]
        return [item["id"] for item in found]

    assert place not in listed()
    agent.answer("Hallo", place)
    assert place in listed()


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


def test_nothing_is_told_of_jobs_after_signing_out(agent: AgentUser) -> None:
    with AgentUser(agent.url, agent.folder) as other:
        credentials = {"email": EMAIL, "password": PASSWORD}
        other.keep_cookie(other.http.post("/api/v1/session", json=credentials))
        with other.http.stream("GET", "/api/v1/jobs/events") as response:
            assert response.status_code == 200
            assert other.http.delete("/api/v1/session").status_code == 204
            agent.upload("Nach der Abmeldung.txt", b"Der Hof ist gefegt.")
            told = [event.data["name"] for event in read_events(response)]
    assert "Nach der Abmeldung.txt" not in told
