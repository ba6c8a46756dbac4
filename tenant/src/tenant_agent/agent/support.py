"""Whether a passage says what a sentence claims. Pure; the embedding check is the caller's.

A claim is supported when the passage holds most of its content words, its numbers where those words
are, and a near copy does not differ by a negation. Words alone cannot judge a paraphrase or another
language: between the two thresholds the answer is UNSURE and likeness of meaning decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tenant_agent.agent.words import content_stems, is_item, is_negated, numbers
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


def nearest_sentence(claim: frozenset[str], claimed: frozenset[str], parts: Sequence[str]) -> int:
    """Return which sentence shares most with the claim, numbers counting double."""

    def shared(index: int) -> tuple[float, int]:
        part = parts[index]
        hits = len(claim & content_stems(part)) + 2 * len(claimed & numbers(part))
        return hits, -len(part)

    return max(range(len(parts)), key=shared)


def holds_numbers(stems: frozenset[str], claimed: frozenset[str], parts: Sequence[str]) -> bool:
    """Return whether each number stands where the claim's words do.

    That is in the sentence that has most of the words, or in one that has words of the claim which
    that one lacks. In a list of prices, 59 is in the line of another tariff and adds none.
    """

    def holds(part: str) -> tuple[float, int, int]:
        return coverage(stems, content_stems(part)), len(claimed & numbers(part)), -len(part)

    near = max(parts, key=holds)
    if not numbers(near):
        return claimed <= numbers("\n".join(parts))
    known = content_stems(near)
    lacking = frozenset(stem for stem in stems if not _is_covered(stem, known))
    said = [numbers(near), *(numbers(part) for part in parts if _share_any(lacking, part))]
    return claimed <= frozenset().union(*said)


def _share_any(stems: frozenset[str], part: str) -> bool:
    known = content_stems(part)
    return any(_is_covered(stem, known) for stem in stems)


def says_not(parts: Sequence[str], index: int) -> bool:
    """Return whether a sentence denies; an item of a list with the line that leads to the list."""
    lead = index
    while lead > 0 and is_item(parts[lead]):
        lead -= 1
    leads = lead < index and parts[lead].rstrip().endswith(":")
    return is_negated(parts[index]) != (leads and is_negated(parts[lead]))


def judge(
    claim: str, passage: str, *, heading: str = "", question: str = "", lead: str = ""
) -> Evidence:
    """Judge a claim by a passage.

    Args:
        claim: one sentence without markers.
        passage: the text of the source.
        heading: its title and heading: their words and numbers need no proof.
        question: its words need no proof either, its numbers do.
        lead: the line the claim is listed under.
    """
    stems, claimed = content_stems(claim), numbers(claim) - numbers(heading)
    parts = sentences(passage) or [passage]
    index = nearest_sentence(stems, claimed, parts)
    proven = content_stems(passage)
    share = coverage(stems, proven | content_stems(f"{heading} {question}"))
    own_share = coverage(stems, proven)
    if not holds_numbers(stems, claimed, parts):
        return Evidence(Support.NO, own_share, parts[index])
    near = coverage(stems, content_stems(parts[index]))
    if near >= NEAR_COPY and is_negated(f"{lead} {claim}") != says_not(parts, index):
        return Evidence(Support.NO, own_share, parts[index])
    if share >= ENOUGH and own_share >= ENOUGH / 2:
        return Evidence(Support.YES, own_share, parts[index])
    hopeless = share < HOPELESS
    return Evidence(Support.NO if hopeless else Support.UNSURE, own_share, parts[index])


def best_source(
    claim: str, passages: Sequence[str], *, lead: str = ""
) -> tuple[int, Evidence] | None:
    """Return (index, evidence) of the passage that nearly repeats the claim, if any does."""
    judged = [(index, judge(claim, text, lead=lead)) for index, text in enumerate(passages)]
    good = [item for item in judged if item[1].coverage >= NEAR_COPY]
    good = [item for item in good if item[1].support is Support.YES]
    return max(good, key=lambda item: item[1].coverage, default=None)
