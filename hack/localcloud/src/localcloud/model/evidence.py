"""Which sentences of given passages answer a question, and whether any does.

Each sentence is described by a few numbers between 0 and 1 (shared words weighted by how rare they
are, the same with words of like meaning, likeness of the whole sentence, of its passage, and
whether it holds the kind of thing asked for) and judged by a fixed linear rule. The weights were
fitted on public question sets, on other documents than they were checked on; nothing here knows
any text. It finds what a passage says, it does not reason: a question that needs two facts put
together, or a negation understood, is beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from localcloud.model.embeddings import Vectors
from localcloud.model.text import Language, content_words, language_of, sentences, stem, words

_RARE = 14.0
_COMMON = 5.0


class Encoder(Protocol):
    """What is needed of the embedder."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, one row per text."""
        ...

    def rarity(self, word: str) -> float:
        """Larger for rarer words."""
        ...


@dataclass(frozen=True, kw_only=True)
class Source:
    """One passage of the prompt with the number its citation uses."""

    id: int
    text: str
    title: str = ""
    heading: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sentence with its description; `features` in the order of `FEATURES`."""

    source: int
    position: int
    sentence: str
    foreign: bool
    """Whether its passage is in another language than the question."""
    features: tuple[float, ...]


FEATURES = (
    "words",
    "meaning",
    "likeness",
    "near_words",
    "kind",
    "passage_words",
    "passage_likeness",
    "missing",
    "missing_rare",
    "full",
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """A question's content words, their stems, weights (sum 1) and vectors."""

    text: str
    language: Language
    stems: tuple[str, ...]
    weights: Vectors
    vectors: Vectors
    vector: Vectors
    names: Vectors
    rarity: Vectors


_NUMBER = re.compile(r"\d")
_NUMBER_WORD = re.compile(
    r"\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend|million\w*|"
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d{3}|20\d{2})\b|\b\d{1,2}[.:]\d{2}\b|jahrhundert|centur|\b(?:montag|dienstag|mittwoch|"
    r"donnerstag|freitag|samstag|sonntag|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|january|"
    r"february|march|may|june|july|october|december|uhr|täglich|monat\w*|jahr\w*|years?|months?|"
    r"tage?n?|days?|wochen?|weeks?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.!?]\s)\b[A-ZÄÖÜ][\w-]+")


def _has_number(sentence: str) -> bool:
    return bool(_NUMBER.search(sentence) or _NUMBER_WORD.search(sentence))


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (
        re.compile(r"\bwie ?viele?n?\b|\bhow (?:many|much|old|tall|high|long|far|big)\b|"
                   r"\bwie (?:hoch|alt|groß|lange?|weit|teuer|schwer|oft|schnell)\b|"
                   r"\b(?:prozent\w*|percent\w*)\b", re.IGNORECASE),
        _has_number,
    ),
    (
        re.compile(r"\bwann\b|\bwhen\b|\b(?:what|which) (?:year|day|date|month|century)\b|"
                   r"\bwelche[mnrs]? (?:jahr|tag|datum|monat|jahrhundert)\w*", re.IGNORECASE),
        lambda sentence: bool(_TIME.search(sentence)),
    ),
    (
        re.compile(r"\b(?:we[rnm]|wessen|who|whom|whose|where|wo|wohin|woher)\b", re.IGNORECASE),
        lambda sentence: bool(_NAME.search(sentence)),
    ),
)  # fmt: skip


def kind_matches(question: str, sentence: str) -> float:
    """1 when the sentence holds the kind of thing asked for, 0 when not, 0.5 when unknown."""
    for asks, holds in _KINDS:
        if asks.search(question):
            return 1.0 if holds(sentence) else 0.0
    return 0.5


def _weight(word: str, encoder: Encoder) -> float:
    """0.2 for a common word up to 1 for a rare one."""
    scaled = (encoder.rarity(word) - _COMMON) / (_RARE - _COMMON)
    return min(1.0, max(0.2, scaled))


def read_query(question: str, language: Language, encoder: Encoder) -> Query:
    """Describe a question once, for all sentences."""
    kept = content_words(question, language) or words(question) or ["?"]
    kept = list(dict.fromkeys(kept))
    weights = np.asarray([_weight(word, encoder) for word in kept], np.float32)
    return Query(
        text=question,
        language=language,
        stems=tuple(stem(word, language) for word in kept),
        weights=weights / weights.sum(),
        rarity=weights,
        vectors=encoder.encode(kept),
        vector=encoder.encode([question])[0],
        names=np.asarray([_is_name(word, language) for word in kept], np.float32),
    )


