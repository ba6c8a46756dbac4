"""Plain text: UTF-8, UTF-16 by its mark, else Windows-1252; form feeds are page breaks."""

import codecs
import re
from pathlib import Path

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean, clean_lines
from tenant_agent.retrieval.parsing.sections import in_sections

PARAGRAPH = re.compile(r"\n\s*\n+")
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LIST_LINE = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)


def decode(data: bytes) -> str:
    """Return the text of `data`.

    Raises:
        DocumentUnreadable: `corrupt`, the bytes are no text.
    """
    if not data.strip():
        raise DocumentUnreadable("empty")
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _decode(data, encoding)
    if b"\x00" in data:
        raise DocumentUnreadable("corrupt")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentUnreadable("corrupt") from error


def _paragraph(text: str) -> Block:
    """Return one block; lists and tables keep their lines, prose is joined."""
    keep = LIST_LINE.search(text) or "\t" in text
    return Block(clean(text) if keep else clean_lines(text))


def _blocks(text: str) -> list[Block]:
    found = [_paragraph(part) for part in PARAGRAPH.split(text) if part.strip()]
    return [block for block in found if block.text]


def read(path: Path, max_pages: int) -> Parsed:
    """Read a text file."""
    text = decode(path.read_bytes()).replace("\r\n", "\n")
    if "\f" in text.strip("\f"):
        pages = text.split("\f")
        if len(pages) > max_pages:
            raise DocumentUnreadable("too_many_pages")
        return Parsed([_blocks(page) for page in pages], paged=True)
    return in_sections(_blocks(text))
