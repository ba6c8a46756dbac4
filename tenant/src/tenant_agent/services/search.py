"""Hybrid retrieval: both arms, fused; documents before passages.

When the embedding provider fails, the lexical arm answers alone: a question about words that stand
in the documents still finds them.
"""

import asyncio

import structlog

from tenant_agent.agent.models.port import EmbeddingModel
from tenant_agent.errors import ModelFailure
from tenant_agent.retrieval.fuse import LEXICAL_WEIGHT, fuse, select
from tenant_agent.store import documents
from tenant_agent.store import search as store
from tenant_agent.store.index import Space
from tenant_agent.store.pool import Database
from tenant_agent.store.search import Candidates, PassageRecord

log = structlog.get_logger(__name__)
CANDIDATES = 100
DOCUMENTS = 6
PASSAGES = 8
QUESTION_SECONDS = 8.0


class Search:
    """Finds the passages for a question."""

    def __init__(
        self, database: Database, embeddings: EmbeddingModel, weight: float = LEXICAL_WEIGHT
    ) -> None:
        self._database = database
        self._embeddings = embeddings
        self._space = Space(embeddings.name, embeddings.dimensions)
        self._weight = weight

    async def _vector(self, question: str) -> list[float] | None:
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                return await self._embeddings.embed_question(question)
        except (ModelFailure, TimeoutError) as error:
            log.warning("searching by words only", reason=type(error).__name__)
            return None

    async def arms(self, question: str, vector: list[float] | None) -> Candidates:
        """Return both arms' scores; without a vector the dense one is empty."""
        async with self._database.reading() as connection:
            return await store.candidates(
                connection, self._space, question, vector, limit=CANDIDATES
            )

    async def passages(self, question: str, vector: list[float] | None) -> list[PassageRecord]:
        """Return the best passages, best first; empty when there is nothing to search."""
        async with self._database.reading() as connection:
            arms = await store.candidates(
                connection, self._space, question, vector, limit=CANDIDATES
            )
            fused = fuse(arms.lexical, arms.dense, self._weight)
            ranked = select(fused, arms.owners, documents=DOCUMENTS, passages=PASSAGES)
            found = await store.passages(connection, [item.passage for item in ranked])
        return [found[item.passage] for item in ranked if item.passage in found]

    async def documents(self, limit: int) -> tuple[list[str], int]:
        """Return the names of the newest documents that can be searched, and how many there are."""
        async with self._database.reading() as connection:
            return await documents.ready_names(connection, limit)

    async def find(self, question: str) -> list[PassageRecord]:
        """Return the best passages for a question."""
        return await self.passages(question, await self._vector(question))