def _is_name(word: str, language: Language) -> bool:
    """Numbers, codes and (in English) capitalised words: what an answer must be about."""
    return bool(_NUMBER.search(word)) or (language == "en" and word[0].isupper())


def _same(left: str, right: str) -> float:
    """Likeness of two stems: equal, one inside the other (compounds), or a long common start."""
    if left == right:
        return 1.0
    if left[:1].isdigit() or right[:1].isdigit():
        return 0.0
    shorter, longer = sorted((left, right), key=len)
    if len(shorter) >= 4 and shorter in longer:
        return 0.8
    common = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), len(shorter))  # noqa: B905
    return 0.7 if common >= 5 and common >= 0.7 * len(longer) else 0.0


def _exact(query: Query, text: str) -> Vectors:
    """Per question word, how well it occurs in the text literally."""
    stems = {stem(word, query.language) for word in words(text)}
    best = [max((_same(own, other) for other in stems), default=0.0) for own in query.stems]
    return np.asarray(best, np.float32)


def _meant(query: Query, text: str, encoder: Encoder) -> Vectors:
    """Per question word, how near the nearest word of the text is in meaning."""
    language = language_of(text, query.language)
    others = list(dict.fromkeys(content_words(text, language)))
    if not others:
        return np.zeros(len(query.stems), np.float32)
    near: Vectors = (query.vectors @ encoder.encode(others).T).max(axis=1)
    scaled: Vectors = np.clip((near - 0.35) / 0.5, 0.0, 1.0)
    return scaled


def candidates(query: Query, sources: Sequence[Source], encoder: Encoder) -> list[Candidate]:
    """Every sentence of every source, described."""
    found: list[Candidate] = []
    for source in sources:
        found.extend(_of_source(query, source, encoder))
    return found


def _of_source(query: Query, source: Source, encoder: Encoder) -> list[Candidate]:
    parts = sentences(source.text)
    if not parts:
        return []
    frame = _exact(query, f"{source.title} {source.heading}")
    exact = np.stack([_exact(query, part) for part in parts])
    meant = np.maximum(np.stack([_meant(query, part, encoder) for part in parts]), exact)
    likeness = encoder.encode(parts) @ query.vector
    foreign = language_of(source.text, query.language) != query.language
    shared = _shared(query, np.maximum(meant.max(axis=0), frame), likeness)
    return [
        Candidate(
            source=source.id,
            position=position,
            sentence=part,
            foreign=foreign,
            features=(
                float(exact[position] @ query.weights),
                float(meant[position] @ query.weights),
                float(likeness[position]),
                float(np.maximum(_around(meant, position), frame) @ query.weights),
                kind_matches(query.text, part),
                *shared,
                float(meant[position] @ query.weights) ** 3,
            ),
        )
        for position, part in enumerate(parts)
    ]


def _around(meant: Vectors, position: int) -> Vectors:
    """Per question word, its best occurrence in the sentence or the one before or after."""
    window: Vectors = meant[max(0, position - 1) : position + 2].max(axis=0)
    return window


def _shared(query: Query, around: Vectors, likeness: Vectors) -> tuple[float, ...]:
    """The features that all sentences of one passage have in common."""
    absent = 1 - around
    names = float((absent * query.names).sum() / max(float(query.names.sum()), 1.0))
    return (
        float(around @ query.weights),
        float(likeness.max()),
        names,
        float((absent * query.rarity).max()),
    )


_WEIGHTS = np.asarray([2.09, 1.09, 2.61, 1.74, 0.0, 0.93, 1.45, -0.43, -1.73, 0.62])
_THRESHOLD = 3.63
_FOREIGN = 1.0  # words of two languages seldom look alike: what they cost a good sentence
_FURTHER = 0.8
_SENTENCES = 3


def score(candidate: Candidate) -> float:
    """How well the sentence answers; above 0 it does."""
    bonus = _FOREIGN if candidate.foreign else 0.0
    return float(np.asarray(candidate.features) @ _WEIGHTS - _THRESHOLD + bonus)


def find(
    question: str,
    language: Language,
    sources: Sequence[Source],
    encoder: Encoder,
    *,
    limit: int = _SENTENCES,
) -> list[Candidate]:
    """The sentences that answer, best first; empty when the passages do not say it.

    A further sentence is added only when it is nearly as good as the best one.
    """
    query = read_query(question, language, encoder)
    ranked = sorted(candidates(query, sources, encoder), key=score, reverse=True)
    if not ranked or score(ranked[0]) <= 0:
        return []
    floor = max(0.0, score(ranked[0]) - _FURTHER)
    kept: dict[str, Candidate] = {}
    for candidate in ranked:
        if score(candidate) >= floor:
            kept.setdefault(candidate.sentence, candidate)
    return list(kept.values())[:limit]
