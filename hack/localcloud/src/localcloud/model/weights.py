"""The weights of `evidence`, as `python -m load.fit_answers DATA` prints them; not made by hand."""

from __future__ import annotations

RANKING: dict[str, float] = {
    "exact": -1.58,
    "meant": 0.54,
    "exact_telling": 2.54,
    "meant_telling": 5.19,
    "phrase": 0.27,
    "around": -0.33,
    "around_telling": 2.57,
    "likeness": 2.08,
    "content_likeness": 1.30,
    "window_likeness": 0.74,
    "passage_words": 2.79,
    "passage_telling": 3.29,
    "new_words": -0.53,
    "question": -1.28,
    "length": 0.02,
    "number": 0.43,
    "time": 0.84,
    "person": 1.84,
    "reason": 0.64,
}
DECISION: dict[str, float] = {
    "passage_likeness": 1.58,
    "exact": 2.52,
    "meant": -0.42,
    "likeness": 1.84,
    "around": 0.81,
    "window_likeness": 1.50,
    "phrase": 3.12,
    "content_likeness": 2.42,
    "passage_words": 3.06,
    "passage_telling": 4.21,
}
OFFSET = -6.84
