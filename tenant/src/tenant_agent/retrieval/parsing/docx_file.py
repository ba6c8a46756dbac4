"""DOCX: headings, paragraphs, lists and table rows in document order, on their pages.

Pages are those Word noted when it last laid the text out, else those that breaks put there begin;
a document with neither is put in sections. The archive is judged before anything is unpacked: a
part that would grow past the limits, or too many parts, is a bomb.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import docx

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.parsing.docx_paragraph import (
    BOX,
    PARAGRAPH,
    Item,
    Paragraphs,
    W,
    joined_pages,
    split_pages,
)
from tenant_agent.retrieval.parsing.sections import in_sections
from tenant_agent.retrieval.parsing.tables import lines_of, looks_like_header

MAX_PARTS = 5000
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200
SMALL_PART = 5 * 1024 * 1024
TABLE, ROW, CELL = f"{W}tbl", f"{W}tr", f"{W}tc"
# What programs show that do not know the newer form beside it, which holds the same.
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
WRAPPERS = frozenset({f"{W}sdt", f"{W}sdtContent", f"{W}customXml"})


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


def _children(element: Any, *tags: str) -> Iterator[Any]:
    """Yield the children of these kinds, also out of content controls and custom XML."""
    for child in element:
        tag = child.tag
        if tag in tags:
            yield child
        elif tag in WRAPPERS:
            yield from _children(child, *tags)


def _boxes(element: Any) -> Iterator[Any]:
    """Yield the outermost text boxes of a paragraph."""
    for child in element:
        if child.tag == BOX:
            yield child
        else:
            yield from _boxes(child)


def _first_page(cell: list[list[Block]]) -> int:
    return next(number for number, page in enumerate(cell) if page)


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row, each as the pages its content is on."""

    cells: list[list[list[Block]]]
    has_table: bool

    def texts(self) -> list[str]:
        """Return the cells as one line each."""
        return [" ".join([b.text for page in cell for b in page]) for cell in self.cells]

    def lays_out(self) -> bool:
        """Return whether the row arranges text rather than values: it is no line of a table."""
        is_box = len(self.cells) == 1 and sum(map(len, self.cells[0])) > 1
        return self.has_table or is_box

    def pages(self) -> list[list[Block]]:
        """Return the content on its pages.

        Cells lie side by side: Word notes a page's beginning in every cell that crosses it.
        """
        together = zip_longest(*self.cells, fillvalue=())
        return [list(chain.from_iterable(page)) for page in together] or [[]]

    def with_line(self, line: str) -> list[list[Block]]:
        """Return the row as one line on the page where it begins, if it has any text."""
        count = max(map(len, self.cells), default=1)
        if not any(chain.from_iterable(self.cells)):
            return [[] for _ in range(count)]
        if count == 1:
            return [[Block(line)]]
        begins = max(_first_page(cell) for cell in self.cells if any(cell))
        return [[Block(line)] if number == begins else [] for number in range(count)]


class _Reader:
    """Reads one document; `items` are its blocks in order, with None where a page begins."""

    def __init__(self, document: Any) -> None:
        self._body = document.element.body
        for fallback in list(self._body.iter(FALLBACK)):
            fallback.getparent().remove(fallback)
        self._has_boxes = next(self._body.iter(BOX), None) is not None
        self._paragraphs = Paragraphs(document)

    def items(self) -> Iterator[Item]:
        """Yield the items of the document."""
        return self._content(self._body)

    def _content(self, element: Any) -> Iterator[Item]:
        """Yield the items of the body or a cell."""
        for child in _children(element, PARAGRAPH, TABLE):
            if child.tag == PARAGRAPH:
                yield from self._paragraphs.items(child)
                for box in _boxes(child) if self._has_boxes else ():
                    yield from self._content(box)
            else:
                yield from self._table(child)

    def _row(self, element: Any) -> _Row:
        cells = [split_pages(self._content(cell)) for cell in _children(element, CELL)]
        return _Row(cells, has_table=next(element.iter(TABLE), None) is not None)

    def _table(self, element: Any) -> Iterator[Item]:
        elements = list(_children(element, ROW))
        rows = [self._row(child) for child in elements]
        texts = [row.texts() for row in rows]
        marked = elements and elements[0].find(f"{W}trPr/{W}tblHeader") is not None
        has_header = marked or (looks_like_header(texts) and not rows[0].lays_out())
        for row, line in zip(rows, lines_of(texts, has_header=has_header), strict=True):
            yield from joined_pages(row.pages() if row.lays_out() else row.with_line(line))


def read(path: Path, max_pages: int) -> Parsed:
    """Read a Word document."""
    check_archive(path)
    pages = split_pages(_Reader(docx.Document(str(path))).items())
    if len(pages) == 1:
        return in_sections(pages[0])
    if len(pages) > max_pages:
        raise DocumentUnreadable("too_many_pages")
    return Parsed(pages, paged=True)
