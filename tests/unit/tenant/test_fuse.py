"""Fusion and the choice of documents before passages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tenant_agent.retrieval.fuse import fuse, normalised, rank_documents, select

SCORES = st.dictionaries(st.integers(0, 30), st.floats(0.01, 50), max_size=20)


@given(SCORES, SCORES)
def test_scores_are_bounded_and_nothing_is_lost(
    lexical: dict[int, float], dense: dict[int, float]
) -> None:
    fused = fuse(lexical, dense)
    assert fused.keys() == lexical.keys() | dense.keys()
    assert all(0 <= score <= 1 for score in fused.values())


@given(SCORES)
def test_one_empty_arm_leaves_the_other_as_it_is(scores: dict[int, float]) -> None:
    assert fuse(scores, {}) == fuse({}, scores) == normalised(scores)


@given(SCORES, SCORES)
def test_best_of_both_arms_stays_best(lexical: dict[int, float], dense: dict[int, float]) -> None:
    lexical[99], dense[99] = 100.0, 100.0
    fused = fuse(lexical, dense)
    assert fused[99] == max(fused.values())


def test_documents_are_chosen_by_their_best_passage() -> None:
    fused = {1: 0.9, 2: 0.2, 3: 0.8, 4: 0.7, 5: 0.1}
    owners = {1: "a", 2: "a", 3: "b", 4: "c", 5: "c"}
    assert [name for name, _ in rank_documents(fused, owners)] == ["a", "b", "c"]
    chosen = select(fused, owners, documents=2, passages=3)
    assert [item.passage for item in chosen] == [1, 3, 2]


def test_passages_without_a_document_are_left_out() -> None:
    assert select({1: 1.0}, {}, documents=3, passages=3) == []
