"""Questions with passages, and what a right answer holds: what the truthful model is judged by.

German: XQuAD. The copy used has no answers, so for every fourth passage the sentence that answers
was marked by hand (`answer_sentences.json`: question → offsets in its passage). English: the
questions of chunking_evaluation with the excerpts that answer them. Each question comes three
times: with a passage that answers it among the four most like the question (`answered`), with
passages about other things (`foreign`), and, harder, with the passages most like the question but
without the one that answers (`near`; in the English set some of those do answer).
Every other document is for fitting the model's weights, the rest for measuring.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from load.sets import load, pieces
from localcloud.model.description import Encoder, Source
from localcloud.model.text import Language

Kind = Literal["answered", "foreign", "near"]
MARKED = Path(__file__).with_name("answer_sentences.json")
SOURCES = 5
PER_ARTICLE = 5
STRETCH = 20_000
SHORTEST = 12


@dataclass(frozen=True, kw_only=True)
class Case:
    """A question as it is put to the model."""

    question: str
    language: Language
    kind: Kind
    sources: tuple[Source, ...]
    gold: tuple[str, ...] = ()
    held_out: bool = True
    """Whether its document was kept from fitting."""


def read_cases(data: Path, encoder: Encoder) -> list[Case]:
    """All cases, the same every time."""
    return [*_german(data, encoder), *_english(data, encoder)]


def holds(sentence: str, gold: str) -> bool:
    """Whether a sentence and a right answer share most of the shorter one, in one run."""
    shorter, longer = sorted((" ".join(sentence.split()), " ".join(gold.split())), key=len)
    if len(shorter) < SHORTEST:
        return shorter == longer
    size = int(len(shorter) * 0.6)
    starts = range(0, len(shorter) - size + 1, max(1, len(shorter) // 20))
    return any(shorter[start : start + size] in longer for start in starts)


def _sources(texts: Sequence[str], seed: str) -> tuple[Source, ...]:
    mixed = list(texts)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - the same order every time
    return tuple(Source(id=number, text=text) for number, text in enumerate(mixed, 1))


def _ranked(question: str, vectors: Any, encoder: Encoder) -> list[int]:
    return [int(at) for at in np.argsort(-(vectors @ encoder.encode([question])[0]), kind="stable")]


def _three(base: dict[str, Any], texts: dict[Kind, list[str]]) -> Iterator[Case]:
    """The three cases of a question; its right answers go with the one that has them."""
    gold = base.pop("gold")
    for kind, chosen in texts.items():
        right = gold if kind == "answered" else ()
        sources = _sources(chosen[:SOURCES], base["question"])
        yield Case(**base, kind=kind, sources=sources, gold=right)


def _german(data: Path, encoder: Encoder) -> Iterator[Case]:
    whole = load(data / "retrieval" / "xquad_de")
    marked: dict[str, list[list[int]]] = json.loads(MARKED.read_text())
    texts = list(whole.corpus.values())
    vectors = encoder.encode(texts)
    for key, spans in marked.items():
        (own,) = (int(name) for name in whole.relevant[key])
        ranked = _ranked(whole.queries[key], vectors, encoder)
        other = [n for n in ranked if n // PER_ARTICLE != own // PER_ARTICLE]
        chance = random.Random(key).sample(sorted(other), SOURCES)  # noqa: S311
        base = {
            "question": whole.queries[key],
            "language": "de",
            "held_out": own // PER_ARTICLE % 2 == 1,
            "gold": tuple(texts[own][start:end] for start, end in spans),
        }
        places: dict[Kind, list[int]] = {
            "answered": [own, *(n for n in ranked if n != own)], "near": other, "foreign": chance,
        }  # fmt: skip
        yield from _three(base, {kind: [texts[n] for n in ns] for kind, ns in places.items()})


def _english(data: Path, encoder: Encoder) -> Iterator[Case]:
    folder = data / "chunking"
    corpora = {path.stem: path.read_text() for path in sorted((folder / "corpora").glob("*.md"))}
    passages = {name: pieces(text) for name, text in corpora.items()}
    vectors = {name: encoder.encode(texts) for name, texts in passages.items()}
    with (folder / "questions_df.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            name, references = row["corpus_id"], json.loads(row["references"])
            gold = tuple(reference["content"] for reference in references)
            ranked = _ranked(row["question"], vectors[name], encoder)
            texts = [passages[name][n] for n in ranked]
            own = [text for text in texts if _says(text, gold)]
            near = [text for text in texts if not _says(text, gold)]
            base = {
                "question": row["question"],
                "language": "en",
                "held_out": references[0]["start_index"] // STRETCH % 2 == 1,
                "gold": gold,
            }
            foreign = _elsewhere(passages, name, row["question"])
            yield from _three(
                base, {"answered": [*own[:2], *near], "near": near, "foreign": foreign}
            )


def _says(text: str, gold: Sequence[str]) -> bool:
    """Whether a passage has the begin or the end of an excerpt that answers."""
    plain = " ".join(text.split())
    excerpts = [" ".join(each.split()) for each in gold]
    return any(each[:60] in plain or each[-60:] in plain for each in excerpts)


def _elsewhere(passages: dict[str, list[str]], name: str, seed: str) -> list[str]:
    """Passages of the other corpora."""
    chance = random.Random(seed)  # noqa: S311
    others = [texts for other, texts in passages.items() if other != name]
    return [chance.choice(chance.choice(others)) for _ in range(SOURCES)]
