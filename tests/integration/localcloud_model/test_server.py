"""The wire beyond what the SDK shows: admin, faults in streams, both stream forms, listeners."""

from __future__ import annotations

import json
import time
from typing import Any

import aiohttp
import pytest
from localcloud.model import RunningModel
from plugins.fix_model_server import MODEL_KEY, grounded

HEADERS = {"x-goog-api-key": MODEL_KEY}
BODY = {"contents": [{"parts": [{"text": grounded("Wie hoch ist die Kaltmiete?")}]}]}
STREAM = "/v1beta/models/gemini-2.5-flash-chunk1:streamGenerateContent"
CALL = "/v1beta/models/gemini-2.5-flash:generateContent"


async def post(
    server: RunningModel, path: str, body: Any = BODY, **fields: Any
) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession(server.url, headers=HEADERS) as session,
        session.post(path, json=body, **fields) as answer,
    ):
        return answer.status, answer.content_type, await answer.text()


async def add_fault(server: RunningModel, **fault: Any) -> None:
    status, _, text = await post(server, "/_admin/faults", fault)
    assert status == 200, text


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


async def test_stream_as_events(model_server: RunningModel) -> None:
    status, kind, text = await post(model_server, f"{STREAM}?alt=sse")
    assert (status, kind) == (200, "text/event-stream")
    counts = [event["usageMetadata"]["candidatesTokenCount"] for event in events(text)]
    assert counts == sorted(counts)
    assert {event["responseId"] for event in events(text)} == {events(text)[0]["responseId"]}


async def test_calls_say_when_a_stream_began(model_server: RunningModel) -> None:
    before = time.time()
    await post(model_server, f"{STREAM}?alt=sse")
    await post(model_server, CALL)
    async with aiohttp.ClientSession(model_server.url) as session:
        calls = (await (await session.get("/_admin/calls")).json())["calls"]
    assert [call["path"] for call in calls] == [STREAM, CALL]
    assert before <= calls[0]["first_byte"] <= time.time()
    assert "first_byte" not in calls[1]


async def test_stream_as_an_array(model_server: RunningModel) -> None:
    _, kind, text = await post(model_server, STREAM)
    assert kind == "application/json"
    assert json.loads(text)[-1]["candidates"][0]["finishReason"] == "STOP"


async def test_key_in_the_query(model_server: RunningModel) -> None:
    async with (
        aiohttp.ClientSession(model_server.url) as session,
        session.post(f"{CALL}?key={MODEL_KEY}", json=BODY) as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("verb", [CALL, f"{STREAM}?alt=sse"])
async def test_a_dropped_connection(model_server: RunningModel, verb: str) -> None:
    for kind in ("drop", "commit_then_drop"):
        await add_fault(model_server, kind=kind, path="models")
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(model_server, verb)
    assert (await post(model_server, verb))[0] == 200


async def test_a_stream_cut_half_way(model_server: RunningModel) -> None:
    await add_fault(model_server, kind="cut_stream", after_chunks=2)
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        await post(model_server, f"{STREAM}?alt=sse")


async def test_an_error_within_a_stream(model_server: RunningModel) -> None:
    await add_fault(model_server, kind="error_in_stream", after_chunks=2, code=503)
    _, _, text = await post(model_server, f"{STREAM}?alt=sse")
    assert len(events(text)) == 3
    assert events(text)[-1]["error"]["status"] == "UNAVAILABLE"


async def test_a_candidate_stopped_for_safety(model_server: RunningModel) -> None:
    await add_fault(model_server, kind="finish", times=2)
    _, _, streamed = await post(model_server, f"{STREAM}?alt=sse")
    assert events(streamed)[-1]["candidates"][0]["finishReason"] == "SAFETY"
    _, _, whole = await post(model_server, CALL)
    candidate = json.loads(whole)["candidates"][0]
    assert candidate["finishReason"] == "SAFETY"
    assert "content" not in candidate


async def test_garbled_and_empty(model_server: RunningModel) -> None:
    await add_fault(model_server, kind="garbled")
    assert (await post(model_server, CALL))[1] == "text/html"
    await add_fault(model_server, kind="empty")
    assert "content" not in json.loads((await post(model_server, CALL))[2])["candidates"][0]


async def test_settings_change_while_running(model_server: RunningModel) -> None:
    async with aiohttp.ClientSession(model_server.url, headers=HEADERS) as session:
        change = {"mode": "hallucinating", "pace": {"chunk_tokens": 2}}
        async with session.patch("/_admin/settings", json=change) as answer:
            shown = await answer.json()
        async with session.patch("/_admin/settings", json={"mode": "lazy"}) as answer:
            assert answer.status == 400
            assert "mode" in (await answer.json())["error"]
    assert shown["mode"] == "hallucinating"
    assert shown["pace"] == {"first_token_ms": 0, "tokens_per_second": 0, "chunk_tokens": 2}
    assert "keys" not in shown
    _, _, text = await post(model_server, CALL)
    assert "1.250 Euro [1]" not in text


async def test_each_customer_gets_a_key_of_their_own(model_server: RunningModel) -> None:
    keys = [json.loads((await post(model_server, "/_admin/keys"))[2])["key"] for _ in range(2)]
    assert len({*keys, MODEL_KEY}) == 3
    for key in (*keys, MODEL_KEY):
        assert (await post(model_server, CALL, headers={"x-goog-api-key": key}))[0] == 200
    assert (await post(model_server, CALL, headers={"x-goog-api-key": "AIzaNobody"}))[0] == 400


async def test_the_rate_limit_answers_429(model_server: RunningModel) -> None:
    model_server.service.settings.requests_per_minute = 1
    assert (await post(model_server, CALL))[0] == 200
    status, _, text = await post(model_server, CALL)
    assert status == 429
    assert json.loads(text)["error"]["details"][-1]["@type"].endswith("RetryInfo")


async def test_a_listener_without_admin_shares_the_state(model_server: RunningModel) -> None:
    url = await model_server.also(host="127.0.0.1", port=0, tls=None, serve_admin=False)
    await add_fault(model_server, kind="error", code=500)
    async with aiohttp.ClientSession(url, headers=HEADERS) as session:
        async with session.get("/_admin/settings") as answer:
            assert answer.status == 404
        async with session.get("/v1beta/models") as answer:
            assert answer.status == 500


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1beta/models/gemini-2.5-flash:transmogrify", 404),
        ("/v1beta/models/nothing:generateContent", 404),
        ("/v2/models", 404),
    ],
)
async def test_unknown_paths_answer_in_the_envelope(
    model_server: RunningModel, path: str, code: int
) -> None:
    status, _, text = await post(model_server, path)
    assert status == code
    assert json.loads(text)["error"]["code"] == code


async def test_a_body_that_is_not_json(model_server: RunningModel) -> None:
    async with (
        aiohttp.ClientSession(model_server.url, headers=HEADERS) as session,
        session.post(CALL, data=b"{nope") as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]["status"] == "INVALID_ARGUMENT"
