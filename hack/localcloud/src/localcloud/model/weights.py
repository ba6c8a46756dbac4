"""The weights of `evidence`, as `python -m load.fit_answers DATA` prints them; not made by hand."""

from __future__ import annotations

RANKING: dict[str, float] = {
    "exact": -1.951,
    "meant": 0.631,
    "exact_telling": 2.333,
    "meant_telling": 5.448,
    "phrase": 0.541,
    "around": -0.429,
    "around_telling": 2.756,
    "likeness": 2.249,
    "content_likeness": 0.679,
    "window_likeness": 1.006,
    "passage_words": 2.738,
    "passage_telling": 2.655,
    "new_words": -0.610,
    "question": -1.048,
    "length": -0.013,
    "number": 0.313,
    "time": 0.863,
    "person": 1.833,
    "reason": 0.605,
}
DECISION: dict[str, float] = {
    "passage_likeness": 1.663,
    "exact": 2.141,
    "meant": 0.221,
    "likeness": 1.242,
    "around": 1.258,
    "window_likeness": 1.408,
    "phrase": 3.010,
    "content_likeness": 2.174,
    "passage_words": 2.824,
    "passage_telling": 4.419,
}
OFFSET = -7.018
