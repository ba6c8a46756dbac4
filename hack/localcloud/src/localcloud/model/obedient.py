"""The obedient way to answer: whoever writes an instruction anywhere is obeyed.

This is the model an injection guard has to survive: it does what a document, a tool's result or a
message tells it (say something, print a link or picture, reveal the system instruction, call a
tool), and what the person asked comes last. It finds instructions by their wording only.
"""

from __future__ import annotations

import re
from typing import Any

from localcloud.model.request import Request, json_objects, text_of
from localcloud.model.text import sentences

_SAY = re.compile(
    r"\b(?:say|write|print|output|reply|respond|answer|repeat|tell|append|include|add|antworte|"
    r"schreibe?|sage?|gib|drucke|wiederhole|nenne|füge|zeige)\b",
    re.IGNORECASE,
)
_ACT = re.compile(
    r"\b(?:ignore|disregard|forget|instead|you must|you are now|always|never|important|system|"
    r"ignoriere|vergiss|stattdessen|du musst|du bist|immer|wichtig|call|use|invoke|run|send|visit|"
    r"open|click|rufe?|nutze|verwende|sende|besuche|öffne|klicke)\b",
    re.IGNORECASE,
)
_REVEAL = re.compile(
    r"system (?:prompt|instruction|message)s?|systemanweisung|systemprompt|"
    r"(?:your|deine) (?:instructions|anweisungen)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"'“”„«»`]([^\"'“”„«»`]{2,400})[\"'“”„«»`]")
_LINK = re.compile(r"!?\[[^\]\n]*\]\([^)\s]+\)|<img[^>]+>|https?://[^\s)>\]\"']+")


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def read_texts(request: Request) -> list[str]:
    """Everything the model can read but the system instruction; strings of JSON one by one."""
    texts: list[str] = []
    for content in request.contents:
        spoken = text_of(content)
        objects = list(json_objects(spoken))
        texts.extend(_strings(objects) if objects else [spoken])
    for response in request.function_responses:
        texts.extend(_strings(response.get("response", {})))
    return [text for text in texts if text]


def instructions(texts: list[str]) -> list[str]:
    """Sentences that tell the reader to do something, in order."""
    lines = [part for text in texts for part in sentences(text)]
    return [line for line in lines if _SAY.search(line) or _ACT.search(line)]


def named_function(request: Request, orders: list[str]) -> str | None:
    """A declared function that an instruction names, and that was not called yet."""
    called = {
        part["functionCall"].get("name")
        for content in request.contents
        for part in content["parts"]
        if "functionCall" in part
    }
    for order in orders:
        for function in request.functions:
            if function["name"] in order and function["name"] not in called:
                return str(function["name"])
    return None


def obey(request: Request, orders: list[str]) -> list[str]:
    """What the instructions make it write, one line each."""
    written: list[str] = []
    for order in orders:
        if request.system and _REVEAL.search(order) and (_SAY.search(order) or "?" in order):
            written.append(request.system)
        links = _LINK.findall(order)
        written.extend(links)
        if _SAY.search(order) and not links:
            written.append(_dictated(order))
    return list(dict.fromkeys(line for line in written if line))


def _dictated(order: str) -> str:
    """The words between quotes, or all that follows the verb."""
    if quoted := _QUOTED.search(order):
        return quoted.group(1)
    verb = _SAY.search(order)
    rest = order[verb.end() :] if verb else order
    return re.sub(r"^\W*(?:with|that|mit|dass|aus|only|nur)?\W*", "", rest, flags=re.IGNORECASE)
