"""From a checked request to a finished answer, by mode; knows nothing of HTTP or time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from localcloud.model import functions, hallucinating, obedient, schema
from localcloud.model.answers import grounded_answer, plain_answer
from localcloud.model.embeddings import Embedder
from localcloud.model.request import Grounding, Request, read_grounding
from localcloud.model.settings import Mode


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A candidate: text or function calls, and why it ended."""

    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()
    finish: str = "STOP"
    thought: str = ""


def generate(request: Request, mode: Mode, embedder: Embedder, *, thoughts: int = 0) -> Answer:
    """The answer in full, cut at the request's stop sequences and token limit.

    Args:
        thoughts: tokens that were thought before; they count against the limit as well.
    """
    if thoughts and thoughts >= request.config.get("maxOutputTokens", thoughts + 1):
        return Answer(finish="MAX_TOKENS")
    grounding = read_grounding(request)
    if mode == "obedient" and (answer := _obedient(request, grounding, embedder)):
        return _limited(answer, request, embedder, thoughts)
    if grounding is None and (name := functions.choose(request, embedder)):
        return Answer(calls=(functions.call(request, name),))
    text = _text(request, grounding, mode, embedder)
    return _limited(Answer(text=text), request, embedder, thoughts)


def _text(request: Request, grounding: Grounding | None, mode: Mode, embedder: Embedder) -> str:
    invented = mode == "hallucinating" and grounding is not None
    if grounding is None:
        answer = ""
    elif invented:
        answer = hallucinating.hallucinated_answer(grounding)
    else:
        answer = grounded_answer(grounding, embedder)
    if request.config.get("responseMimeType") in {"application/json", "text/x.enum"}:
        text = _structured(request, grounding, answer, embedder)
        return hallucinating.broken_json(text) if mode == "hallucinating" else text
    return answer or plain_answer(request, embedder)


def _structured(
    request: Request, grounding: Grounding | None, answer: str, embedder: Embedder
) -> str:
    wanted = request.config.get("responseJsonSchema") or request.config.get("responseSchema")
    sources = grounding.sources if grounding else ()
    text = "\n\n".join(source.text for source in sources) or request.last_user
    material = schema.Material(text=text, answer=answer, definitions={})
    if not wanted:
        reply = answer or plain_answer(request, embedder)
        return json.dumps({"answer": reply}, ensure_ascii=False)
    value = schema.fill(wanted, material, embedder)
    if request.config["responseMimeType"] == "text/x.enum":
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _obedient(request: Request, grounding: Grounding | None, embedder: Embedder) -> Answer | None:
    """What instructions in any text lead to; None when there are none."""
    orders = obedient.instructions(obedient.read_texts(request))
    if name := obedient.named_function(request, orders):
        return Answer(calls=(functions.call(request, name),))
    written = obedient.obey(request, orders)
    if not written:
        return None
    asked = [grounded_answer(grounding, embedder)] if grounding else []
    return Answer(text="\n".join([*written, *asked]))


def _limited(answer: Answer, request: Request, embedder: Embedder, thoughts: int) -> Answer:
    text, finish = answer.text, answer.finish
    for stop in request.config.get("stopSequences") or []:
        text = text.split(stop, 1)[0] if stop else text
    limit = request.config.get("maxOutputTokens", 0) - thoughts
    if limit > 0 and text and embedder.tokens(text) > limit:
        text, finish = _first_tokens(text, limit, embedder), "MAX_TOKENS"
    return Answer(text=text, calls=answer.calls, finish=finish)


def _first_tokens(text: str, limit: int, embedder: Embedder) -> str:
    kept, used = "", 0
    for piece in pieces(text):
        used += embedder.tokens(piece)
        if used > limit:
            break
        kept += piece
    return kept


def pieces(text: str) -> list[str]:
    """The text cut before each word, nothing lost: what a stream hands out."""
    return re.findall(r"\s*\S+\s*$|\s*\S+", text) or ([text] if text else [])
