"""Counting tokens the way the API reports them.

`promptTokenCount` includes what came from the cache; `candidatesTokenCount` leaves out thoughts;
the total has all. A token is a subword piece of the bundled encoder: other numbers than Google's,
but real ones, that grow with the text and do not depend on how a stream is cut.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from localcloud.model.request import Request

_REMEMBERED = 4096


class Counter(Protocol):
    """What is needed of the embedder."""

    def tokens(self, text: str) -> int:
        """Pieces in the text."""
        ...


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Figures of one answer."""

    prompt: int
    cached: int
    thoughts: int
    candidates: int

    def document(self) -> dict[str, Any]:
        """`usageMetadata`; a figure that is zero is left out where Google leaves it out."""
        document: dict[str, Any] = {
            "promptTokenCount": self.prompt,
            "candidatesTokenCount": self.candidates,
            "totalTokenCount": self.prompt + self.candidates + self.thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": self.prompt}],
        }
        if self.cached:
            document["cachedContentTokenCount"] = self.cached
            document["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": self.cached}]
        if self.thoughts:
            document["thoughtsTokenCount"] = self.thoughts
        return document


def prompt_pieces(request: Request) -> list[str]:
    """The prompt as the parts that a prefix cache sees, in order."""
    declared = json.dumps(request.functions, sort_keys=True) if request.functions else ""
    pieces = [declared, request.system]
    for content in request.contents:
        for part in content["parts"]:
            other = {key: value for key, value in part.items() if key != "text"}
            pieces.append(
                part.get("text", "") + (json.dumps(other, sort_keys=True) if other else "")
            )
    return [piece for piece in pieces if piece]


class PrefixCache:
    """Remembers the prefixes of earlier prompts, per key and model."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def cached(self, owner: str, pieces: list[str], counts: list[int]) -> int:
        """Tokens of the longest prefix seen before; remembers this prompt's prefixes."""
        digest = hashlib.sha256(owner.encode())
        found = total = 0
        for piece, count in zip(pieces, counts, strict=True):
            digest.update(hashlib.sha256(piece.encode()).digest())
            total += count
            name = digest.hexdigest()
            found = total if name in self._seen else found
            self._seen[name] = None
            self._seen.move_to_end(name)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return found
