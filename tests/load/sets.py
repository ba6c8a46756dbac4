"""Public sets in BEIR form, and how a ranking of them is judged."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.chunking import chunks_of


@dataclass(frozen=True, slots=True)
class Collection:
    """One public set."""

    name: str
    corpus: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


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
    blocks = [Block(line.strip()) for line in text.split("\n") if line.strip()]
    return [chunk.text for chunk in chunks_of(Parsed([blocks]))] or [" "]
