"""The model behind the wire: state shared by all listeners, and one method per operation.

Methods that compute run in a thread, so that a slow question does not hold up other streams.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from localcloud.model import embedding_calls
from localcloud.model.access import RateLimit, new_key
from localcloud.model.catalog import BY_NAME, MODELS, Model
from localcloud.model.embeddings import Embedder, shared_embedder
from localcloud.model.errors import ApiError, invalid
from localcloud.model.faults import FaultList
from localcloud.model.generate import Answer, generate
from localcloud.model.request import Request, camel, read_request
from localcloud.model.settings import ModelSettings, Pace, Variant, read_variant
from localcloud.model.usage import PrefixCache, Usage, prompt_pieces

_THOUGHT_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class Generated:
    """An answer ready to be sent in one piece or in many."""

    answer: Answer
    usage: Usage
    pace: Pace
    model: str
    response_id: str
    blocked: str = ""

    def frame(self, **fields: Any) -> dict[str, Any]:
        """A response body with what every one carries."""
        return {**fields, "modelVersion": self.model, "responseId": self.response_id}

    def prompt_feedback(self) -> dict[str, Any]:
        """The body for a prompt that was not answered."""
        document = self.usage.document()
        document.pop("candidatesTokenCount")
        return self.frame(promptFeedback={"blockReason": self.blocked}, usageMetadata=document)


def keep_nowhere(key: str) -> None:
    """Without a store a made key lives as long as the server."""
    del key


class ModelService:
    """Settings, faults and caches."""

    def __init__(
        self,
        settings: ModelSettings,
        *,
        now: Callable[[], float] = time.monotonic,
        keep_key: Callable[[str], None] = keep_nowhere,
    ) -> None:
        self.settings = settings
        self._keep_key = keep_key
        self.faults = FaultList()
        self.calls: list[dict[str, Any]] = []
        self.rate = RateLimit(now)
        self._prefixes = PrefixCache()

    @property
    def embedder(self) -> Embedder:
        """The encoder. The first request that needs it loads it: many instances never do."""
        return shared_embedder()

    def add_key(self) -> str:
        """Make one more key that is accepted from now on, and after a restart."""
        key = new_key()
        self._keep_key(key)
        self.settings = self.settings.model_copy(update={"keys": [*self.settings.keys, key]})
        return key

    def model(self, name: str, *, embeds: bool | None = None) -> tuple[Model, Variant]:
        """The catalogue entry for a requested name.

        Raises:
            ApiError: 404 for an unknown model or one that does not do what is asked.
        """
        variant = read_variant(name, self.settings)
        model = BY_NAME.get(variant.base)
        if model is None or (embeds is not None and bool(model.dimensions) is not embeds):
            raise ApiError(
                404,
                f"models/{name} is not found for API version v1beta, or is not supported for this "
                "method. Call ListModels to see the available models and their supported methods.",
            )
        return model, variant

    def list_models(self, size: int, token: str) -> dict[str, Any]:
        """One page of models.

        Raises:
            ApiError: 400 for a token that was not given out.
        """
        if token and not token.isdigit():
            raise invalid("Invalid page token.", "page_token")
        start = int(token or 0)
        page = MODELS[start : start + max(1, min(size, 1000))]
        body: dict[str, Any] = {"models": [model.document() for model in page]}
        if start + len(page) < len(MODELS):
            body["nextPageToken"] = str(start + len(page))
        return body

    def generate(self, name: str, body: Any, key: str) -> Generated:
        """Answer a generateContent request in full."""
        model, variant = self.model(name, embeds=False)
        request = read_request(body)
        if request.cached_content:
            raise ApiError(403, "CachedContent not found (or permission denied).")
        prompt, cached = self._prompt_tokens(request, f"{key}/{variant.base}")
        blocked = self._blocked(request)
        thoughts = 0 if blocked else self._thoughts(request, model)
        answer = Answer()
        if not blocked:
            answer = generate(request, variant.mode, self.embedder, thoughts=thoughts)
        if thoughts and request.shows_thoughts:
            asked = request.last_user[:_THOUGHT_LENGTH]
            answer = replace(answer, thought=f"What do the texts say about this? {asked}")
        return Generated(
            answer=answer,
            usage=Usage(
                prompt=prompt,
                cached=cached,
                thoughts=thoughts,
                candidates=self._candidate_tokens(answer),
            ),
            pace=variant.pace,
            model=variant.base,
            response_id=uuid.uuid4().hex[:22],
            blocked=blocked,
        )

    def _prompt_tokens(self, request: Request, owner: str) -> tuple[int, int]:
        pieces = prompt_pieces(request)
        counts = [self.embedder.tokens(piece) for piece in pieces]
        cached = self._prefixes.cached(owner, pieces, counts)
        return sum(counts), cached if cached >= self.settings.cache_minimum_tokens else 0

    def _candidate_tokens(self, answer: Answer) -> int:
        return self.embedder.tokens(answer.text) + sum(
            self.embedder.tokens(str(call["functionCall"])) for call in answer.calls
        )

    def _thoughts(self, request: Request, model: Model) -> int:
        thinking = request.config.get("thinkingConfig") or {}
        budget = thinking.get("thinkingBudget", -1)
        if "thinkingLevel" in thinking and not model.levels:
            raise invalid("Thinking level is not supported for this model.", "generation_config")
        if not model.thinking or budget == 0:
            return 0
        wanted = self.settings.thoughts_tokens
        limit: int = request.config.get("maxOutputTokens", wanted)
        return min(wanted if budget < 0 else min(budget, wanted), limit)

    def _blocked(self, request: Request) -> str:
        text = "\n".join(prompt_pieces(request)).casefold()
        phrases = self.settings.blocked_phrases
        return "SAFETY" if any(phrase.casefold() in text for phrase in phrases) else ""

    def embed(self, name: str, body: Any) -> dict[str, Any]:
        """embedContent."""
        model, _ = self.model(name, embeds=True)
        wanted = [embedding_calls.read_one(body, model)]
        embedding = embedding_calls.vectors(wanted, self.embedder)[0]
        return {
            "embedding": embedding,
            "usageMetadata": embedding_calls.usage(wanted, self.embedder),
        }

    def embed_batch(self, name: str, body: Any) -> dict[str, Any]:
        """batchEmbedContents."""
        model, _ = self.model(name, embeds=True)
        wanted = embedding_calls.read_batch(body, model)
        return {
            "embeddings": embedding_calls.vectors(wanted, self.embedder),
            "usageMetadata": embedding_calls.usage(wanted, self.embedder),
        }

    def count(self, name: str, body: Any) -> dict[str, Any]:
        """countTokens, with `contents` or a whole `generateContentRequest`."""
        self.model(name)
        body = camel(body) if isinstance(body, dict) else body
        nested = body.get("generateContentRequest") if isinstance(body, dict) else None
        request = read_request(nested or body)
        total = sum(self.embedder.tokens(piece) for piece in prompt_pieces(request))
        details = [{"modality": "TEXT", "tokenCount": total}]
        return {"totalTokens": total, "promptTokensDetails": details}
