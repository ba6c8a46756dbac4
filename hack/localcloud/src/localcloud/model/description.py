"""Sentences of passages, each described by numbers that say how it relates to a question.

Shared words count by how rare they are, in language (`exact`, `meant`) and among the sentences at
hand (`telling`); a word of like meaning counts in part. The rest is likeness of whole sentences,
what stands next to the sentence, what its passage says, and whether it holds the kind of thing
asked for. All but the likenesses, which may fall below 0, lie between -1 and 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from localcloud.model.embeddings import Vectors
from localcloud.model.kinds import KINDS, is_yes_or_no, kinds
from localcloud.model.text import Language, content_words, language_of, sentences, stem, words

_ATTRIBUTION = re.compile(
    r",?\s*\b(?:according to|laut|(?:as )?(?:described|mentioned|stated|discussed|given) in)\b"
    r"[^,?]*|"
    r"\bin (?:his|her|their) (?:[\w-]+ ){0,6}?(?:address|speech|talk|statement|report)\b",
    re.IGNORECASE,
)
"""Who is said to have said it, which a text by them does not repeat."""
# What a heading does not end with.
_STATED = re.compile(r"[.!][\"'»«“”)]*\s*$")
_MEASURE = re.compile(
    r"\b(?:wie\s+(?:hoch|lange?|groß|alt|weit|teuer|schwer|oft|schnell|häufig|breit|tief|spät)|"
    r"how\s+(?:high|long|big|large|old|tall|far|often|fast|deep|wide|late|soon|expensive))\b",
    re.IGNORECASE,
)
"""What a number is asked with: the answer says the number, seldom this word."""
_RARE = 14.0
_COMMON = 5.0
FEATURES = (
    "exact", "meant", "exact_telling", "meant_telling", "phrase", "around", "around_telling",
    "likeness", "content_likeness", "window_likeness", "passage_likeness", "passage_words",
    "passage_telling", "new_words", "question", "length", *KINDS,
)  # fmt: skip
"""The columns of a description."""


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
class Sentence:
    """A sentence with the place of its passage among the sources."""

    text: str
    passage: int
    opens: bool
    """Whether it is the first of its passage."""


def read_sentences(sources: Sequence[Source]) -> list[Sentence]:
    """All sentences of all passages in order."""
    return [
        Sentence(text=text, passage=passage, opens=position == 0)
        for passage, source in enumerate(sources)
        for position, text in enumerate(sentences(source.text))
    ]


def same(left: str, right: str) -> float:
    """Likeness of two stems: equal, one begins or ends the other, or they share a part.

    Compounds: Tagegeld and Tagegeldsatz; Urlaubstag and Erholungsurlaub share what ends the one and
    begins the other. A short word in the middle of another is chance (spä-test-ens).
    """
    if left == right:
        return 1.0
    if left[:1].isdigit() or right[:1].isdigit():
        return 0.0
    shorter, longer = sorted((left, right), key=len)
    if _contains(longer, shorter):
        return 0.8
    common = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), len(shorter))  # noqa: B905
    if common >= 5 and common >= 0.7 * len(longer):
        return 0.7
    return 0.6 if _linked(left, right) or _linked(right, left) else 0.0


def _contains(longer: str, shorter: str) -> bool:
    at_an_edge = longer.startswith(shorter) or longer.endswith(shorter)
    return shorter in longer and len(shorter) >= (4 if at_an_edge else 6)


def _linked(head: str, tail: str) -> bool:
    """Whether a part of at least six letters ends one word and begins the other."""
    sizes = range(6, min(len(head), len(tail)))
    return any(head[-size:] == tail[:size] for size in sizes)


def announces(text: str) -> bool:
    """Whether a line only leads to the next one."""
    return text.rstrip(" .").endswith(":")


def _alike(word: str, others: Sequence[str]) -> bool:
    return any(same(word, other) > 0 for other in others)


class Asked:
    """A question's content words with their stems, weights and vectors."""

    def __init__(self, text: str, language: Language, encoder: Encoder) -> None:
        asked = _MEASURE.sub("", _ATTRIBUTION.sub("", text))
        kept = content_words(asked, language) or words(text) or ["?"]
        self.text = text
        self.language = language
        self.words = list(dict.fromkeys(kept))
        self.stems = [stem(word, language) for word in self.words]
        self.rarity = np.asarray([_weight(encoder.rarity(word)) for word in self.words])
        self.weights = self.rarity / self.rarity.sum()
        self.vectors = encoder.encode(self.words)
        self.vector, self.content_vector = encoder.encode([text, " ".join(self.words)])


def _weight(rarity: float) -> float:
    """0.2 for a common word up to 1 for a rare one."""
    return min(1.0, max(0.2, (rarity - _COMMON) / (_RARE - _COMMON)))


