"""Fusion of the lexical and the dense arm, then documents before passages. Pure functions.

Both arms are put on [0, 1] by their own best and worst score of the question and added with
weights; with weights chosen by measurement (tests/load/bench_retrieval.py) the sum is not below
the better arm on any of the measured sets. Reciprocal ranks are not used: with arms of unequal
strength they were measured worse than the better arm alone.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

LEXICAL_WEIGHT = 0.75


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage with its fused score in [0, 1]."""

    passage: int
    score: float


def normalised(scores: Mapping[Key, float]) -> dict[Key, float]:
    """Return scores scaled so that the best is 1 and the worst just above 0."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    spread = high - low
    if spread <= 0:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / spread for key, score in scores.items()}


def fuse(
    lexical: Mapping[Key, float], dense: Mapping[Key, float], weight: float = LEXICAL_WEIGHT
) -> dict[Key, float]:
    """Return weight · lexical + (1 - weight) · dense; an empty arm leaves the other as it is."""
    if not lexical or not dense:
        return normalised(lexical or dense)
    left, right = normalised(lexical), normalised(dense)
    return {
        key: weight * left.get(key, 0.0) + (1 - weight) * right.get(key, 0.0)
        for key in left.keys() | right.keys()
    }


def rank_documents(
    fused: Mapping[int, float], owners: Mapping[int, Hashable]
) -> list[tuple[Hashable, float]]:
    """Return (document, score of its best passage), best first (MaxP)."""
    best: defaultdict[Hashable, float] = defaultdict(float)
    for passage, score in fused.items():
        if passage in owners:
            best[owners[passage]] = max(best[owners[passage]], score)
    return sorted(best.items(), key=lambda item: (-item[1], str(item[0])))


def select(
    fused: Mapping[int, float],
    owners: Mapping[int, Hashable],
    *,
    documents: int,
    passages: int,
) -> list[Ranked]:
    """Return the best passages of the best documents."""
    chosen = {document for document, _ in rank_documents(fused, owners)[:documents]}
    candidates = [
        Ranked(passage, score) for passage, score in fused.items() if owners.get(passage) in chosen
    ]
    return _best(candidates)[:passages]


def _best(candidates: Sequence[Ranked]) -> list[Ranked]:
    return sorted(candidates, key=lambda item: (-item.score, item.passage))
