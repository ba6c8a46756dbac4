"""How good retrieval is: nDCG@10 of each arm and of both together, on public sets.

    make bench ONLY=quality DATA=folder

The folder holds `retrieval/<set>/{corpus.jsonl,queries.jsonl,qrels/test.tsv}` (BEIR form). Sets are
stored and searched whole by the product's own SQL, with the local embedding model. What
is published of BM25 stands beside ours; the page of figures says where.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from demo.agent_services import Address, postgres
from load import bench_answers
from load.figures import Figure, emit, say
from load.sets import Collection, load, ndcg
from load.stored_set import Arms, LocalEmbeddings, Stored, search_all, stored
from tenant_agent.retrieval.fuse import LEXICAL_WEIGHT, fuse, rank_documents

SLACK: Final = 0.005
"""Both arms together may be this much worse than the better one alone."""
PUBLISHED: Final[Mapping[str, tuple[str, float]]] = {
    "scifact": ("BM25 as published (bm25s, results of MTEB)", 0.687),
}
WEIGHTS: Final = [round(0.05 * step, 2) for step in range(10, 21)]


def run(data: Path) -> None:
    """Print the figures of every set, then those of the local model."""
    with tempfile.TemporaryDirectory(prefix="agent-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)
        with postgres(folder / "postgres") as address:
            for place in sorted((data / "retrieval").iterdir()):
                asyncio.run(measure(address, folder / place.name, load(place)))
    bench_answers.run(data)


async def measure(address: Address, folder: Path, collection: Collection) -> None:
    """Store a set, ask its questions, print its figures."""
    say(f"storing {collection.name}: {len(collection.corpus)} documents")
    async with stored(address, folder, collection, LocalEmbeddings()) as place:
        found = await search_all(place)
        _report(place, found)
    share = sum(bool(lexical) for _, lexical, _ in found) / len(found)
    name = f"retrieval_lexical_found_{collection.name}"
    emit(Figure(name=name, value=share, unit="share", bar=0.99, better="higher",
                context={"set": collection.name}))  # fmt: skip


def quality(place: Stored, found: Arms, weight: float) -> float:
    """Return the mean nDCG@10 of one weight; 1 is the lexical arm alone, 0 the dense one."""
    total = 0.0
    for key, lexical, dense in found:
        left = lexical if weight > 0 else {}
        right = dense if weight < 1 else {}
        ranked = rank_documents(fuse(left, right, weight), place.owners)
        total += ndcg([str(name) for name, _ in ranked], place.collection.relevant[key])
    return total / len(found)


def _report(place: Stored, found: Arms) -> None:
    name = place.collection.name
    lexical, dense = quality(place, found, 1.0), quality(place, found, 0.0)
    context: dict[str, Any] = {
        "set": name,
        "documents": len(place.collection.corpus),
        "passages": len(place.owners),
        "questions": len(found),
        "lexical": round(lexical, 4),
        "dense": round(dense, 4),
        "by_weight": {str(w): round(quality(place, found, w), 4) for w in WEIGHTS},
    }
    if name in PUBLISHED:
        context["floor"], context["floor_ndcg"] = PUBLISHED[name]
    bar = max(context.get("floor_ndcg", 0.0), max(lexical, dense) - SLACK)
    emit(Figure(name=f"retrieval_ndcg10_{name}", value=quality(place, found, LEXICAL_WEIGHT),
                unit="nDCG@10", bar=round(bar, 4), better="higher", context=context))  # fmt: skip
