"""DOCX: headings, paragraphs, lists and table rows in document order; page breaks as written.

Word stores where pages broke when it last laid the text out; where that is missing the text is
put in sections. The archive is judged before anything is unpacked: a part that would grow past
the limits, or too many parts, is a bomb.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean_lines
from tenant_agent.retrieval.parsing.sections import in_sections
from tenant_agent.retrieval.parsing.tables import lines_of, looks_like_header

MAX_PARTS = 5000
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200
SMALL_PART = 5 * 1024 * 1024
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HEADING_STYLE = re.compile(r"(?:heading|überschrift|title|titel)\s*(\d?)", re.IGNORECASE)


def check_archive(path: Path) -> None:
    """Refuse an archive that is damaged, encrypted or grows out of proportion.

    Raises:
        DocumentUnreadable: `corrupt`, `encrypted`, `zip_bomb` or `not_word`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise DocumentUnreadable("corrupt") from error
    if any(part.flag_bits & 1 for part in parts):
        raise DocumentUnreadable("encrypted")
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise DocumentUnreadable("zip_bomb")
    for part in parts:
        ratio = part.file_size / max(part.compress_size, 1)
        if part.file_size > SMALL_PART and ratio > MAX_RATIO:
            raise DocumentUnreadable("zip_bomb")
    if "word/document.xml" not in {part.filename for part in parts}:
        raise DocumentUnreadable("not_word")


def _level(style_name: str) -> int:
    match = HEADING_STYLE.match(style_name)
    if match is None:
        return 0
    return min(int(match.group(1) or 1), 6) or 1


def _is_hidden(run: Any) -> bool:
    properties = run.find(f"{W}rPr")
    return properties is not None and properties.find(f"{W}vanish") is not None


def _paragraph_text(element: Any) -> str:
    """Return the visible text: deleted, hidden and field-code runs are left out."""
    parts = []
    for run in element.iter(f"{W}r"):
        if _is_hidden(run) or run.getparent().tag == f"{W}del":
            continue
        for node in run:
            if node.tag == f"{W}t":
                parts.append(node.text or "")
            elif node.tag in {f"{W}tab", f"{W}br", f"{W}cr"}:
                parts.append(" ")
    return clean_lines("".join(parts))


def _breaks_before(element: Any) -> bool:
    """Return whether a page begins in or before this paragraph."""
    if element.find(f".//{W}lastRenderedPageBreak") is not None:
        return True
    if any(mark.get(f"{W}type") == "page" for mark in element.iter(f"{W}br")):
        return True
    return element.find(f"{W}pPr/{W}pageBreakBefore") is not None


def _rows(table: Any) -> Iterator[Block]:
    rows = [
        [
            " ".join(_paragraph_text(p) for p in cell.iter(f"{W}p")).strip()
            for cell in row.iter(f"{W}tc")
        ]
        for row in table.iter(f"{W}tr")
    ]
    marked = table.find(f"{W}tr/{W}trPr/{W}tblHeader") is not None
    has_header = marked or looks_like_header(rows)
    yield from map(Block, lines_of(rows, has_header=has_header))


def _items(document: Any) -> Iterator[tuple[Block, bool]]:
    """Yield (block, whether a page begins here) in document order."""
    from docx.text.paragraph import Paragraph

    for element in document.element.body:
        if element.tag == f"{W}p":
            style = Paragraph(element, document).style
            level = _level(style.name or "") if style is not None else 0
            yield Block(_paragraph_text(element), level), _breaks_before(element)
        elif element.tag == f"{W}tbl":
            for row in _rows(element):
                yield row, False


def _in_pages(items: list[tuple[Block, bool]], max_pages: int) -> Parsed:
    pages: list[list[Block]] = [[]]
    for block, begins in items:
        if begins and any(pages[-1]):
            pages.append([])
        if block.text:
            pages[-1].append(block)
    if len(pages) > max_pages:
        raise DocumentUnreadable("too_many_pages")
    return Parsed(pages, paged=True)


def read(path: Path, max_pages: int) -> Parsed:
    """Read a Word document."""
    check_archive(path)
    import docx

    items = list(_items(docx.Document(str(path))))
    if any(begins for _, begins in items):
        return _in_pages(items, max_pages)
    return in_sections([block for block, _ in items if block.text])
