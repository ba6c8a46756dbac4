"""Sections for formats without pages: a long text becomes addressable in pieces of even size."""

from tenant_agent.retrieval.blocks import Block, Parsed

SECTION = 4000
LONGEST_BLOCK = 20_000


def _cut(block: Block) -> list[Block]:
    """Cut a block that is longer than a section can hold."""
    if len(block.text) <= LONGEST_BLOCK:
        return [block]
    pieces = range(0, len(block.text), LONGEST_BLOCK)
    return [Block(block.text[at : at + LONGEST_BLOCK], block.level) for at in pieces]


def in_sections(blocks: list[Block]) -> Parsed:
    """Return `blocks` as sections; a heading begins the next one rather than ending the last."""
    pages: list[list[Block]] = []
    current: list[Block] = []
    size = 0
    for block in (piece for whole in blocks for piece in _cut(whole)):
        full = size + len(block.text) > SECTION
        early = bool(block.level) and size > SECTION // 2
        if current and (full or early):
            pages.append(current)
            current, size = [], 0
        current.append(block)
        size += len(block.text)
    if current:
        pages.append(current)
    return Parsed(pages, paged=False)
