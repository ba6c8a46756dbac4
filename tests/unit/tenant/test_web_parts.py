"""Small pure parts of the HTTP door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from string import Formatter

import pytest
from starlette.datastructures import Headers
from tenant_agent import errors, sentences
from tenant_agent.logs import HIDDEN, redact
from tenant_agent.services.branding import parse_brand
from tenant_agent.services.devices import Devices
from tenant_agent.services.limits import network_of
from tenant_agent.settings import Settings
from tenant_agent.web.client_address import client_address
from tenant_agent.web.dashboard import Dashboard
from tenant_agent.web.language import preferred_language
from tenant_agent.web.present import utf16_offset
from tenant_agent.web.security import is_cross_site
from tenant_agent.web.sse import PING, ServerSentEvent, with_pings

CODES = (
    set(errors.Refused.STATUS)
    | set(errors.UploadRefused.STATUS)
    | errors.DocumentUnreadable.CODES
    | errors.ModelFailure.RETRYABLE
)

LAYERS = [[ip_network("10.0.0.0/8")], [ip_network("172.64.0.0/13")]]


def test_every_code_has_a_sentence_in_both_languages_with_the_same_blanks() -> None:
    assert set(sentences.DETAILS) >= CODES
    for texts in sentences.DETAILS.values():
        assert texts.keys() == {"de", "en"}
        blanks = [{name for _, name, _, _ in Formatter().parse(t) if name} for t in texts.values()]
        assert blanks[0] == blanks[1]


def test_what_a_document_waits_for_is_told_without_a_wish_to_do_something() -> None:
    for language in ("de", "en"):
        told = {sentences.waiting(code, language) for code in errors.ModelFailure.RETRYABLE}
        assert len(told) == len(sentences.WAITING)
        assert all(text.endswith(sentences.GOES_ON[language]) for text in told)
    assert sentences.waiting("model_down", "fr") == sentences.waiting("model_down", "en")


def test_unknown_language_reads_english() -> None:
    assert sentences.detail("empty", "fr") == sentences.detail("empty", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("de-AT", "de"),
        ("fr, en;q=0.5", "en"),
        ("fr", "de"),
        ("en;q=0", "de"),
        ("", "de"),
        ("en;q=x, de", "de"),
    ],
)
def test_preferred_language(header: str, language: str) -> None:
    assert preferred_language(header, ["de", "en"]) == language


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("10.0.0.2", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.2", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.2", ["1.1.1.1, 172.64.0.9"], "1.1.1.1"),
        ("10.0.0.2", ["1.1.1.1", "172.64.0.9"], "1.1.1.1"),
        ("10.0.0.2", ["nonsense"], "10.0.0.2"),
        ("10.0.0.2", ["nonsense, 172.64.0.9"], "172.64.0.9"),
        ("10.0.0.2", [], "10.0.0.2"),
    ],
)
def test_client_address(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, LAYERS) == address


def test_a_program_in_the_edges_networks_cannot_claim_an_address() -> None:
    """A worker of another customer of the edge: its own address, and before it what it likes."""
    forwarded = ["6.6.6.6, 172.64.7.7, 172.64.0.9"]
    assert client_address("10.0.0.2", forwarded, LAYERS) == "172.64.7.7"
    assert client_address("10.0.0.2", ["6.6.6.6, 10.0.0.9"], LAYERS) == "10.0.0.9"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_a_visitor_is_limited_by_what_one_line_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_device_is_known_to_the_account_it_was_issued_for_only(tmp_path: Path) -> None:
    (tmp_path / "session_key").write_text("key")
    devices = Devices(Settings(secrets_dir=tmp_path))
    token = devices.issue("Ada@acme.example")
    nonce, _, proof = token.partition(".")
    assert devices.recognise("ada@ACME.example", token) == nonce
    for forged in ("", ".", "\xff", nonce, f"{nonce}.", f"x{nonce}.{proof}", f"{nonce}.{proof}0"):
        assert devices.recognise("ada@acme.example", forged) is None
    assert devices.recognise("eve@acme.example", token) is None
    (tmp_path / "session_key").write_text("another key")
    assert devices.recognise("ada@acme.example", token) is None


@pytest.mark.parametrize(
    ("method", "headers", "cross"),
    [
        ("POST", {"origin": "https://a.example"}, False),
        ("POST", {"origin": "https://evil.example"}, True),
        ("POST", {"origin": "null"}, True),
        ("DELETE", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, False),
        ("POST", {}, False),
        ("GET", {"origin": "https://evil.example"}, False),
    ],
)
def test_cross_site(method: str, headers: dict[str, str], cross: bool) -> None:
    assert is_cross_site(method, Headers(headers), "https://a.example") is cross


def test_offsets_count_as_javascript_does() -> None:
    assert utf16_offset("a😀b", 2) == 3


def test_branding_takes_only_what_is_harmless() -> None:
    data = {"name": "Acme", "primary": "red; }", "accent": "#ABC", "logo": "https://x/logo.png"}
    brand = parse_brand(data, ["de", "en"])
    assert (brand.name, brand.primary, brand.accent, brand.logo) == ("Acme", "#1f4b99", "#ABC", "")
    assert parse_brand({"logo": "data:image/png;base64,AA=="}, ["de"]).logo


def test_secrets_do_not_reach_the_log() -> None:
    event = {"event": "call https://x/?key=abc", "api_key": "abc", "note": "AIza" + "x" * 30}
    cleaned = redact(None, "info", event)
    assert cleaned["api_key"] == cleaned["note"] == HIDDEN
    assert "abc" not in cleaned["event"]


def test_dashboard_serves_files_app_routes_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<html>")
    (root / "assets" / "a-1.js").write_text("1")
    (tmp_path / "secret.txt").write_text("no")
    dashboard = Dashboard(root)
    assert dashboard.find("/") == root / "index.html"
    assert dashboard.find("/chat/42") == root / "index.html"
    assert dashboard.find("/assets/a-1.js") == root / "assets" / "a-1.js"
    for path in ("/missing.js", "/api/v1/x", "/../secret.txt", "/assets/../../secret.txt", "/\0"):
        assert dashboard.find(path) is None


@pytest.mark.parametrize("path", ["/" + "a" * 256, "/" + "ä" * 128, "/" + "chat/" * 1000])
def test_a_path_longer_than_any_file_may_have_is_not_there(tmp_path: Path, path: str) -> None:
    (tmp_path / "index.html").write_text("<html>")
    assert Dashboard(tmp_path).find(path) is None


async def test_pauses_are_filled_with_comments() -> None:
    go = asyncio.Event()

    async def events() -> AsyncIterator[ServerSentEvent]:
        await go.wait()
        yield ServerSentEvent("token", "{}", "1-0")

    seen = []
    async for piece in with_pings(events(), seconds=0.01):
        seen.append(piece)
        go.set()
    assert seen[0] == PING
    assert seen[-1] == b"id: 1-0\nevent: token\ndata: {}\n\n"
