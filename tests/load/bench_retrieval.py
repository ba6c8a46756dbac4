"""How fast retrieval is: the 95th percentile at 5,000 passages.

    make bench ONLY=retrieval [DATA=folder]

It runs on a PostgreSQL of its own with the product's own SQL; how good it is, is `bench_quality`.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import LiteralString

from demo.agent_services import Address, postgres
from load.figures import Figure, emit, percentile, say
from load.sets import Collection, load, pieces
from load.stored_set import DIMENSIONS, MODEL, Stored, stored
from tenant_agent.store.pool import Database

SPEED_ROUNDS = 5
SPEED_SET = "scifact"
SPEED_PASSAGES = 5000
EVERY_VECTOR = """
select min(embedding <#> (select embedding from chunk_vector limit 1)) from chunk_vector
"""


class RandomEmbeddings:
    """Unit vectors by the text's hash: a scan takes as long as with real ones, filling does not."""

    name = MODEL
    dimensions = DIMENSIONS

    async def embed_question(self, text: str) -> list[float]:
        """Return the vector of a question."""
        return (await self.embed_passages([text]))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the same random unit vector for the same text."""
        found = []
        for text in texts:
            numbers = random.Random(text)  # noqa: S311 - a benchmark's filling
            row = [numbers.gauss(0, 1) for _ in range(DIMENSIONS)]
            length = math.sqrt(sum(x * x for x in row))
            found.append([x / length for x in row])
        return found


async def run(address: Address, folder: Path, collection: Collection) -> None:
    """Measure in a database of its own."""
    async with stored(address, folder, collection, RandomEmbeddings()) as place:
        await time_all(place)
        rounds = [await time_all(place) for _ in range(SPEED_ROUNDS)]
        number = len(collection.queries)
        empty = await repeated(place.database, "select 1", number)
        vectors = await repeated(place.database, EVERY_VECTOR, number)
    _report_speed(rounds, len(place.owners), (empty, vectors))


async def time_all(place: Stored) -> list[float]:
    """Return the milliseconds from each question with its vector to its passages."""
    taken: list[float] = []
    for text in place.collection.queries.values():
        vector = await place.embeddings.embed_question(text)
        started = time.perf_counter()
        await place.search.passages(text, vector)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


async def repeated(database: Database, statement: LiteralString, number: int) -> list[float]:
    """Return the milliseconds of a statement on a connection of its own, as a search has."""
    taken: list[float] = []
    for _ in range(number):
        started = time.perf_counter()
        async with database.reading() as connection:
            await (await connection.execute(statement)).fetchall()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def _report_speed(
    rounds: Sequence[Sequence[float]],
    passages: int,
    floors: tuple[Sequence[float], Sequence[float]],
) -> None:
    taken = min(rounds, key=lambda one: percentile(one, 0.95))
    context = {
        "passages": passages,
        "questions": len(taken),
        "p50": round(percentile(taken, 0.5), 2),
        "p95_of_each_round": [round(percentile(one, 0.95), 1) for one in rounds],
        "note": "the quietest round; from the question with its vector to the chosen passages",
        "empty_statement_ms": round(percentile(floors[0], 0.95), 2),
        "floor": "the product with every vector and nothing else, p95",
        "floor_ms": round(percentile(floors[1], 0.95), 2),
    }
    emit(Figure(name="retrieval_p95", value=percentile(taken, 0.95), unit="ms", bar=25,
                context=context))  # fmt: skip


def first(collection: Collection, *, passages: int) -> Collection:
    """Return the first documents with about so many passages."""
    corpus: dict[str, str] = {}
    count = 0
    for key, text in collection.corpus.items():
        if count >= passages:
            break
        corpus[key] = text
        count += len(pieces(text))
    return Collection(collection.name, corpus, collection.queries, collection.relevant)


def bundled(corpus: Mapping[str, str], size: int = 50) -> dict[str, str]:
    """Return documents of `size` texts each: as many passages, far fewer transactions."""
    texts = list(corpus.values())
    return {str(at): "\n".join(texts[at : at + size]) for at in range(0, len(texts), size)}


def made_up() -> Collection:
    """Return texts of made-up words, the most frequent one in every fifth passage, as in texts
    without their stop words, with questions of such words.
    """
    source = random.Random(1)  # noqa: S311 - the same texts every time
    letters = "abdefghiklmnoprstuw"
    words = ["".join(source.choices(letters, k=source.randint(3, 12))) for _ in range(20_000)]
    weights = [1 / (100 + rank) for rank in range(len(words))]

    def text(length: int) -> str:
        return " ".join(source.choices(words, weights, k=length))

    corpus = {str(number): text(125) for number in range(SPEED_PASSAGES * 2)}
    queries = {str(number): text(10) for number in range(300)}
    return Collection("speed", corpus, queries, {})


def main(data: Path | None) -> None:
    """Measure; on a public set's texts when there are data."""
    whole = load(data / "retrieval" / SPEED_SET) if data else made_up()
    all_of_it = Collection("speed", bundled(whole.corpus), whole.queries, whole.relevant)
    speed = first(all_of_it, passages=SPEED_PASSAGES)
    say(f"storing {SPEED_PASSAGES} passages to measure speed")
    with tempfile.TemporaryDirectory(prefix="agent-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        with postgres(folder / "postgres") as address:
            asyncio.run(run(address, folder / "speed", speed))
