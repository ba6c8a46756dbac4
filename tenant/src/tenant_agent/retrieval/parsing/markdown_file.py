"""Markdown (CommonMark with tables): headings, paragraphs, list items, table rows, code."""

import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean, clean_lines
from tenant_agent.retrieval.parsing.sections import in_sections
from tenant_agent.retrieval.parsing.tables import lines_of
from tenant_agent.retrieval.parsing.text_file import decode

TEXT = frozenset({"text", "code_inline"})
BREAKS = frozenset({"softbreak", "hardbreak"})
# The only way to a second line in a table's cell.
HTML_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def _breaks(child: Token) -> bool:
    is_html = child.type == "html_inline"
    return child.type in BREAKS or (is_html and HTML_BREAK.fullmatch(child.content) is not None)


def _inline(token: Token) -> str:
    """Return the visible text: link and image targets are dropped, alternative text stays."""
    parts = []
    for child in token.children or []:
        if child.type in TEXT or child.type == "image":
            parts.append(child.content)
        elif _breaks(child):
            parts.append("\n")
    return "".join(parts)


def _rows(tokens: Iterator[Token]) -> Iterator[Block]:
    """Yield one block per table row; in Markdown the first always names the columns."""
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(clean_lines(_inline(token)))
        elif token.type == "table_close":
            break
    yield from map(Block, lines_of(rows, has_header=True))


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a Markdown text; of raw HTML only line breaks are kept."""
    tokens = iter(MarkdownIt("commonmark", {"html": True}).enable("table").parse(text))
    level = 0
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "table_open":
            yield from _rows(tokens)
        elif token.type in {"fence", "code_block"}:
            yield Block(clean(token.content))
        elif token.type == "inline":
            yield Block(clean_lines(_inline(token)), level)
            level = 0


def read(path: Path, max_pages: int) -> Parsed:  # noqa: ARG001 - sections have no page limit
    """Read a Markdown file."""
    return in_sections([block for block in blocks_of(decode(path.read_bytes())) if block.text])
