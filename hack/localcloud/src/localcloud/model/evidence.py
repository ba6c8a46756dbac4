"""Which sentences of given passages answer a question, and whether any does.

Every sentence is described by a few numbers (`description`). One fixed linear rule puts them in
order, a second one decides from the best of them whether there is an answer at all. The weights
were fitted on public question sets, on other documents than `make bench ONLY=quality` checks them
on; nothing here knows any text. It finds what a passage says, it does not reason: a question that
needs two facts put together, or a negation understood, is beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localcloud.model.description import (
    FEATURES,
    Description,
    Encoder,
    Source,
    announces,
    describe,
)
from localcloud.model.text import Language
from localcloud.model.weights import DECISION, OFFSET, RANKING

__all__ = ["Chosen", "Encoder", "Source", "chosen", "confidence", "find", "scores"]

_ORDER = np.asarray([RANKING.get(name, 0.0) for name in FEATURES])
_ANSWER = np.asarray([DECISION.get(name, 0.0) for name in FEATURES])
_FURTHER = 2.0
_SENTENCES = 3


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A sentence that answers, with the number of its source."""

    source: int
    sentence: str


def scores(description: Description) -> np.ndarray:
    """How well each sentence answers, compared to the others of the same prompt.

    One that only repeats the question's words is no answer at all.
    """
    return np.where(description.says_more, description.features @ _ORDER, -np.inf)


def confidence(description: Description) -> float:
    """Above 0 when the best sentence is taken for an answer."""
    found = scores(description)
    best = int(np.argmax(found))
    if not np.isfinite(found[best]):
        return float(found[best])
    return float(description.features[best] @ _ANSWER + OFFSET)


def chosen(description: Description, limit: int) -> list[int]:
    """The best sentence and those nearly as good, each with what it announces."""
    found = scores(description)
    ranked = np.argsort(-found, kind="stable")
    near = [int(place) for place in ranked if found[place] >= found[ranked[0]] - _FURTHER]
    first = {description.texts[place]: place for place in reversed(near)}
    kept = [place for place in near if first[description.texts[place]] == place][:limit]
    return [place for each in kept for place in _with_announced(description, each)]


def _with_announced(description: Description, place: int) -> list[int]:
    follows = place + 1 < len(description.sentences) and not description.sentences[place + 1].opens
    return [place, place + 1] if announces(description.texts[place]) and follows else [place]


def find(
    question: str,
    language: Language,
    sources: Sequence[Source],
    encoder: Encoder,
    *,
    limit: int = _SENTENCES,
) -> list[Chosen]:
    """The sentences that answer, best first; empty when the passages do not say it."""
    description = describe(question, language, sources, encoder)
    if not description.sentences or confidence(description) <= 0:
        return []
    places = dict.fromkeys(chosen(description, limit))
    return [
        Chosen(
            source=sources[description.sentences[place].passage].id,
            sentence=description.texts[place],
        )
        for place in places
    ]
