"""Writes one answer: search, ask, check every sentence, store. No HTTP in here.

What the reader sees is only what passed the check; `emit` carries it out as it comes. A failure
anywhere leaves no answer behind; of one that is stopped, or cut off by the model's limit of length,
`so_far` is what was proven.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from tenant_agent import sentences
from tenant_agent.agent.followup import search_text
from tenant_agent.agent.models.port import ChatModel, EmbeddingModel, Prompt, Turn, Usage
from tenant_agent.agent.prompt import NOT_FOUND, PromptSource, build_prompt
from tenant_agent.agent.sentence_stream import Sentence, SentenceStream
from tenant_agent.agent.small_talk import Kind, small_talk
from tenant_agent.agent.verify import Proven, Verifier, wider
from tenant_agent.errors import ModelFailure
from tenant_agent.services.search import Search
from tenant_agent.store.conversations import StoredAnswer
from tenant_agent.store.search import PassageRecord

NAMED_DOCUMENTS = 10
Emit = Callable[[str, dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be answered."""

    question: str
    language: str
    history: tuple[Turn, ...]
    earlier_questions: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """The answer as far as it is proven."""

    parts: list[str] = field(default_factory=list)
    citations: dict[int, dict[str, Any]] = field(default_factory=dict)
    gap: str = ""

    def add(self, proven: Proven) -> str:
        """Append a sentence; returns the text to show, with the blank before it."""
        text = f"{wider(self.gap, proven.before) if self.parts else ''}{proven.text}"
        self.parts.append(text)
        self.gap = proven.gap or " "
        return text

    def cite(self, source: dict[str, Any], quote: str) -> dict[str, Any]:
        """Note the words behind the next marker of a source; returns its citation so far."""
        known = self.citations.get(source["n"], {**source, "quote": quote, "quotes": []})
        citation = {**known, "quotes": [*known["quotes"], quote]}
        self.citations[source["n"]] = citation
        return citation

    @property
    def content(self) -> str:
        """Return the text so far."""
        return "".join(self.parts)


def source_of(number: int, passage: PassageRecord) -> dict[str, Any]:
    """Return a source as events and citations carry it."""
    return {
        "n": number,
        "document_id": str(passage.document_id),
        "document_name": passage.document_name,
        "page": passage.page,
        "paged": passage.paged,
        "heading": passage.heading,
        "passage_id": passage.id,
    }


def prompt_sources(passages: Sequence[PassageRecord]) -> list[PromptSource]:
    """Return passages numbered from 1."""
    return [
        PromptSource(number, item.document_name, item.heading, item.page, item.text)
        for number, item in enumerate(passages, 1)
    ]


class Answering:
    """Answers from documents."""

    def __init__(self, search: Search, chat: ChatModel, embeddings: EmbeddingModel) -> None:
        self._search = search
        self._chat = chat
        self._embeddings = embeddings
        self.usage = Usage()
        self._draft = Draft()
        self._removed = 0
        self._cut_off = False

    async def _likeness(self, claim: str, candidates: Sequence[str]) -> list[float]:
        vectors = await self._embeddings.embed_passages([claim, *candidates])
        return [sum(a * b for a, b in zip(vectors[0], other, strict=True)) for other in vectors[1:]]

    async def answer(self, task: Task, emit: Emit) -> StoredAnswer:
        """Return the answer to store; `emit` gets what may be shown meanwhile.

        One without an outcome ends before its end: what there is of it is proven.

        Raises:
            ModelFailure: there is no answer.
        """
        if kind := small_talk(task.question):
            return await self._reply(await self._said_to(kind, task.language), task, emit)
        passages = await self._search.find(search_text(task.question, task.earlier_questions))
        if not passages:
            return await self._nothing(task, emit)
        described = {n: source_of(n, item) for n, item in enumerate(passages, 1)}
        await emit("sources", {"sources": list(described.values())})
        await emit("status", {"stage": "asking"})
        sources = prompt_sources(passages)
        prompt = build_prompt(task.question, task.language, sources, task.history)
        verifier = Verifier(task.question, sources, self._likeness)
        # Closed by hand: a stop must end the provider's stream now, not when memory is tidied up.
        async with aclosing(self._written(prompt, emit)) as written:
            async for sentence in written:
                proven = await verifier.check(sentence)
                self._removed = verifier.removed
                if proven is not None:
                    await self._show(proven, described, emit)
        if self._cut_off:
            return self._unfinished(task)
        if not self._draft.parts:
            return await self._nothing(task, emit)
        return self.so_far(task.language, "answered")

    def _unfinished(self, task: Task) -> StoredAnswer:
        """Return what came before the limit; without anything nobody knows what there is to say."""
        if not self._draft.parts:
            raise ModelFailure("model_cut_off")
        return self.so_far(task.language)

    async def _written(self, prompt: Prompt, emit: Emit) -> AsyncGenerator[Sentence]:
        """Yield the sentences the model writes; none when it says that nothing was found.

        What follows the last of them when the answer is cut off is half a sentence, and dropped.
        """
        stream, begun = SentenceStream(), False
        async with aclosing(self._chat.stream(prompt)) as pieces:
            async for piece in pieces:
                self.usage = piece.usage or self.usage
                self._cut_off = self._cut_off or piece.cut_off
                if piece.text and not begun:
                    begun = True
                    await emit("status", {"stage": "answering"})
                for sentence in stream.feed(piece.text):
                    yield sentence
        for sentence in [] if self._cut_off else stream.close():
            if NOT_FOUND not in sentence.text:
                yield sentence

    async def _show(self, proven: Proven, described: dict[int, dict[str, Any]], emit: Emit) -> None:
        for cited in proven.sources:
            source = {**described[cited.source], "n": cited.n}
            await emit("citation", self._draft.cite(source, cited.quote))
        await emit("token", {"text": self._draft.add(proven)})

    async def _said_to(self, kind: Kind, language: str) -> str:
        if kind != "documents":
            return sentences.small_talk(kind, language)
        names, count = await self._search.documents(NAMED_DOCUMENTS)
        return sentences.documents(names, count, language)

    async def _reply(self, text: str, task: Task, emit: Emit) -> StoredAnswer:
        """Return what is said without documents and model; it claims nothing, so it cites nothing.

        The outcome is no third one: a release that is rolled back to must still read it.
        """
        await emit("token", {"text": text})
        return StoredAnswer(text, "answered", [], 0, task.language, self.usage.as_dict())

    async def _nothing(self, task: Task, emit: Emit) -> StoredAnswer:
        text = sentences.not_in_documents(task.language)
        await emit("token", {"text": text})
        usage = self.usage.as_dict()
        return StoredAnswer(text, "not_found", [], self._removed, task.language, usage)

    def so_far(self, language: str | None, outcome: str | None = None) -> StoredAnswer:
        """Return what is proven by now; without an outcome it is not an answer."""
        content, found = self._draft.content, self._draft.citations
        citations = [found[n] for n in sorted(found)]
        usage = self.usage.as_dict()
        return StoredAnswer(content, outcome, citations, self._removed, language, usage)
