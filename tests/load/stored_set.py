"""A set stored and searched by the product's own code, in a PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from demo.agent import Place, create_database, write_secrets
from demo.agent_services import Address
from load.figures import say
from load.sets import Collection, pieces
from localcloud.model.embeddings import Embedder
from tenant_agent.prepare import prepare
from tenant_agent.services.search import Search
from tenant_agent.settings import Settings
from tenant_agent.store import documents, index
from tenant_agent.store.index import NewChunk, Space
from tenant_agent.store.pool import Connection, Database

DIMENSIONS = 768
MODEL = "bench"
LANGUAGE = {"xquad_de": "de"}


class Embeddings(Protocol):
    """What storing and searching need of a model."""

    name: str
    dimensions: int

    async def embed_question(self, text: str) -> list[float]:
        """Return the unit vector of a question."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the unit vectors of passages."""
        ...


class LocalEmbeddings:
    """The local model's vectors, without the wire in between."""

    name = MODEL
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._embedder = Embedder()

    async def embed_question(self, text: str) -> list[float]:
        """Return the unit vector of a question."""
        return (await self.embed_passages([text]))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the unit vectors of passages."""
        rows = await asyncio.to_thread(self._embedder.embed, list(texts), DIMENSIONS)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return [[float(number) for number in row] for row in unit]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A set that is stored, ready to be searched."""

    collection: Collection
    database: Database
    embeddings: Embeddings
    search: Search
    owners: Mapping[int, str]
    """The set's document of each passage."""


@asynccontextmanager
async def stored(
    address: Address, folder: Path, collection: Collection, embeddings: Embeddings
) -> AsyncIterator[Stored]:
    """Store a set in a database of its own."""
    write_secrets(folder / "secrets", "x", "x")
    name = f"bench_{collection.name}"
    create_database(Place(folder, address, address, "", 0, name))
    settings = Settings(
        database_host=address.host, database_port=address.port, database_name=name,
        database_user="agent", secrets_dir=folder / "secrets", embedding_dimensions=DIMENSIONS,
    )  # fmt: skip
    await prepare(settings, 10)
    database = Database(settings)
    await database.open()
    try:
        names = await fill(database, collection, embeddings)
        async with database.transaction() as connection:
            rows = await (await connection.execute("select id, document_id from chunk")).fetchall()
        yield Stored(
            collection=collection, database=database, embeddings=embeddings,
            search=Search(database, embeddings), owners={row[0]: names[row[1]] for row in rows},
        )  # fmt: skip
    finally:
        await database.close()


async def _store(connection: Connection, texts: Sequence[str], language: str) -> uuid.UUID:
    identity = uuid.uuid4()
    row = {"id": identity, "name": "", "kind": "text", "media_type": "text/plain", "size": 0}
    await documents.insert(connection, {**row, "sha256": identity.hex, "uploaded_by": None})
    chunks = [NewChunk(n, 1, 0, len(text), "", text) for n, text in enumerate(texts)]
    await index.insert_chunks(connection, identity, chunks, title="", language=language)
    return identity


async def fill(
    database: Database, collection: Collection, embeddings: Embeddings
) -> dict[uuid.UUID, str]:
    """Store a set; returns the set's id of each document."""
    language = LANGUAGE.get(collection.name, "en")
    space, names = Space(MODEL, DIMENSIONS), {}
    started = time.monotonic()
    for number, (name, text) in enumerate(collection.corpus.items(), 1):
        async with database.transaction() as connection:
            identity = await _store(connection, pieces(text), language)
            rows = await index.chunks_without_vector(connection, identity, space, range(1000))
            vectors = await embeddings.embed_passages([row[3] for row in rows])
            pairs = [(row[0], vector) for row, vector in zip(rows, vectors, strict=True)]
            await index.insert_vectors(connection, space, pairs)
            await index.publish(connection, identity)
        names[identity] = name
        if number % 500 == 0:
            say(f"{collection.name}: {number} stored, {time.monotonic() - started:.0f} s")
    async with database.transaction() as connection:
        await connection.execute("analyze")
    return names


Arms = list[tuple[str, dict[int, float], dict[int, float]]]


async def search_all(place: Stored) -> Arms:
    """Return both arms' scores per question."""
    found: Arms = []
    for key, text in place.collection.queries.items():
        vector = await place.embeddings.embed_question(text)
        arms = await place.search.arms(text, vector)
        found.append((key, arms.lexical, arms.dense))
    return found