class Description:
    """The sentences of a prompt, described; build it with `describe`."""

    def __init__(self, asked: Asked, sources: Sequence[Source], encoder: Encoder) -> None:
        self._asked = asked
        self._sources = sources
        self._encoder = encoder
        self.sentences = read_sentences(sources)
        self.texts = [sentence.text for sentence in self.sentences]
        self._passages = np.asarray([sentence.passage for sentence in self.sentences])

    @cached_property
    def features(self) -> Vectors:
        """One row per sentence, columns as in `FEATURES`."""
        asked = self._asked
        near = self._encoder.encode(self.texts)
        columns = [
            self._exact @ asked.weights,
            self._meant @ asked.weights,
            self._exact @ self._telling,
            self._meant @ self._telling,
            np.asarray([self._phrase(text) for text in self.texts]),
            np.maximum(self._around(self._meant), self._frames) @ asked.weights,
            np.maximum(self._around(self._exact, after=0.7), self._frames) @ self._telling,
            near @ asked.vector,
            near @ asked.content_vector,
            self._encoder.encode(self._windows()) @ asked.vector,
            *self._of_passages(),
            np.asarray([self._new(text) for text in self.texts]),
            np.asarray([float(text.rstrip().endswith("?")) for text in self.texts]),
            np.asarray([min(1.0, len(text) / 250) for text in self.texts]),
            *np.asarray([kinds(asked.text, text) for text in self.texts]).T,
        ]
        return np.stack(columns, axis=1)

    @cached_property
    def says_more(self) -> NDArray[np.bool_]:
        """Per sentence, whether it has a word of its own: a heading only repeats the question's.

        What is asked with yes or no is answered by a whole sentence in the question's words.
        """
        language, asked = self._asked.language, self._asked.stems
        held = [[stem(w, language) for w in content_words(text, language)] for text in self.texts]
        more = [any(not _alike(word, asked) for word in each) for each in held]
        leads = [announces(text) for text in self.texts]
        stated = [is_yes_or_no(self._asked.text) and _STATED.search(text) for text in self.texts]
        told = zip(more, leads, stated, strict=True)
        return np.asarray([own or lead or bool(whole) for own, lead, whole in told], np.bool_)

    @cached_property
    def _exact(self) -> Vectors:
        """Per sentence and question word, how well it occurs literally.

        Words of two languages seldom look alike: there, meaning stands for it.
        """
        rows = np.asarray([self._literal(words(text)) for text in self.texts])
        language = self._asked.language
        foreign = [language_of(source.text, language) != language for source in self._sources]
        return np.where(np.asarray(foreign)[self._passages, None], self._likened, rows)

    def _literal(self, found: Iterable[str]) -> list[float]:
        stems = {stem(word, self._asked.language) for word in found}
        return [
            max((same(own, other) for other in stems), default=0.0) for own in self._asked.stems
        ]

    @cached_property
    def _likened(self) -> Vectors:
        """Per sentence and question word, how near its nearest word is in meaning."""
        languages = [language_of(source.text, self._asked.language) for source in self._sources]
        held = [content_words(s.text, languages[s.passage]) for s in self.sentences]
        known = list(dict.fromkeys(word for each in held for word in each))
        places = {word: place for place, word in enumerate(known)}
        near = np.clip((self._asked.vectors @ self._encoder.encode(known).T - 0.35) / 0.5, 0, 1)
        none = np.zeros(len(self._asked.words))
        rows = [
            near[:, [places[word] for word in each]].max(axis=1) if each else none for each in held
        ]
        return np.asarray(rows)

    @cached_property
    def _meant(self) -> Vectors:
        return np.maximum(self._likened, self._exact)

    @cached_property
    def _spoken_of(self) -> Vectors:
        return np.maximum(self._meant, self._frames)

    @cached_property
    def _telling(self) -> Vectors:
        """The question words' weights, less for words that many of these sentences hold."""
        often = (self._exact > 0.5).sum(axis=0)
        weights = np.log(1 + len(self.texts) / (often + 0.5)) * self._asked.rarity
        return np.asarray(weights / weights.sum())

    def _around(self, held: Vectors, after: float = 1.0) -> Vectors:
        """Per question word, its best occurrence in a sentence or next to it in its passage."""
        opens = np.asarray([sentence.opens for sentence in self.sentences])
        ends = np.append(opens[1:], True)
        before = np.where(opens[:, None], 0, np.roll(held, 1, axis=0))
        following = np.where(ends[:, None], 0, np.roll(held, -1, axis=0))
        return np.maximum(np.maximum(before, after * following), held)

    @cached_property
    def _frames(self) -> Vectors:
        """Per sentence, what title and heading of its passage hold of the question."""
        titles = [words(f"{source.title} {source.heading}") for source in self._sources]
        held: Vectors = np.asarray([self._literal(title) for title in titles])[self._passages]
        return held

    def _windows(self) -> list[str]:
        """Each sentence with the one before it."""
        pairs = zip(self.sentences, ["", *self.texts], strict=False)
        return [s.text if s.opens else f"{before} {s.text}" for s, before in pairs]

    def _of_passages(self) -> tuple[Vectors, ...]:
        """What all sentences of one passage have in common."""
        asked = self._asked
        members = [self._passages == number for number in range(len(self._sources))]
        none = np.zeros(len(asked.words))
        meant = np.asarray([self._spoken_of[m].max(axis=0) if m.any() else none for m in members])
        exact = np.asarray([self._exact[m].max(axis=0) if m.any() else none for m in members])
        likeness = self._encoder.encode([source.text for source in self._sources]) @ asked.vector
        per_passage = (
            likeness,
            meant @ asked.weights,
            exact @ self._telling,
        )
        return tuple(column[self._passages] for column in per_passage)

    def _phrase(self, text: str) -> float:
        """The share of the question's neighbouring words that are neighbours here too."""
        language = self._asked.language
        here = [stem(word, language) for word in content_words(text, language)]
        pairs = list(pairwise(self._asked.stems))
        neighbours = set(pairwise(here))
        return sum(pair in neighbours for pair in pairs) / max(len(pairs), 1)

    def _new(self, text: str) -> float:
        """How much the sentence says beyond the question: six new words are plenty."""
        language = self._asked.language
        held = {stem(word, language) for word in content_words(text, language)}
        return min(1.0, len(held - set(self._asked.stems)) / 6)


def describe(
    question: str, language: Language, sources: Sequence[Source], encoder: Encoder
) -> Description:
    """Describe all sentences of the sources; there must be at least one sentence."""
    return Description(Asked(question, language, encoder), sources, encoder)
