"""An answer as one body or as a stream: server-sent events, or a JSON array without `alt=sse`.

Each event is a complete response with the new piece of text; `usageMetadata` grows and the last
event has the finish reason. Function calls come in one event.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from localcloud.model.faults import Fault
from localcloud.model.generate import Answer
from localcloud.model.pace import chunks, paced, whole
from localcloud.model.service import Generated
from localcloud.model.usage import Counter, Usage

CALL: web.RequestKey[dict[str, Any]] = web.RequestKey("call")
"""What `/_admin/calls` shows of a request; a stream notes when its first piece of text left, and
`left` when the client went away before the end: from then on nothing is generated for it."""
_ENDING = frozenset({"finish", "cut_stream", "error_in_stream"})
_RATINGS = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
)


class FaultInStream(Exception):
    """The connection is to be cut here."""


def candidate(parts: list[dict[str, Any]], finish: str) -> dict[str, Any]:
    """One candidate; without parts it has no content, as after a safety block."""
    result: dict[str, Any] = {"index": 0}
    if parts:
        result["content"] = {"parts": parts, "role": "model"}
    if finish:
        result["finishReason"] = finish
    if finish == "SAFETY":
        result["safetyRatings"] = [
            {"category": category, "probability": "HIGH", "blocked": True}
            for category in _RATINGS[:1]
        ]
    return result


def _parts(answer: Answer) -> list[dict[str, Any]]:
    return [*_thought(answer), *([{"text": answer.text}] if answer.text else []), *answer.calls]


def _thought(answer: Answer) -> list[dict[str, Any]]:
    return [{"text": answer.thought, "thought": True}] if answer.thought else []


async def send_whole(made: Generated, fault: Fault | None) -> dict[str, Any]:
    """The body of generateContent, after the time such an answer takes."""
    await whole(made.usage.candidates, made.pace)
    kind = fault.kind if fault else ""
    if made.blocked or kind == "block_prompt":
        return _blocked(made)
    finish = fault.finish_reason if fault and kind == "finish" else made.answer.finish
    parts = [] if kind in {"finish", "empty"} else _parts(made.answer)
    return made.frame(candidates=[candidate(parts, finish)], usageMetadata=made.usage.document())


def _blocked(made: Generated) -> dict[str, Any]:
    body = made.prompt_feedback()
    body["promptFeedback"]["blockReason"] = made.blocked or "SAFETY"
    return body


async def _bodies(
    made: Generated, fault: Fault | None, counter: Counter
) -> AsyncIterator[dict[str, Any]]:
    kind = fault.kind if fault else ""
    if made.blocked or kind == "block_prompt":
        yield _blocked(made)
        return
    if made.answer.thought and kind not in _ENDING:
        yield _event(made, _thought(made.answer), "", 0)
    parts = chunks(made.answer.text, counter, made.pace.chunk_tokens)
    sent = number = 0
    async for text, size in paced(parts, made.pace):
        if fault and kind in _ENDING and number == fault.after_chunks:
            break
        number, sent = number + 1, sent + size
        yield _event(made, [{"text": text}], "", sent)
    if fault and kind == "cut_stream":
        raise FaultInStream
    if fault and kind == "error_in_stream":
        yield fault.error().envelope()
        return
    finish = fault.finish_reason if fault and kind == "finish" else made.answer.finish
    yield _event(made, list(made.answer.calls), finish, made.usage.candidates)


def _event(made: Generated, parts: list[dict[str, Any]], finish: str, sent: int) -> dict[str, Any]:
    usage = Usage(
        prompt=made.usage.prompt,
        cached=made.usage.cached,
        thoughts=made.usage.thoughts,
        candidates=sent,
    )
    shown = parts or [{"text": ""}]
    return made.frame(candidates=[candidate(shown, finish)], usageMetadata=usage.document())


async def send_stream(
    request: web.Request, made: Generated, fault: Fault | None, counter: Counter
) -> web.StreamResponse:
    """Write the stream; `alt=sse` chooses events, else one JSON array grows.

    Raises:
        FaultInStream: when a fault wants the connection cut.
    """
    events = request.query.get("alt") == "sse"
    response = web.StreamResponse()
    response.content_type = "text/event-stream" if events else "application/json"
    await response.prepare(request)
    try:
        await _write_bodies(request, response, _bodies(made, fault, counter))
    except (ConnectionResetError, asyncio.CancelledError):
        request[CALL]["left"] = time.time()
        raise
    await response.write_eof()
    return response


async def _write_bodies(
    request: web.Request, response: web.StreamResponse, bodies: AsyncIterator[dict[str, Any]]
) -> None:
    events, started = response.content_type == "text/event-stream", False
    async for body in bodies:
        text = json.dumps(body, ensure_ascii=False)
        opening, end = ("data: ", "\r\n\r\n") if events else (",\r\n" if started else "[", "")
        if not started:
            request[CALL]["first_byte"] = time.time()
        await response.write(f"{opening}{text}{end}".encode())
        started = True
    if not events:
        await response.write(b"]" if started else b"[]")
