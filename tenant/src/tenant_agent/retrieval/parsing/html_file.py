"""HTML: what a browser would show, without scripts, navigation and hidden elements."""

import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean, clean_lines
from tenant_agent.retrieval.parsing.sections import in_sections
from tenant_agent.retrieval.parsing.tables import BAR, lines_of
from tenant_agent.retrieval.parsing.text_file import decode

DROPPED = (
    "script, style, noscript, template, iframe, object, embed, svg, nav, head, form button, "
    "[hidden], [aria-hidden=true]"
)
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt)?\s*(?:;|$)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)|(?<![-\w])color\s*:\s*(?:#fff(?:fff)?|white)\b",
    re.IGNORECASE,
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCKS = "h1, h2, h3, h4, h5, h6, p, li, tr, pre, dt, dd, blockquote, figcaption, caption"
INNER = "p, li, tr, pre, dt, dd, blockquote, h1, h2, h3, h4, h5, h6"
CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)


def _decode(data: bytes) -> str:
    """Return the text in the charset the page names, else as plain text is decoded."""
    named = CHARSET.search(data[:4096])
    if named and data.strip():
        try:
            return data.decode(named.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            return decode(data)
    return decode(data)


def _prune(tree: LexborHTMLParser) -> None:
    for node in tree.css(DROPPED):
        node.decompose()
    for node in tree.css("[style]"):
        if HIDING.search(node.attributes.get("style") or ""):
            node.decompose()


def _cells(row: LexborNode) -> list[str]:
    return [clean_lines(cell.text(separator=" ")) for cell in row.css("td, th")]


def _row_text(row: LexborNode) -> str:
    """Return a row with the names of its columns, where its table has a row of them."""
    table = row.parent
    while table is not None and table.tag != "table":
        table = table.parent
    first = table.css_first("tr") if table is not None else None
    if first is None or first == row or first.css_first("td") is not None:
        return BAR.join(_cells(row))
    return list(lines_of([_cells(first), _cells(row)], has_header=True))[1]


def _text(node: LexborNode) -> str:
    if node.tag == "tr":
        return _row_text(node)
    if node.tag == "pre":
        return clean(node.text())
    return clean_lines(node.text())


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a page; an element that holds other blocks leaves the text to them."""
    tree = LexborHTMLParser(text)
    _prune(tree)
    body = tree.body
    if body is None:
        raise DocumentUnreadable("corrupt")
    found = False
    for node in body.css(BLOCKS):
        if node.tag not in {"tr", "pre"} and node.css_first(INNER) not in (None, node):
            continue
        found = True
        yield Block(_text(node), HEADINGS.get(node.tag or "", 0))
    if not found:
        for part in re.split(r"\n\s*\n", body.text(separator="\n")):
            yield Block(clean_lines(part))


def read(path: Path, max_pages: int) -> Parsed:  # noqa: ARG001 - sections have no page limit
    """Read an HTML file."""
    return in_sections([block for block in blocks_of(_decode(path.read_bytes())) if block.text])
