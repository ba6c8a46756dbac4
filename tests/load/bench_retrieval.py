"""Retrieval: how good (nDCG@10 per public set and arm) and how fast (p95 at 5,000 passages).

    uv run python tests/load/bench_retrieval.py DATA [--only scifact,xquad_de] [--queries 300]
    uv run python tests/load/bench_retrieval.py DATA --only none        # only the speed

DATA holds `retrieval/<set>/{corpus.jsonl,queries.jsonl,qrels/test.tsv}` (BEIR form). It runs on a
PostgreSQL of its own with the product's own SQL and the local embedding model; one JSON line per
figure on standard output, progress on standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import math
import random
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

from demo.agent import create_database, write_secrets
from demo.agent_services import Address, postgres
from load.figures import Figure, emit, percentile, say
from localcloud.model.embeddings import Embedder
from tenant_agent.prepare import prepare
from tenant_agent.retrieval.fuse import fuse, rank_documents
from tenant_agent.services.search import Search
from tenant_agent.settings import Settings
from tenant_agent.store import documents, index
from tenant_agent.store.index import NewChunk, Space
from tenant_agent.store.pool import Connection, Database

DIMENSIONS = 768
MODEL = "bench"
BARS = {"scifact": 0.70, "cranfield": 0.43, "xquad_de": 0.94}
LANGUAGE = {"xquad_de": "de"}
PIECE = 1000
SPEED_ROUNDS = 5
SPEED_SET = "scifact"
SPEED_PASSAGES = 5000
EVERY_VECTOR = """
select min(embedding <#> (select embedding from chunk_vector limit 1)) from chunk_vector
"""
WEIGHTS = [round(0.05 * step, 2) for step in range(10, 21)]


@dataclass(frozen=True, slots=True)
class Collection:
    """One public set."""

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


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
        return [[float(x) / math.sqrt(float(row @ row)) for x in row] for row in rows]


class RandomEmbeddings(LocalEmbeddings):
    """Unit vectors by the text's hash: a scan takes as long as with real ones, filling does not."""

    def __init__(self) -> None:
        """Load no model."""

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the same random unit vector for the same text."""
        found = []
        for text in texts:
            numbers = random.Random(text)  # noqa: S311 - a benchmark's filling
            row = [numbers.gauss(0, 1) for _ in range(DIMENSIONS)]
            length = math.sqrt(sum(x * x for x in row))
            found.append([x / length for x in row])
        return found


def load(folder: Path) -> Collection:
    """Read a set."""
    lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    corpus = {
        d["_id"]: f"{d.get('title', '')}\n{d['text']}".strip() for d in map(json.loads, lines)
    }
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {q["_id"]: q["text"] for q in map(json.loads, lines)}
    relevant: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if int(row["score"]) > 0:
                relevant[row["query-id"]][row["corpus-id"]] = int(row["score"])
    judged = {key: queries[key] for key in relevant if key in queries}
    return Collection(folder.name, corpus, judged, dict(relevant))


def ndcg(ranked: Sequence[str], relevant: Mapping[str, int], depth: int = 10) -> float:
    """Return nDCG at `depth` with gain = grade (as trec_eval's ndcg_cut)."""
    gained = sum(relevant.get(d, 0) / math.log2(n + 2) for n, d in enumerate(ranked[:depth]))
    best = sorted(relevant.values(), reverse=True)[:depth]
    ideal = sum(grade / math.log2(n + 2) for n, grade in enumerate(best))
    return gained / ideal if ideal else 0.0


def pieces(text: str) -> list[str]:
    """Cut a text as the product does: about a thousand characters each."""
    from tenant_agent.retrieval.blocks import Block, Parsed
    from tenant_agent.retrieval.chunking import chunks_of

    blocks = [Block(line.strip()) for line in text.split("\n") if line.strip()]
    return [chunk.text for chunk in chunks_of(Parsed([blocks]))] or [" "]


async def _store(connection: Connection, texts: Sequence[str], language: str) -> uuid.UUID:
    identity = uuid.uuid4()
    row = {"id": identity, "name": "", "kind": "text", "media_type": "text/plain", "size": 0}
    await documents.insert(connection, {**row, "sha256": identity.hex, "uploaded_by": None})
    chunks = [NewChunk(n, 1, 0, len(text), "", text) for n, text in enumerate(texts)]
    await index.insert_chunks(connection, identity, chunks, title="", language=language)
    return identity


async def fill(
    database: Database, collection: Collection, embeddings: LocalEmbeddings
) -> dict[uuid.UUID, str]:
    """Store a set; returns the set's id of each document."""
    language = LANGUAGE.get(collection.name, "en")
    space, names = Space(MODEL, DIMENSIONS), {}
    started = time.monotonic()
    for number, (name, text) in enumerate(collection.corpus.items(), 1):
        async with database.transaction() as connection:
            identity = await _store(connection, pieces(text), language)
            rows = await index.chunks_without_vector(connection, identity, space, 1000)
            vectors = await embeddings.embed_passages([row[3] for row in rows])
            pairs = [(row[0], vector) for row, vector in zip(rows, vectors, strict=True)]
            await index.insert_vectors(connection, space, pairs)
            await index.publish(connection, identity)
        names[identity] = name
        if number % 500 == 0:
            taken = time.monotonic() - started
            sys.stderr.write(f"{collection.name}: {number} stored, {taken:.0f} s\n")
    async with database.transaction() as connection:
        await connection.execute("analyze")
    return names


Arms = list[tuple[str, dict[int, float], dict[int, float]]]


async def search_all(search: Search, collection: Collection, embeddings: LocalEmbeddings) -> Arms:
    """Return both arms' scores per question."""
    found: Arms = []
    for key, text in collection.queries.items():
        arms = await search.arms(text, await embeddings.embed_question(text))
        found.append((key, arms.lexical, arms.dense))
    return found


async def time_all(
    search: Search, collection: Collection, embeddings: LocalEmbeddings
) -> list[float]:
    """Return the milliseconds from each question with its vector to its passages."""
    taken: list[float] = []
    for text in collection.queries.values():
        vector = await embeddings.embed_question(text)
        started = time.perf_counter()
        await search.passages(text, vector)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def quality(
    found: Arms, owners: Mapping[int, str], relevant: Mapping[str, Mapping[str, int]], weight: float
) -> float:
    """Return the mean nDCG@10 of one weight; 1 is the lexical arm alone, 0 the dense one."""
    total = 0.0
    for key, lexical, dense in found:
        left = lexical if weight > 0 else {}
        right = dense if weight < 1 else {}
        ranked = rank_documents(fuse(left, right, weight), owners)
        total += ndcg([str(name) for name, _ in ranked], relevant[key])
    return total / len(found)


def report(name: str, value: float, unit: str, **more: Any) -> None:
    """Print one figure."""
    emit(Figure(name=name, value=value, unit=unit, **more))


def _report_quality(collection: Collection, found: Arms, owners: Mapping[int, str]) -> None:
    from tenant_agent.retrieval.fuse import LEXICAL_WEIGHT

    def at(weight: float) -> float:
        return quality(found, owners, collection.relevant, weight)

    arms = {"lexical": at(1.0), "dense": at(0.0)}
    hybrid, floor = at(LEXICAL_WEIGHT), max(arms.values()) - 0.005
    bar = max(BARS.get(collection.name, 0.0), floor)
    context = {"set": collection.name, **{k: round(v, 4) for k, v in arms.items()}}
    context["by_weight"] = {str(w): round(at(w), 4) for w in WEIGHTS}
    report(
        f"retrieval_ndcg10_{collection.name}", hybrid, "nDCG@10",
        bar=round(bar, 4), better="higher", context=context,
    )  # fmt: skip


async def run(
    address: Address, folder: Path, collection: Collection, embeddings: LocalEmbeddings
) -> None:
    """Measure one set in a database of its own."""
    from demo.agent import Place

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
    names = await fill(database, collection, embeddings)
    search = Search(database, embeddings)
    if isinstance(embeddings, RandomEmbeddings):
        await _measure_speed(database, search, collection, embeddings)
    else:
        await _measure_quality(database, search, collection, embeddings, names)
    await database.close()


async def _measure_speed(
    database: Database, search: Search, collection: Collection, embeddings: LocalEmbeddings
) -> None:
    await time_all(search, collection, embeddings)
    rounds = [await time_all(search, collection, embeddings) for _ in range(SPEED_ROUNDS)]
    async with database.reading() as connection:
        row = await (await connection.execute("select count(*) from chunk")).fetchone()
    number = len(collection.queries)
    empty = await repeated(database, "select 1", number)
    vectors = await repeated(database, EVERY_VECTOR, number)
    _report_speed(rounds, row[0] if row else 0, (empty, vectors))


async def _measure_quality(
    database: Database,
    search: Search,
    collection: Collection,
    embeddings: LocalEmbeddings,
    names: Mapping[uuid.UUID, str],
) -> None:
    found = await search_all(search, collection, embeddings)
    async with database.transaction() as connection:
        rows = await (await connection.execute("select id, document_id from chunk")).fetchall()
    _report_quality(collection, found, {row[0]: names[row[1]] for row in rows})
    _report_coverage(collection, found)


def _report_coverage(collection: Collection, found: Arms) -> None:
    share = sum(bool(lexical) for _, lexical, _ in found) / len(found)
    report(
        f"retrieval_lexical_found_{collection.name}", share, "share", bar=0.99,
        better="higher", context={"set": collection.name},
    )  # fmt: skip


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
    report("retrieval_p95", percentile(taken, 0.95), "ms", bar=25, better="lower", context=context)


def first(collection: Collection, *, passages: int, queries: int) -> Collection:
    """Return the first documents with about so many passages, and the first questions."""
    corpus: dict[str, str] = {}
    count = 0
    for key, text in collection.corpus.items():
        if passages and count >= passages:
            break
        corpus[key] = text
        count += len(pieces(text)) if passages else 0
    some = dict(list(collection.queries.items())[: queries or None])
    return Collection(collection.name, corpus, some, collection.relevant)


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


def measure_quality(address: Address, folder: Path, options: argparse.Namespace) -> None:
    """Measure how good the answers on the public sets are."""
    wanted = [name for name in options.only.split(",") if name]
    for place in sorted((options.data / "retrieval").iterdir()):
        if not wanted or place.name in wanted:
            say(f"storing {place.name}")
            collection = first(load(place), passages=0, queries=options.queries)
            asyncio.run(run(address, folder / place.name, collection, LocalEmbeddings()))


def measure_speed(address: Address, folder: Path, options: argparse.Namespace) -> None:
    """Measure how fast passages are found; on a public set's texts when there is one."""
    whole = load(options.data / "retrieval" / SPEED_SET) if options.data else made_up()
    # Texts that are bundled fill their passages up: a fifth more of them make that many passages.
    some = first(whole, passages=SPEED_PASSAGES * 6 // 5, queries=options.queries)
    speed = Collection("speed", bundled(some.corpus), some.queries, some.relevant)
    say(f"storing {SPEED_PASSAGES} passages to measure speed")
    asyncio.run(run(address, folder / "speed", speed, RandomEmbeddings()))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure the sets found under the folder given, and the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--only", default="", help="comma list of sets")
    parser.add_argument("--queries", type=int, default=0, help="at most this many questions")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="agent-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        with postgres(folder / "postgres") as address:
            measure_speed(address, folder, options)
            if options.data:
                measure_quality(address, folder, options)


if __name__ == "__main__":
    main()
