"""A paragraph of a Word document: its visible text, cut where a page begins in it.

Word notes where pages began when it last laid the text out (`w:lastRenderedPageBreak`). A sentence
that crosses such a place stays whole on the page where it begins; a break somebody has put there
ends the text before it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from docx.enum.style import WD_STYLE_TYPE

from tenant_agent.retrieval.blocks import Block
from tenant_agent.retrieval.clean import clean_lines
from tenant_agent.retrieval.split import sentence_spans

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HEADING_STYLE = re.compile(r"(?:heading|überschrift|title|titel)\s*(\d?)", re.IGNORECASE)
RENDERED = f"{W}lastRenderedPageBreak"
PARAGRAPH = f"{W}p"
SETTINGS, STYLE, BREAK_BEFORE = f"{W}pPr", f"{W}pStyle", f"{W}pageBreakBefore"
VALUE = f"{W}val"
RUN, TEXT, BREAK = f"{W}r", f"{W}t", f"{W}br"
BREAK_TYPE = f"{W}type"
RUN_SETTINGS, VANISH = f"{W}rPr", f"{W}vanish"
GONE = frozenset({f"{W}del", f"{W}moveFrom"})
BOX, HYPHEN = f"{W}txbxContent", f"{W}noBreakHyphen"
BLANKS = frozenset({f"{W}tab", BREAK, f"{W}cr"})
# Characters no XML file can hold.
PUT_MARK, RENDERED_MARK = "\x0c", "\x1f"
OFF = frozenset({"0", "false", "off"})

# A block, or None where a page begins.
Item = Block | None


def split_pages(items: Iterator[Item]) -> list[list[Block]]:
    """Return the blocks of each page; one without blocks counts as well."""
    pages: list[list[Block]] = [[]]
    for item in items:
        if item is None:
            pages.append([])
        else:
            pages[-1].append(item)
    return pages


def joined_pages(pages: list[list[Block]]) -> list[Item]:
    """Return the items `pages` came from."""
    items: list[Item] = [*pages[0]]
    for page in pages[1:]:
        items += [None, *page]
    return items


def _shown(node: Any) -> str:
    """Return what a part of a visible run shows."""
    tag = node.tag
    if tag == TEXT:
        return node.text or ""
    if tag == BREAK and node.get(BREAK_TYPE) == "page":
        return PUT_MARK
    if tag == HYPHEN:
        return "-"
    return " " if tag in BLANKS else ""


def _texts(element: Any) -> list[list[str]]:
    """Return the visible text, cut at breaks that were put there, and these parts at rendered ones.

    Deleted, hidden and field-code runs are left out, and those of text boxes, which are paragraphs.
    """
    parts = []
    boxed = {run for box in element.iter(BOX) for run in box.iter(RUN)}
    for run in element.iter(RUN):
        if run in boxed:
            continue
        is_hidden = run.getparent().tag in GONE
        for node in run:
            if node.tag == RUN_SETTINGS:
                is_hidden |= node.find(VANISH) is not None
            elif node.tag == RENDERED:
                parts.append(RENDERED_MARK)
            elif not is_hidden:
                parts.append(_shown(node))
    return [part.split(RENDERED_MARK) for part in "".join(parts).split(PUT_MARK)]


def _letters(text: str) -> int:
    return len("".join(text.split()))


def _on_pages(texts: list[str], level: int) -> list[list[Block]]:
    """Return the blocks of a text on the pages its parts are on, by where sentences begin.

    Places are counted in letters, since cleaning the whole moves its blanks.
    """
    text = clean_lines("".join(texts))
    if len(texts) == 1:
        return [[Block(text, level)]] if text else [[]]
    ends = list(accumulate(_letters(clean_lines(part)) for part in texts[:-1]))
    spans: dict[int, tuple[int, int]] = {}
    at = 0
    for start, end in [(0, len(text))] if level else sentence_spans(text):
        page = bisect_right(ends, at)
        spans[page] = (spans.get(page, (start, end))[0], end)
        at += _letters(text[start:end])
    blocks = [text[slice(*spans.get(page, (0, 0)))] for page in range(len(texts))]
    return [[Block(block, level)] if block else [] for block in blocks]


def _settings(element: Any) -> Any | None:
    """Return the settings of a paragraph, which are its first child or missing."""
    first = next(iter(element), None)
    return first if first is not None and first.tag == SETTINGS else None


def _begins_page(element: Any, settings: Any) -> bool:
    """Return whether a paragraph is set to begin a page; the first one begins the first."""
    mark = settings.find(BREAK_BEFORE)
    if mark is None or mark.get(VALUE) in OFF:
        return False
    return next(element.getroottree().iter(PARAGRAPH)) is not element


def _level(style_name: str) -> int:
    match = HEADING_STYLE.match(style_name)
    if match is None:
        return 0
    return min(int(match.group(1) or 1), 6) or 1


class Paragraphs:
    """Reads the paragraphs of one document; each style is looked up once.

    Where Word has noted the pages, breaks that were put there are among them and do not count
    again.
    """

    def __init__(self, document: Any) -> None:
        self._part = document.part
        self._levels: dict[str | None, int] = {}
        self._is_rendered = next(document.element.body.iter(RENDERED), None) is not None

    def items(self, element: Any) -> Iterator[Item]:
        """Yield the items of a `w:p`."""
        settings = _settings(element)
        if settings is not None and not self._is_rendered and _begins_page(element, settings):
            yield None
        level = self._level_of(settings)
        for number, texts in enumerate(_texts(element)):
            if number and not self._is_rendered:
                yield None
            yield from joined_pages(_on_pages(texts, level))

    def _level_of(self, settings: Any) -> int:
        style = None if settings is None else settings.find(STYLE)
        identifier = None if style is None else style.get(VALUE)
        if identifier not in self._levels:
            found = self._part.get_style(identifier, WD_STYLE_TYPE.PARAGRAPH)
            self._levels[identifier] = _level(found.name or "") if found is not None else 0
        return self._levels[identifier]
