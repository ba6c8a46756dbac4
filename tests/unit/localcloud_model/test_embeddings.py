"""The served vector space: sizes, lengths and cosines."""

from __future__ import annotations

import numpy as np
import pytest
from localcloud.model.embeddings import Embedder

TEXTS = ["Wie hoch ist die Miete?", "What is the rent?", "Cats sleep a lot."]


def cosines(vectors: np.ndarray) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    result: np.ndarray = unit @ unit.T
    return result


@pytest.mark.parametrize("size", [512, 768, 1536, 3072])
def test_cosine_is_the_encoders_own_from_512_up(model_embedder: Embedder, size: int) -> None:
    own = cosines(model_embedder.encode(TEXTS))
    assert np.allclose(cosines(model_embedder.embed(TEXTS, size)), own, atol=1e-5)


def test_only_the_full_size_has_length_one(model_embedder: Embedder) -> None:
    full = np.linalg.norm(model_embedder.embed(TEXTS, 3072), axis=1)
    cut = np.linalg.norm(model_embedder.embed(TEXTS, 768), axis=1)
    assert np.allclose(full, 1, atol=1e-5)
    assert np.all(cut < 0.9)


def test_a_small_size_is_a_prefix_and_keeps_the_order(model_embedder: Embedder) -> None:
    small = model_embedder.embed(TEXTS, 128)
    assert np.array_equal(small, model_embedder.embed(TEXTS, 768)[:, :128])
    near = cosines(small)
    assert near[0, 1] > near[0, 2]


def test_the_same_meaning_is_near_across_languages(model_embedder: Embedder) -> None:
    near = cosines(model_embedder.encode(TEXTS))
    assert near[0, 1] > 0.5 > near[0, 2]


def test_a_second_embedder_gives_the_same_vectors(model_embedder: Embedder) -> None:
    again = Embedder().embed(TEXTS[:1], 768)
    assert np.allclose(again, model_embedder.embed(TEXTS[:1], 768), atol=1e-5)
