"""embedContent and batchEmbedContents: checking and answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from localcloud.model.catalog import Model
from localcloud.model.embeddings import Embedder
from localcloud.model.errors import invalid
from localcloud.model.request import camel, text_of

TASK_TYPES = frozenset(
    {
        "TASK_TYPE_UNSPECIFIED",
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    }
)
BATCH_LIMIT = 100


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One text to embed and the size of its vector."""

    text: str
    dimensions: int


def read_one(body: Any, model: Model) -> Wanted:
    """Check one EmbedContentRequest.

    Raises:
        ApiError: 400 for a bad size, task type, an empty text or a title without its task.
    """
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received: an object is expected.")
    body = camel(body)
    settings = {**body, **(body.get("embedContentConfig") or {})}
    task = settings.get("taskType") or "TASK_TYPE_UNSPECIFIED"
    if task not in TASK_TYPES:
        raise invalid(f"Invalid value at 'task_type': {task}.", "task_type")
    title = settings.get("title") or ""
    if title and task != "RETRIEVAL_DOCUMENT":
        raise invalid("title is only for task_type RETRIEVAL_DOCUMENT.", "title")
    text = text_of(body.get("content") or {})
    if not text:
        raise invalid("* EmbedContentRequest.content: contains no text", "content")
    wanted = settings.get("outputDimensionality")
    size = model.dimensions if wanted is None else wanted
    if not isinstance(size, int) or not 1 <= size <= model.dimensions:
        raise invalid(
            f"output_dimensionality must be between 1 and {model.dimensions}.",
            "output_dimensionality",
        )
    return Wanted(text=f"{title}\n{text}" if title else text, dimensions=size)


def read_batch(body: Any, model: Model) -> list[Wanted]:
    """Check a BatchEmbedContentsRequest of at most 100.

    Raises:
        ApiError: 400.
    """
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or not requests:
        raise invalid("* BatchEmbedContentsRequest.requests: is empty", "requests")
    if len(requests) > BATCH_LIMIT:
        raise invalid(
            f"* BatchEmbedContentsRequest.requests: at most {BATCH_LIMIT} requests can be in one "
            "batch",
            "requests",
        )
    return [read_one(request, model) for request in requests]


def vectors(wanted: list[Wanted], embedder: Embedder) -> list[dict[str, Any]]:
    """One `{"values": […]}` per text, in order; eight decimals, as many as single precision has."""
    largest = max(item.dimensions for item in wanted)
    rows = embedder.embed([item.text for item in wanted], largest).astype(np.float64).round(8)
    return [
        {"values": row[: item.dimensions].tolist()} for item, row in zip(wanted, rows, strict=True)
    ]


def usage(wanted: list[Wanted], embedder: Embedder) -> dict[str, int]:
    """Tokens of the texts."""
    total = sum(embedder.tokens(item.text) for item in wanted)
    return {"promptTokenCount": total, "totalTokenCount": total}
