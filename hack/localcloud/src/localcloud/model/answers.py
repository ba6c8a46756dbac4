"""The truthful way to answer: what the passages say, with their markers, or `NOT_FOUND`.

Without passages there is nothing to be truthful about: then it says so in a sentence, or does the
little that can be done with the text alone (a title, a summary).
"""

from __future__ import annotations

import re

import numpy as np

from localcloud.model.evidence import Encoder, Source, find
from localcloud.model.request import Grounding, Request, text_of
from localcloud.model.text import Language, content_words, language_of, sentences

NOT_FOUND = "NOT_FOUND"
_TITLE = re.compile(r"\b(?:title|titel|überschrift|headline|betreff)\b", re.IGNORECASE)
_SUMMARY = re.compile(r"\b(?:summar\w+|zusammenfass\w+|fasse?)\b", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(hallo|hi|hello|hey|guten (?:tag|morgen|abend)|servus|grüß gott)\b", re.IGNORECASE
)
_SENTENCES: dict[str, dict[Language, str]] = {
    "greeting": {"de": "Hallo! Womit kann ich helfen?", "en": "Hello! How can I help?"},
    "nothing": {
        "de": "Dazu liegen mir keine Unterlagen vor, deshalb kann ich das nicht beantworten.",
        "en": "I have no documents on this, so I cannot answer it.",
    },
    "untitled": {"de": "Neue Unterhaltung", "en": "New conversation"},
}


def with_marker(sentence: str, source: int) -> str:
    """The sentence with its marker before the closing punctuation."""
    match = re.search(r"[.!?…:;,]*[\"'»«“”)]*$", sentence)
    cut = match.start() if match else len(sentence)
    return f"{sentence[:cut]} [{source}]{sentence[cut:] or '.'}"


def grounded_answer(grounding: Grounding, encoder: Encoder) -> str:
    """The sentences that answer the question, each cited, or the `NOT_FOUND` token alone."""
    found = find(grounding.question, grounding.language, grounding.sources, encoder)
    if not found:
        return NOT_FOUND
    return " ".join(with_marker(candidate.sentence, candidate.source) for candidate in found)


def plain_answer(request: Request, encoder: Encoder) -> str:
    """A reply to a request without passages."""
    instruction = f"{request.system}\n{request.last_user}"
    text = "\n".join(text_of(content) for content in request.contents)
    if _GREETING.match(request.last_user):
        return _SENTENCES["greeting"][_greeted_in(request)]
    if _TITLE.search(instruction):
        return title(_material(text), language_of(text))
    if _SUMMARY.search(instruction):
        return summary(_material(text), encoder)
    if request.function_responses:
        return _told(request)
    return _SENTENCES["nothing"][request.language]


def _greeted_in(request: Request) -> Language:
    """A greeting alone has no function words that tell its language."""
    english = re.match(r"\W*(?:hi|hello|hey)\b", request.last_user, re.IGNORECASE)
    return language_of(request.last_user, "en" if english else "de")


def _material(text: str) -> str:
    """The text to work on: without the line that only gives the task, when there is more."""
    lines = [line for line in text.splitlines() if line.strip()]
    rest = [line for line in lines if not (_TITLE.search(line) or _SUMMARY.search(line))]
    return "\n\n".join(rest or lines)


def title(text: str, language: Language, *, limit: int = 6) -> str:
    """The first content words of the text, in order."""
    kept = list(dict.fromkeys(content_words(text, language)))[:limit]
    return " ".join(kept) or _SENTENCES["untitled"][language]


def summary(text: str, encoder: Encoder, *, limit: int = 3) -> str:
    """The sentences nearest to the middle of the text's meaning, in order."""
    parts = sentences(text)
    if len(parts) <= limit:
        return " ".join(parts)
    vectors = encoder.encode(parts)
    nearest = np.argsort(-(vectors @ vectors.mean(axis=0)), kind="stable")[:limit]
    return " ".join(parts[position] for position in sorted(nearest))


def _told(request: Request) -> str:
    """What tools reported, read out."""
    lines = []
    for response in request.function_responses:
        result = response.get("response", {})
        value = result.get("result", result.get("output", result))
        lines.append(f"{response.get('name', '')}: {_flat(value)}")
    return "\n".join(lines)


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(item) for item in value)
    return str(value)


def best_sentence(question: str, text: str, encoder: Encoder) -> str:
    """The sentence of a text that fits the question best, empty when none does."""
    language = language_of(question)
    found = find(question, language, (Source(id=1, text=text),), encoder, limit=1)
    return found[0].sentence if found else ""
