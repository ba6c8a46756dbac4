"""Whether a passage says what a sentence claims. Pure; the embedding check is the caller's.

A claim is supported when the passage holds its numbers and most of its content words, its nearest
sentence holds a good part of them too, and a near copy does not differ by a negation. Words alone
cannot judge a paraphrase or another language: between the two thresholds the answer is UNSURE and
likeness of meaning decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tenant_agent.agent.words import content_stems, is_negated, numbers
from tenant_agent.retrieval.split import sentences

ENOUGH = 0.6
HOPELESS = 0.15
NEAR_COPY = 0.85
PREFIX = 5


class Support(Enum):
    """What the words say."""

    YES = "yes"
    UNSURE = "unsure"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The judgement with the passage's sentence that is nearest to the claim."""

    support: Support
    coverage: float
    quote: str


def _is_covered(stem: str, known: frozenset[str]) -> bool:
    """Return whether a stem occurs, alone, inside a compound or with another ending."""
    if stem in known:
        return True
    if len(stem) < PREFIX:
        return False
    return any(
        stem in other or (len(other) >= PREFIX and other in stem) or _same_begin(stem, other)
        for other in known
    )


def _same_begin(left: str, right: str) -> bool:
    shared = max(PREFIX, int(0.75 * max(len(left), len(right))))
    return left[:shared] == right[:shared] and min(len(left), len(right)) >= shared


def coverage(claim: frozenset[str], known: frozenset[str]) -> float:
    """Return the share of the claim's stems that are known; 1 for a claim without any."""
    if not claim:
        return 1.0
    return sum(_is_covered(stem, known) for stem in claim) / len(claim)


def nearest_sentence(claim: frozenset[str], claimed: frozenset[str], passage: str) -> str:
    """Return the passage's sentence that shares most with the claim, numbers counting double."""

    def shared(sentence: str) -> tuple[float, int]:
        hits = len(claim & content_stems(sentence)) + 2 * len(claimed & numbers(sentence))
        return hits, -len(sentence)

    return max(sentences(passage), key=shared, default="")


def judge(claim: str, passage: str, *, context: str = "") -> Evidence:
    """Judge a claim by a passage.

    Args:
        claim: one sentence without markers.
        passage: the text of the source.
        context: title, heading and question: their words need no proof.
    """
    stems, claimed = content_stems(claim), numbers(claim)
    quote = nearest_sentence(stems, claimed, passage)
    proven = content_stems(passage)
    share = coverage(stems, proven | content_stems(context))
    own_share = coverage(stems, proven)
    if not claimed <= numbers(f"{passage} {context}"):
        return Evidence(Support.NO, own_share, quote)
    near = coverage(stems, content_stems(quote))
    if near >= NEAR_COPY and is_negated(claim) != is_negated(quote):
        return Evidence(Support.NO, own_share, quote)
    if share >= ENOUGH and own_share >= ENOUGH / 2:
        return Evidence(Support.YES, own_share, quote)
    return Evidence(Support.NO if share < HOPELESS else Support.UNSURE, own_share, quote)


def best_source(claim: str, passages: Sequence[str], context: str) -> tuple[int, Evidence] | None:
    """Return (index, evidence) of the passage that nearly repeats the claim, if any does."""
    judged = [(index, judge(claim, text, context=context)) for index, text in enumerate(passages)]
    good = [item for item in judged if item[1].coverage >= NEAR_COPY]
    good = [item for item in good if item[1].support is Support.YES]
    return max(good, key=lambda item: item[1].coverage, default=None)
