"""Structure-aware chunks: sections stay together, headings travel along, pages are not crossed.

About a thousand characters per chunk and no overlap (short passages rank better on long documents
and make citations exact); a paragraph that is longer is cut between sentences. A short one (a
title, a line that leads in) goes with what follows: alone it would be a passage that says nothing,
and its words would be missing where they are explained.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tenant_agent.retrieval.blocks import BLOCK_GAP, Block, Parsed
from tenant_agent.retrieval.split import sentence_spans

TARGET = 1000
LIMIT = 1500
SHORT = 200
MAX_HEADING = 200


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: page from 1, offsets in code points of the page's text."""

    page: int
    start: int
    end: int
    heading: str
    text: str


@dataclass(slots=True)
class _Path:
    """The headings above the current place, by level."""

    levels: dict[int, str] = field(default_factory=dict)

    def enter(self, level: int, title: str) -> None:
        self.levels = {key: text for key, text in self.levels.items() if key < level}
        self.levels[level] = " ".join(title.split())[:MAX_HEADING]

    def text(self) -> str:
        return " > ".join(self.levels[key] for key in sorted(self.levels))


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    heading: str


def _hard_cuts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what has no sentence ends (a table, a code dump) at the limit."""
    for at in range(start, end, LIMIT):
        yield at, min(at + LIMIT, end)


def _spans(block: Block, offset: int) -> Iterator[tuple[int, int]]:
    """Yield spans of at most LIMIT of one block, cut between sentences."""
    if len(block.text) <= LIMIT:
        yield offset, offset + len(block.text)
        return
    start, end = 0, 0
    for left, right in sentence_spans(block.text):
        if end > start and right - start > TARGET:
            yield offset + start, offset + end
            start = left
        end = right
        if end - start > LIMIT:
            yield from _hard_cuts(offset + start, offset + end)
            start = end
    if end > start:
        yield offset + start, offset + end


def _has_section(blocks: list[Block], index: int) -> bool:
    """Return whether text or a deeper heading follows a heading on its page."""
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    return following is not None and (not following.level or following.level > blocks[index].level)


def _pieces(blocks: list[Block], path: _Path) -> Iterator[_Piece]:
    """Yield the pieces of a page in order.

    A heading travels as the heading of what follows it; it is a passage itself only when nothing
    follows.
    """
    offset = 0
    for index, block in enumerate(blocks):
        if block.level:
            path.enter(block.level, block.text)
        if not (block.level and _has_section(blocks, index)):
            for start, end in _spans(block, offset):
                yield _Piece(start, end, path.text())
        offset += len(block.text) + len(BLOCK_GAP)


def _fits(group: list[_Piece], piece: _Piece) -> bool:
    is_short = group[-1].end - group[0].start <= SHORT
    size = LIMIT if is_short else TARGET
    return piece.heading == group[0].heading and piece.end - group[0].start <= size


def _joined(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    """Group neighbours of one section up to the target size."""
    group: list[_Piece] = []
    for piece in pieces:
        if group and not _fits(group, piece):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def chunks_of(parsed: Parsed) -> Iterator[Chunk]:
    """Yield the chunks of a document in reading order."""
    path = _Path()
    for number, blocks in enumerate(parsed.pages, 1):
        text = BLOCK_GAP.join(block.text for block in blocks)
        for group in _joined(_pieces(blocks, path)):
            start, end = group[0].start, group[-1].end
            if text[start:end].strip():
                yield Chunk(number, start, end, group[0].heading, text[start:end])
