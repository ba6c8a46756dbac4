"""HTML: what a browser would show, as `html_visible` finds and `html_flow` arranges it."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean_lines
from tenant_agent.retrieval.parsing.html_flow import Flow
from tenant_agent.retrieval.parsing.html_visible import visible
from tenant_agent.retrieval.parsing.sections import in_sections
from tenant_agent.retrieval.parsing.text_file import PARAGRAPH, decode

CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
# All labels of these mean Windows-1252 in browsers (https://encoding.spec.whatwg.org/#names-and-labels):
# pages that name them hold its quotation marks and euro signs.
READ_AS_WINDOWS_1252 = frozenset({"iso8859-1", "ascii"})


def _codec(label: str) -> str:
    """Return the codec a browser takes for a label."""
    name = codecs.lookup(label).name
    return "cp1252" if name in READ_AS_WINDOWS_1252 else name


def _decode(data: bytes) -> str:
    """Return the text in the charset the page names, else as plain text is decoded."""
    named = CHARSET.search(data[:4096])
    if named and data.strip():
        try:
            return data.decode(_codec(named.group(1).decode("ascii")))
        except (LookupError, UnicodeDecodeError):
            return decode(data)
    return decode(data)


def blocks_of(text: str) -> Iterator[Block]:
    """Yield the blocks of a page; without a single element, blank lines part its paragraphs."""
    tree = LexborHTMLParser(text)
    if tree.body is None:
        raise DocumentUnreadable("corrupt")
    if next(tree.body.iter(), None) is None:
        for part in PARAGRAPH.split(tree.body.text()):
            yield Block(clean_lines(part))
        return
    flow = Flow()
    for node, begins in visible(tree):
        if node.is_text_node:
            flow.text(node.text_content or "")
        elif begins:
            flow.begin(node.tag or "")
        else:
            flow.end(node.tag or "")
    yield from flow.found


def read(path: Path, max_pages: int) -> Parsed:  # noqa: ARG001 - sections have no page limit
    """Read an HTML file."""
    return in_sections([block for block in blocks_of(_decode(path.read_bytes())) if block.text])
