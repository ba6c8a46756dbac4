"""The models on offer, in the shape of `GET /v1beta/models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model; `dimensions` is 0 for those that generate."""

    name: str
    display: str
    input_tokens: int = 1_048_576
    output_tokens: int = 65_536
    thinking: bool = True
    levels: bool = False
    """Whether the request may say how much to think by a level, not only by a number."""
    dimensions: int = 0

    def document(self, name: str | None = None) -> dict[str, Any]:
        """The model resource; `name` keeps the suffixes a client asked with."""
        methods = (
            ["embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"]
            if self.dimensions
            else ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"]
        )
        document: dict[str, Any] = {
            "name": f"models/{name or self.name}",
            "version": "001",
            "displayName": self.display,
            "description": "Answers by extraction; served by the local cloud.",
            "inputTokenLimit": self.input_tokens,
            "outputTokenLimit": self.output_tokens,
            "supportedGenerationMethods": methods,
        }
        if not self.dimensions:
            document |= {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2}
            document["thinking"] = self.thinking
        return document


MODELS: tuple[Model, ...] = (
    Model(name="gemini-2.5-flash", display="Gemini 2.5 Flash"),
    Model(name="gemini-2.5-flash-lite", display="Gemini 2.5 Flash-Lite", thinking=False),
    Model(name="gemini-2.5-pro", display="Gemini 2.5 Pro"),
    Model(name="gemini-3-flash", display="Gemini 3 Flash", levels=True),
    Model(name="gemini-3-pro", display="Gemini 3 Pro", levels=True),
    Model(name="gemini-3.8-flash", display="Gemini 3.8 Flash", levels=True),
    Model(name="gemini-flash-latest", display="Gemini Flash Latest", levels=True),
    Model(
        name="gemini-embedding-001",
        display="Gemini Embedding 001",
        input_tokens=2048,
        output_tokens=1,
        dimensions=3072,
    ),
    Model(
        name="gemini-embedding-2",
        display="Gemini Embedding 2",
        input_tokens=8192,
        output_tokens=1,
        dimensions=3072,
    ),
    Model(
        name="text-embedding-004",
        display="Text Embedding 004",
        input_tokens=2048,
        output_tokens=1,
        dimensions=768,
    ),
)
BY_NAME = {model.name: model for model in MODELS}
