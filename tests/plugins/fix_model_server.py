"""A model server on a free loopback port, and what tests ask of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from localcloud.model import ModelSettings, RunningModel, start_model
from localcloud.model.embeddings import Embedder, shared_embedder

MODEL_KEY = "test-key"

LEASE = (
    "Der Mietvertrag beginnt am 1. Januar 2024. Die monatliche Kaltmiete beträgt 1.250 Euro. "
    "Haustiere sind nach Absprache erlaubt."
)
HANDBOOK = (
    "Employees get 28 days of annual leave. Sick leave must be reported before 9 am. "
    "The office closes at 6 pm on Fridays."
)


def grounded(question: str, language: str = "de", **extra: Any) -> str:
    """A prompt in the agreed form over two passages."""
    sources = [
        {"id": 1, "title": "Mietvertrag", "heading": None, "page": 1, "text": LEASE},
        {"id": 2, "title": "Handbook", "heading": "Leave", "page": 7, "text": HANDBOOK},
    ]
    form = {"question": question, "language": language, "sources": sources, **extra}
    return "Answer from these sources:\n" + json.dumps(form, ensure_ascii=False)


@pytest.fixture(scope="session")
def model_embedder() -> Embedder:
    """The encoder, loaded once for the whole run."""
    return shared_embedder()


@pytest.fixture
async def model_server() -> AsyncIterator[RunningModel]:
    """A server that accepts `MODEL_KEY` and starts with its defaults."""
    running = await start_model(
        host="127.0.0.1", port=0, tls=None, settings=ModelSettings(keys=[MODEL_KEY])
    )
    yield running
    await running.close()
