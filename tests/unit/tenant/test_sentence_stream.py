"""Sentences and markers come out the same however the stream is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenant_agent.agent.sentence_stream import (
    Sentence,
    SentenceStream,
    markers_of,
    without_markers,
)

ANSWER = (
    "Die Miete beträgt 1.250 Euro [1]. Sie gilt ab dem 3. März 2024, z. B. für Nr. 7. [2, 3]\n"
    "- Haustiere sind erlaubt [[1]].\n- Rauchen nicht【2】! Und jetzt?[4] Ende ohne Punkt"
)
EXPECTED = [
    ("Die Miete beträgt 1.250 Euro.", (1,)),
    ("Sie gilt ab dem 3. März 2024, z. B. für Nr. 7.", (2, 3)),
    ("- Haustiere sind erlaubt.", (1,)),
    ("- Rauchen nicht!", (2,)),
    ("Und jetzt?", (4,)),
    ("Ende ohne Punkt", ()),
]


def run(pieces: list[str]) -> list[Sentence]:
    """Feed all pieces and close."""
    stream = SentenceStream()
    found = [sentence for piece in pieces for sentence in stream.feed(piece)]
    return found + stream.close()


def test_whole_answer() -> None:
    assert [(s.text, s.markers) for s in run([ANSWER])] == EXPECTED


@given(st.lists(st.integers(0, len(ANSWER)), max_size=30))
def test_cuts_anywhere_change_nothing(cuts: list[int]) -> None:
    places = sorted({0, *cuts, len(ANSWER)})
    pieces = [ANSWER[a:b] for a, b in pairwise(places)]
    assert [(s.text, s.markers) for s in run(pieces)] == EXPECTED


@given(st.text(alphabet="ab1.!? \n[]【】,;-", max_size=80))
def test_no_text_is_lost_or_invented(text: str) -> None:
    kept = "".join(s.text for s in run(list(text)))
    expected = "".join(without_markers(text).split())
    assert "".join(without_markers(kept).split()) in expected or not expected


@pytest.mark.parametrize(
    ("text", "found"),
    [("a [1][2]", (1, 2)), ("a [2, 1; 2]", (2, 1)), ("a [x] [1234]", ()), ("[[7]]", (7,))],
)
def test_markers(text: str, found: tuple[int, ...]) -> None:
    assert markers_of(text) == found


def test_a_sentence_is_held_until_its_end_is_certain() -> None:
    stream = SentenceStream()
    assert stream.feed("Erster Satz.") == []
    assert stream.feed(" [1") == []
    assert stream.feed("] ") == []
    assert [s.text for s in stream.feed("Zweiter")] == ["Erster Satz."]
