"""PDF by PDFium, a page at a time: lines become paragraphs by their gaps, headings by their size,
and lines with wide gaps inside become the rows of a table.

Text too small to be read by a person is left out. Pages without text (scans) stay empty.
"""

import re
from collections import Counter
from collections.abc import Iterator
from ctypes import byref, c_double
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as raw  # type: ignore[import-untyped]

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Block, Parsed
from tenant_agent.retrieval.clean import clean_lines
from tenant_agent.retrieval.parsing.tables import lines_of, looks_like_header

TINY = 2.0
HEADING_RATIO = 1.15
MAX_HEADING = 150
PARAGRAPH_GAP = 1.6
LINE_HYPHEN = "\x02"
# In units of the font size: between words it is about 0.3, in justified text rarely 1.
COLUMN_GAP = 1.4
ROW_GAP = 3.0
LIST_MARK = re.compile(r"(?:[-\u2013•*§]|\(?[^\W_]{1,3}[.)]|\(\w{1,3}\)|§ ?\d+\w?)$")
BLANKS = re.compile(r"(?<=\S) +(?=\S)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its font size and baseline in points (PDF's y grows upwards)."""

    text: str
    size: float
    bottom: float
    cells: tuple[str, ...] = ()


def _open(path: Path) -> Any:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        code = getattr(error, "err_code", None)
        locked = code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
        raise DocumentUnreadable("encrypted" if locked else "corrupt") from error


def _box(textpage: Any, index: int) -> tuple[float, float, float]:
    """Return (left, right, bottom) of a character."""
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    raw.FPDFText_GetCharBox(
        textpage.raw, index, byref(left), byref(right), byref(bottom), byref(top)
    )
    return left.value, right.value, bottom.value


def _cells(textpage: Any, line: str, at: int, size: float) -> tuple[str, ...]:
    """Return the parts of a line between wide gaps; nothing when there are none."""
    cells, start = [], 0
    for blank in BLANKS.finditer(line):
        right = _box(textpage, at + blank.start() - 1)[1]
        if _box(textpage, at + blank.end())[0] - right > size * COLUMN_GAP:
            cells.append(line[start : blank.start()])
            start = blank.end()
    return (*cells, line[start:]) if cells else ()


def _lines(textpage: Any) -> Iterator[Line]:
    """Yield the visible lines in PDFium's reading order."""
    text = textpage.get_text_range()
    at = 0
    for part in text.splitlines(keepends=True):
        line = part.rstrip("\r\n")
        lead = len(line) - len(line.lstrip())
        if line.strip():
            size = raw.FPDFText_GetFontSize(textpage.raw, at + lead)
            if size >= TINY:
                bottom = _box(textpage, at + lead)[2]
                yield Line(line, size, bottom, _cells(textpage, line, at, size))
        at += len(part)


def _body_size(pages: list[list[Line]]) -> float:
    """Return the size most characters have."""
    sizes: Counter[float] = Counter()
    for line in (line for page in pages for line in page):
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _level(line: Line, body: float) -> int:
    """Return 1 to 3 for a short line clearly larger than the body text, else 0."""
    if not body or len(line.text) > MAX_HEADING or line.size < body * HEADING_RATIO:
        return 0
    ratio = line.size / body
    return 1 if ratio >= 1.6 else 2 if ratio >= 1.3 else 3


def _is_row(line: Line) -> bool:
    """Return whether a line has columns; the gap behind "a)" or "1." makes none."""
    return bool(line.cells) and not LIST_MARK.match(line.cells[0].strip())


def with_tables(lines: list[Line]) -> list[Line]:
    """Return the lines, columns only where a neighbour has as many: one wide gap is no table."""
    neighbours = [None, *lines, None]
    found = []
    for before, line, after in zip(neighbours, lines, neighbours[2:], strict=False):
        beside = [other for other in (before, after) if other is not None and _is_row(other)]
        in_table = _is_row(line) and any(len(o.cells) == len(line.cells) for o in beside)
        found.append(line if in_table else replace(line, cells=()))
    return found


def _continues(before: Line, line: Line, levels: tuple[int, int]) -> bool:
    if levels[0] != levels[1] or len(before.cells) != len(line.cells):
        return False
    gap = before.bottom - line.bottom
    most = ROW_GAP if line.cells else PARAGRAPH_GAP
    return -1 <= gap <= max(before.size, line.size) * most


def _joined(lines: list[Line]) -> str:
    text = "\n".join(line.text for line in lines)
    return clean_lines(text.replace(f"{LINE_HYPHEN}\n", "").replace(LINE_HYPHEN, ""))


def blocks_of(lines: list[Line], body: float) -> list[Block]:
    """Return the lines of a page as paragraphs and headings."""
    groups: list[tuple[int, list[Line]]] = []
    for line in with_tables(lines):
        level = _level(line, body)
        if groups and _continues(groups[-1][1][-1], line, (groups[-1][0], level)):
            groups[-1][1].append(line)
        else:
            groups.append((level, [line]))
    blocks = [block for level, group in groups for block in _blocks(group, level)]
    return [block for block in blocks if block.text]


def _blocks(group: list[Line], level: int) -> Iterator[Block]:
    """Yield a paragraph, or the rows of a table."""
    if level or not group[0].cells:
        yield Block(_joined(group), level)
        return
    rows = [[clean_lines(cell) for cell in line.cells] for line in group]
    yield from map(Block, lines_of(rows, has_header=looks_like_header(rows)))


def read(path: Path, max_pages: int) -> Parsed:
    """Read a PDF."""
    document = _open(path)
    if len(document) > max_pages:
        raise DocumentUnreadable("too_many_pages")
    pages: list[list[Line]] = []
    for number in range(len(document)):
        page = document[number]
        textpage = page.get_textpage()
        pages.append(list(_lines(textpage)))
        textpage.close()
        page.close()
    body = _body_size(pages)
    return Parsed([blocks_of(lines, body) for lines in pages], paged=True)
