"""What the provider's words mean here: status, finish reasons, tokens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tenant_agent.agent.followup import search_text
from tenant_agent.agent.models.failures import of_finish, of_status, retry_seconds
from tenant_agent.agent.models.gemini import MAX_OUTPUT_TOKENS, read_usage, thinking_of, unit
from tenant_agent.agent.models.port import Usage
from tenant_agent.errors import ModelFailure
from tenant_agent.services.ingest import retry_delay

RETRY_INFO = {
    "error": {
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "6.2s"}]
    }
}
BAD_KEY = {"error": {"details": [{"reason": "API_KEY_INVALID"}]}}


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (429, RETRY_INFO, "model_busy", True),
        (503, {}, "model_busy", True),
        (500, {}, "model_error", True),
        (502, None, "model_down", True),
        (504, {}, "model_slow", True),
        (400, BAD_KEY, "model_refused_key", False),
        (400, {}, "model_rejected", False),
        (401, {}, "model_refused_key", False),
        (403, {}, "model_refused_key", False),
        (404, {}, "model_misconfigured", False),
        (418, {}, "model_rejected", False),
    ],
)
def test_status(status: int, body: Any, code: str, retryable: bool) -> None:
    failure = of_status(status, body)
    assert (failure.code, failure.retryable) == (code, retryable)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(RETRY_INFO, 7), ([RETRY_INFO], 7), ({}, 20), (None, 20), ("text", 20), ({"error": 1}, 20)],
)
def test_retry_delay_of_the_provider(body: Any, seconds: int) -> None:
    assert retry_seconds(body) == seconds


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "RECITATION"])
def test_blocked_answers(reason: str) -> None:
    failure = of_finish(reason)
    assert isinstance(failure, ModelFailure)
    assert failure.code == "model_blocked"


def test_ended_answers() -> None:
    assert of_finish("STOP") is of_finish("MAX_TOKENS") is of_finish(None) is None


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ((100, None, 20, None), Usage(prompt=100, cached=0, output=20, thoughts=0)),
        ((100, 80, 20, None), Usage(prompt=100, cached=80, output=20, thoughts=0)),
        ((100, 0, 20, 30), Usage(prompt=100, cached=0, output=50, thoughts=30)),
        ((None, None, None, None), Usage()),
    ],
)
def test_tokens_as_billed(reported: tuple[int | None, ...], usage: Usage) -> None:
    names = ("prompt", "cached_content", "candidates", "thoughts")
    fields = {f"{name}_token_count": value for name, value in zip(names, reported, strict=True)}
    assert read_usage(SimpleNamespace(**fields)) == usage


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gemini-2.5-flash", "thinking_budget"),
        ("gemini-2.5-pro", "thinking_budget"),
        ("gemini-2.5-flash-preview-09-2025", "thinking_budget"),
        ("gemini-flash-latest", "thinking_budget"),
        ("gemini-3-pro", "thinking_level"),
        ("gemini-3.8-flash", "thinking_level"),
        ("gemini-2.5-flash-lite", None),
        ("gemini-2.0-flash", None),
        ("gemma-3-27b-it", None),
    ],
)
def test_thinking_leaves_room_for_the_answer(model: str, field: str | None) -> None:
    thinking = thinking_of(model)
    assert set(thinking) == ({field} if field else set())
    assert 128 <= thinking.get("thinking_budget", 128) <= MAX_OUTPUT_TOKENS / 2


def test_vectors_are_made_unit_length() -> None:
    assert unit([3.0, 4.0]) == [0.6, 0.8]
    assert unit([0.0, 0.0]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("stalled", "asked", "seconds"),
    [
        (0, None, 2),
        (60, None, 60),
        (0, 30, 30),
        (60, 30, 60),
        (4000, None, 300),
        (4000, 900, 900),
        (24 * 3600, None, 300),
        (24 * 3600 + 1, 30, None),
    ],
)
def test_waits_between_tries(stalled: float, asked: int | None, seconds: float | None) -> None:
    assert retry_delay(stalled, asked) == seconds


@pytest.mark.parametrize(
    ("question", "leans"),
    [
        ("Und in 2024?", True),
        ("Wie lange gilt das?", True),
        ("What about pets?", True),
        ("Welche Kündigungsfrist gilt für den Mietvertrag in der Musterstraße?", False),
        ("How many days of annual leave do employees get?", False),
    ],
)
def test_follow_ups(question: str, leans: bool) -> None:
    earlier = ["Wie hoch ist die Kaltmiete?"]
    assert ("Kaltmiete" in search_text(question, earlier)) is leans
    assert search_text(question, []) == question


def test_a_chain_of_follow_ups_leads_to_the_question_that_stands_alone() -> None:
    earlier = [
        "Wer hat den Schlüssel zum Lager im Keller?",
        "Wie lange ist die Kündigungsfrist für Angestellte im Vertrieb?",
        "Und für Azubis?",
    ]
    searched = search_text("Und danach?", earlier)
    assert searched == "\n".join(["Und danach?", "Und für Azubis?", earlier[1]])
