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
from tenant_agent.agent.support import Evidence, Support, best_source, coverage, judge
from tenant_agent.agent.words import content_stems, numbers
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


@dataclass(slots=True)
class Verifier:
    """Checks the sentences of one answer in order."""

    question: str
    sources: Sequence[PromptSource]
    likeness: Likeness
    removed: int = 0
    _lead: str = field(default="", init=False)
    _shown: dict[int, int] = field(default_factory=dict, init=False)

    async def check(self, sentence: Sentence) -> Proven | None:
        """Return the sentence as it may be shown, or nothing when it has no proof."""
        evidence = "\n".join(source.evidence for source in self.sources)
        text = inert(sentence.text, evidence).strip()
        if not content_stems(text) and not numbers(text):
            return None
        if self._is_lead(text, evidence):
            self._lead = f"{text}{sentence.gap or ' '}"
            return None
        proof = [self._numbered(cited) for cited in await self._prove(text, sentence.markers)]
        if not proof:
            self.removed += 1
            return None
        lead, self._lead = self._lead, ""
        return Proven(f"{lead}{with_markers(text, proof)}", sentence.gap, tuple(proof))

    def _numbered(self, cited: Cited) -> Cited:
        number = self._shown.setdefault(cited.source, len(self._shown) + 1)
        return replace(cited, n=number)

    def _is_lead(self, text: str, evidence: str) -> bool:
        """Return whether the line only introduces the next: shown with that, or not at all."""
        known = content_stems(f"{evidence} {self.question}")
        claimed = numbers(text) <= numbers(f"{evidence} {self.question}")
        return text.endswith(":") and claimed and coverage(content_stems(text), known) >= 1.0

    def _context(self, source: PromptSource) -> str:
        return f"{source.title}\n{source.heading}\n{self.question}"

    async def _prove(self, text: str, markers: Sequence[int]) -> list[Cited]:
        if NOT_FOUND in text:
            return []
        by_number = {source.id: source for source in self.sources}
        proof = []
        for number in markers:
            source = by_number.get(number)
            if source is not None and (cited := await self._by_source(text, source)):
                proof.append(cited)
        return proof or self._by_any(text)

    async def _by_source(self, text: str, source: PromptSource) -> Cited | None:
        found = judge(text, source.evidence, context=self._context(source))
        if found.support is Support.YES:
            return Cited(source.id, found.quote)
        if found.support is Support.UNSURE:
            return await self._by_likeness(text, source, found)
        return None

    async def _by_likeness(self, text: str, source: PromptSource, found: Evidence) -> Cited | None:
        candidates = sentences(source.evidence) or [found.quote]
        try:
            scores = await self.likeness(text, candidates)
        except ModelFailure:
            # Unproven, so it is not shown; what words alone prove is.
            return None
        best = max(range(len(scores)), key=scores.__getitem__)
        return Cited(source.id, candidates[best]) if scores[best] >= ALIKE else None

    def _by_any(self, text: str) -> list[Cited]:
        texts = [source.evidence for source in self.sources]
        best = best_source(text, texts, "")
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
