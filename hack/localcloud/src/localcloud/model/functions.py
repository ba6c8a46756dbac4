"""Function calling: which declared function a message asks for, and with which arguments.

The function whose name and description are nearest to the message is called; arguments come from
the message: numbers, quoted text, choices that are named, otherwise the message itself. A function
whose required arguments cannot be filled is not called unless the mode is ANY.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from localcloud.model.errors import invalid
from localcloud.model.evidence import Encoder
from localcloud.model.request import Request
from localcloud.model.text import content_words, language_of, stem, words

_LIKENESS = 0.32
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_QUOTED = re.compile(r"[\"'“”„«»`]([^\"'“”„«»`]{1,400})[\"'“”„«»`]")
_FREE_TEXT = re.compile(r"query|question|text|message|prompt|search|frage|suche|topic|content")


def choose(request: Request, encoder: Encoder) -> str | None:
    """Name of the function to call, or None when the answer should be text.

    Raises:
        ApiError: 400 for an unknown mode or an allowed name that is not declared.
    """
    mode = str(request.calling.get("mode") or "AUTO").upper()
    if mode not in {"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"}:
        raise invalid(f"Invalid function calling mode {mode}.", "tool_config")
    offered = _offered(request)
    if mode == "NONE" or not offered or (request.function_responses and mode != "ANY"):
        return None
    scores = _scores(request.last_user, offered, encoder)
    best = int(np.argmax(scores))
    sure = scores[best] >= _LIKENESS and arguments(request, offered[best]) is not None
    return str(offered[best]["name"]) if sure or mode == "ANY" else None


def _offered(request: Request) -> list[dict[str, Any]]:
    allowed = request.calling.get("allowedFunctionNames") or []
    names = {function["name"] for function in request.functions}
    if unknown := set(allowed) - names:
        raise invalid(f"allowed_function_names {sorted(unknown)} are not declared.", "tool_config")
    return [item for item in request.functions if not allowed or item["name"] in allowed]


def _described(function: dict[str, Any]) -> str:
    spoken = re.sub(r"(?<=[a-z])(?=[A-Z])|[_.:-]+", " ", function["name"])
    return f"{spoken}. {function.get('description', '')}"


def _scores(message: str, functions: list[dict[str, Any]], encoder: Encoder) -> list[float]:
    """Likeness of meaning plus the share of the function's words that the message uses."""
    described = [_described(function) for function in functions]
    vectors = encoder.encode([message, *described])
    meaning = vectors[1:] @ vectors[0]
    return [
        float(likeness) + 0.5 * _overlap(message, text)
        for likeness, text in zip(meaning, described, strict=True)
    ]


def _overlap(message: str, described: str) -> float:
    language = language_of(described)
    said = {stem(word, language) for word in words(message)}
    own = {stem(word, language) for word in content_words(described, language)}
    return len(said & own) / max(1, min(6, len(own)))


def call(request: Request, name: str) -> dict[str, Any]:
    """The `functionCall` part for a declared function, as complete as the message allows."""
    function = next(item for item in request.functions if item["name"] == name)
    found = arguments(request, function)
    number = sum("functionCall" in part for item in request.contents for part in item["parts"])
    filled = _partial(request, function) if found is None else found
    return {"functionCall": {"id": f"call-{number + 1}", "name": name, "args": filled}}


def _schema(function: dict[str, Any]) -> dict[str, Any]:
    return function.get("parameters") or function.get("parametersJsonSchema") or {}


def arguments(request: Request, function: dict[str, Any]) -> dict[str, Any] | None:
    """All required arguments (and optional ones that were named), None when one is missing."""
    filled = _partial(request, function)
    required = _schema(function).get("required") or []
    return filled if all(name in filled for name in required) else None


def _partial(request: Request, function: dict[str, Any]) -> dict[str, Any]:
    schema, message = _schema(function), request.last_user
    properties = schema.get("properties") or {}
    required = set(schema.get("required") or [])
    reader = _Reader(message)
    values = {
        name: reader.read(name, item, needed=name in required) for name, item in properties.items()
    }
    return {name: value for name, value in values.items() if value is not None}


class _Reader:
    """Takes values out of a message; each number and quotation is used once."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._numbers = _NUMBER.findall(message)
        self._quoted = _QUOTED.findall(message)

    def read(self, name: str, schema: dict[str, Any], *, needed: bool) -> Any:
        kind = str(schema.get("type", "string")).lower()
        if schema.get("enum"):
            return self._named(schema["enum"], needed=needed)
        if kind in {"integer", "number"}:
            return self._number(kind) if self._numbers and needed else None
        if kind == "boolean":
            return True if needed else None
        if kind == "array":
            return self._list(schema.get("items") or {}) if needed else None
        if kind == "object":
            return {} if needed else None
        return self._text(name, needed=needed)

    def _named(self, options: list[Any], *, needed: bool) -> Any:
        lowered = self._message.casefold()
        named = (option for option in options if str(option).casefold() in lowered)
        return next(named, options[0] if needed else None)

    def _number(self, kind: str) -> float | int:
        text = self._numbers.pop(0).replace(",", ".")
        return int(float(text)) if kind == "integer" else float(text)

    def _list(self, items: dict[str, Any]) -> list[Any]:
        kind = str(items.get("type", "string")).lower()
        if kind in {"integer", "number"}:
            return [self._number(kind) for _ in list(self._numbers)]
        return list(self._quoted) or _proper_names(self._message)

    def _text(self, name: str, *, needed: bool) -> str | None:
        said = re.search(rf"\b{re.escape(name)}\b\W*(?:is|ist|=|:)?\W*([\w@.-]+)", self._message)
        if self._quoted:
            return str(self._quoted.pop(0))
        if not needed:
            return None
        if said and not _FREE_TEXT.search(name):
            return said.group(1)
        names = _proper_names(self._message)
        return self._message if _FREE_TEXT.search(name) or not names else names[-1]


def _proper_names(message: str) -> list[str]:
    return re.findall(r"(?<!^)(?<![.!?]\s)\b[A-ZÄÖÜ][\w-]+(?:\s[A-ZÄÖÜ][\w-]+)*", message)
