"""How good the local model is: sentences it chooses, prompts it rightly refuses, passages embedded.

Measured on the held-out half of the cases in `answer_cases`. An answer is right when a sentence it
returns holds the gold answer; a refusal counts as wrong. The floor is the same model choosing
nothing but the sentence most like the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from load.answer_cases import Case, Kind, holds, read_cases
from load.figures import Figure, emit, say
from localcloud.model.embeddings import Embedder
from localcloud.model.evidence import Chosen, find
from localcloud.model.text import Language, sentences

BARS = {"right": 0.85, "false": 0.05}


def run(data: Path) -> None:
    """Print the figures of both languages."""
    embedder = Embedder()
    say("reading the questions")
    cases = [case for case in read_cases(data, embedder) if case.held_out]
    for language in ("de", "en"):
        report([case for case in cases if case.language == language], language, embedder)


def report(cases: Sequence[Case], language: Language, embedder: Embedder) -> None:
    """The figures of one language."""
    say(f"asking {len(cases)} questions ({language})")
    answers = [find(c.question, c.language, c.sources, embedder) for c in cases]
    of = _by_kind(cases, answers)
    asked, given = of["answered"]
    right = [_right(case, answer) for case, answer in zip(asked, given, strict=True)]
    single = [ok for case, ok in zip(asked, right, strict=True) if len(case.gold) == 1]
    nearest = [_right(case, [_most_like(case, embedder)]) for case in asked]
    context = {
        "questions": len(asked),
        "refused": _share([not answer for answer in given]),
        "sentences_per_answer": round(sum(map(len, given)) / max(1, sum(map(bool, given))), 2),
        "right_where_one_excerpt_answers": _share(single),
        "questions_where_one_excerpt_answers": len(single),
        "floor": "the sentence most like the question",
        "floor_share": _share(nearest),
    }
    emit(Figure(name=f"answers_right_{language}", value=_share(right), unit="share",
                bar=BARS["right"], better="higher", context=context))  # fmt: skip
    for kind in ("foreign", "near"):
        told = _share([bool(answer) for answer in of[kind][1]])
        bar = BARS["false"] if kind == "foreign" else None
        emit(Figure(name=f"answers_false_{kind}_{language}", value=told, unit="share", bar=bar,
                    context={"questions": len(of[kind][0])}))  # fmt: skip


def _by_kind(
    cases: Sequence[Case], answers: Sequence[list[Chosen]]
) -> dict[Kind, tuple[list[Case], list[list[Chosen]]]]:
    found: dict[Kind, tuple[list[Case], list[list[Chosen]]]] = {}
    for case, answer in zip(cases, answers, strict=True):
        asked, given = found.setdefault(case.kind, ([], []))
        asked.append(case)
        given.append(answer)
    return found


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / max(1, len(values)), 4)


def _right(case: Case, answer: Sequence[Chosen]) -> bool:
    return any(holds(chosen.sentence, gold) for chosen in answer for gold in case.gold)


def _most_like(case: Case, embedder: Embedder) -> Chosen:
    found = [(source.id, text) for source in case.sources for text in sentences(source.text)]
    likeness = embedder.encode([text for _, text in found]) @ embedder.encode([case.question])[0]
    source, sentence = found[int(np.argmax(likeness))]
    return Chosen(source=source, sentence=sentence)
