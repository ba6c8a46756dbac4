"""Lets through what the sources say and gives it its citations; everything else is withheld.

Order of proof for a sentence: the passages it cites, by words; those where words are not enough,
by likeness of meaning; without any, a passage that nearly repeats it. What has no proof is counted
and dropped, so that a reader never sees a claim without a source.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from tenant_agent.agent.guard import inert
from tenant_agent.agent.prompt import NOT_FOUND, PromptSource
from tenant_agent.agent.sentence_stream import Sentence
from tenant_agent.agent.support import Support, best_source, coverage, judge, says_not
from tenant_agent.agent.words import (
    content_stems,
    figures,
    is_item,
    is_negated,
    numbers,
    without_item_mark,
)
from tenant_agent.errors import ModelFailure
from tenant_agent.retrieval.split import sentences

# Cosine from which two sentences count as saying the same; below, a paraphrase is not believed.
ALIKE = 0.75
CLOSING = re.compile(r"(?P<end>[.!?…:;]*[\"'»«“”)*_]*)$")
Likeness = Callable[[str, Sequence[str]], Awaitable[list[float]]]


@dataclass(frozen=True, slots=True)
class Cited:
    """A source of a sentence with the words that carry it.

    Args:
        source: its number in the prompt.
        quote: its sentence that says so.
        n: its number for readers, who see those that are cited only, in their order.
    """

    source: int
    quote: str
    n: int = 0


@dataclass(frozen=True, slots=True)
class Proven:
    """A sentence to show, markers in place, with its sources."""

    text: str
    gap: str
    sources: tuple[Cited, ...]
    before: str = ""
    """The widest blank around what was withheld before it."""


@dataclass(slots=True)
class Lead:
    """A line that introduces others: shown with the first of them that is proven, or not at all."""

    text: str
    gap: str
    claim: str
    shown: bool = False
    followed: bool = False
    after: str = ""


def wider(one: str, other: str) -> str:
    """Return the blank that separates more."""
    return max(one, other, key=lambda gap: gap.count("\n"))


@dataclass(slots=True)
class Verifier:
    """Checks the sentences of one answer in order."""

    question: str
    sources: Sequence[PromptSource]
    likeness: Likeness
    removed: int = 0
    _lead: Lead | None = field(default=None, init=False)
    _before: str = field(default="", init=False)
    _shown: dict[int, int] = field(default_factory=dict, init=False)
    _evidence: str = field(init=False)
    _known: str = field(init=False)

    def __post_init__(self) -> None:
        """Put together what every sentence is held against."""
        self._evidence = "\n".join(source.evidence for source in self.sources)
        self._known = f"{self._evidence} {self.question}"

    async def check(self, sentence: Sentence) -> Proven | None:
        """Return the sentence as it may be shown, or nothing when it has no proof."""
        text = inert(sentence.text, self._evidence).strip()
        claim = without_item_mark(text)
        if not content_stems(claim) and not numbers(claim):
            return None
        if self._is_lead(claim):
            self._leave()
            self._lead = Lead(text, sentence.gap or " ", claim, after=sentence.gap)
            return None
        self._follow(text)
        proof = [self._numbered(cited) for cited in await self._prove(claim, sentence.markers)]
        if not proof:
            self._withhold(sentence.gap)
            return None
        return self._show(text, sentence.gap, proof)

    def _follow(self, text: str) -> None:
        """Leave the list when something comes that is neither an item nor right behind the lead."""
        if self._lead is not None and self._lead.followed and not is_item(text):
            self._leave()
        if self._lead is not None:
            self._lead.followed = True

    def _leave(self) -> None:
        if self._lead is not None and not self._lead.shown:
            self._before = wider(self._before, self._lead.after)
        self._lead = None

    def _withhold(self, gap: str) -> None:
        self.removed += 1
        if self._lead is not None and not self._lead.shown:
            self._lead.after = wider(self._lead.after, gap)
        else:
            self._before = wider(self._before, gap)

    def _show(self, text: str, gap: str, proof: Sequence[Cited]) -> Proven:
        before, self._before = self._before, ""
        shown = with_markers(text, proof)
        if self._lead is not None and not self._lead.shown:
            self._lead.shown = True
            shown = f"{self._lead.text}{self._lead.gap}{shown}"
        return Proven(shown, gap, tuple(proof), before)

    def _numbered(self, cited: Cited) -> Cited:
        number = self._shown.setdefault(cited.source, len(self._shown) + 1)
        return replace(cited, n=number)

    def _is_lead(self, claim: str) -> bool:
        """Return whether the line only introduces the next; how many follow, it may count."""
        if not claim.endswith(":") or not figures(claim) <= numbers(self._known):
            return False
        return coverage(content_stems(claim), content_stems(self._known)) >= 1.0

    @property
    def _under(self) -> str:
        return "" if self._lead is None else self._lead.claim

    async def _prove(self, claim: str, markers: Sequence[int]) -> list[Cited]:
        if NOT_FOUND in claim:
            return []
        by_number = {source.id: source for source in self.sources}
        proof = []
        for number in markers:
            source = by_number.get(number)
            if source is not None and (cited := await self._by_source(claim, source)):
                proof.append(cited)
        return proof or self._by_any(claim)

    async def _by_source(self, claim: str, source: PromptSource) -> Cited | None:
        found = judge(
            claim,
            source.evidence,
            heading=f"{source.title}\n{source.heading}",
            question=self.question,
            lead=self._under,
        )
        if found.support is Support.YES:
            return Cited(source.id, found.quote)
        if found.support is Support.UNSURE:
            return await self._by_likeness(claim, source)
        return None

    async def _by_likeness(self, claim: str, source: PromptSource) -> Cited | None:
        """Return the sentence that says the same; what denies it or counts otherwise is as near."""
        candidates = sentences(source.evidence) or [source.evidence]
        try:
            scores = await self.likeness(claim, candidates)
        except ModelFailure:
            # Unproven, so it is not shown; what words alone prove is.
            return None
        best = max(range(len(scores)), key=scores.__getitem__)
        claimed = numbers(claim) - numbers(f"{source.title}\n{source.heading}")
        alike = (
            scores[best] >= ALIKE
            and claimed <= numbers(candidates[best])
            and is_negated(f"{self._under} {claim}") == says_not(candidates, best)
        )
        return Cited(source.id, candidates[best]) if alike else None

    def _by_any(self, claim: str) -> list[Cited]:
        texts = [source.evidence for source in self.sources]
        best = best_source(claim, texts, lead=self._under)
        if best is None:
            return []
        index, found = best
        return [Cited(self.sources[index].id, found.quote)]


def with_markers(text: str, proof: Sequence[Cited]) -> str:
    """Return `text` with the markers before its closing punctuation."""
    marks = "".join(f"[{cited.n}]" for cited in proof)
    match = CLOSING.search(text)
    cut = match.start("end") if match else len(text)
    return f"{text[:cut].rstrip()} {marks}{text[cut:]}"
