"""Fits the weights by which the truthful model chooses sentences; prints them.

    PYTHONPATH=tests uv run python -m load.fit_answers DATA

Two fits by gradient descent on the cases that are not held out (`answer_cases`): first the order of
a prompt's sentences (softmax over them), then, on the best sentence of each, whether there is an
answer (logistic). What it prints goes into `localcloud/model/weights.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from load.answer_cases import Case, holds, read_cases
from load.figures import say
from localcloud.model.description import FEATURES, describe
from localcloud.model.embeddings import Embedder, Vectors

CONTEXT = ("passage_likeness",)
"""Tell whether there is an answer, not which sentence it is."""
DECIDING = (*CONTEXT, "exact", "meant", "likeness", "around", "window_likeness", "phrase",
            "content_likeness", "passage_words", "passage_telling")  # fmt: skip
STEPS = 800
SHRINK = 0.0005
SHARES = {"answered": 1.0, "foreign": 0.5, "near": 2.0}
"""How much a case counts; near passages of the English set may answer and count nothing."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case with its sentences' features and which of them are right."""

    case: Case
    features: Vectors
    right: Vectors


def rows(cases: Sequence[Case], embedder: Embedder) -> list[Row]:
    """Describe all cases."""
    found = []
    for case in cases:
        described = describe(case.question, case.language, case.sources, embedder)
        right = [any(holds(text, gold) for gold in case.gold) for text in described.texts]
        row = Row(case=case, features=described.features, right=np.asarray(right, np.float32))
        found.append(row)
    return found


def descend(slope: Callable[[Vectors], Vectors], size: int) -> Vectors:
    """Adam with a shrinking towards 0: the same result every time."""
    weights, first, second = np.zeros(size), np.zeros(size), np.zeros(size)
    for step in range(1, STEPS + 1):
        down = slope(weights) + SHRINK * weights
        first = 0.9 * first + 0.1 * down
        second = 0.999 * second + 0.001 * down**2
        weights -= 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return weights


def columns(names: Sequence[str]) -> list[int]:
    """Where features stand."""
    return [FEATURES.index(name) for name in names]


def fit_order(found: Sequence[Row], names: Sequence[str]) -> Vectors:
    """Weights that put a right sentence first."""
    usable = [row for row in found if 0 < row.right.sum() < len(row.right)]
    some = [(row.features[:, columns(names)], row.right) for row in usable]

    def slope(weights: Vectors) -> Vectors:
        total = np.zeros(len(names))
        for features, right in some:
            share = np.exp((scores := features @ weights) - scores.max())
            share /= share.sum()
            wanted = share * right
            total -= (wanted / max(wanted.sum(), 1e-12) - share) @ features
        return total / len(some)

    return descend(slope, len(names))


def fit_decision(found: Sequence[Row], order: Vectors) -> Vectors:
    """Weights and offset that tell a prompt with an answer from one without."""
    used = [row for row in found if not (row.case.kind == "near" and row.case.language == "en")]
    best = [row.features[int(np.argmax(row.features @ order))] for row in used]
    features = np.column_stack([np.asarray(best)[:, columns(DECIDING)], np.ones(len(best))])
    answered = np.asarray([row.case.kind == "answered" for row in used], float)
    share = np.asarray([SHARES[row.case.kind] for row in used])

    def slope(weights: Vectors) -> Vectors:
        told = 1 / (1 + np.exp(-features @ weights))
        return np.asarray(features.T @ (share * (told - answered)) / share.sum())

    return descend(slope, features.shape[1])


def table(name: str, names: Sequence[str], weights: Sequence[Any]) -> str:
    """Python source of one set of weights."""
    lines = [f'    "{key}": {weight:.3f},' for key, weight in zip(names, weights, strict=True)]
    return "\n".join([f"{name} = {{", *lines, "}"])


def main() -> None:
    """Fit and print."""
    embedder = Embedder()
    cases = [case for case in read_cases(Path(sys.argv[1]), embedder) if not case.held_out]
    say(f"describing {len(cases)} cases")
    found = rows(cases, embedder)
    names = [name for name in FEATURES if name not in CONTEXT]
    order = fit_order(found, names)
    whole = np.zeros(len(FEATURES))
    whole[columns(names)] = order
    *decision, offset = fit_decision(found, whole)
    sys.stdout.write(table("RANKING", names, list(order)) + "\n")
    sys.stdout.write(table("DECISION", DECIDING, decision) + f"\nOFFSET = {offset:.3f}\n")


if __name__ == "__main__":
    main()
