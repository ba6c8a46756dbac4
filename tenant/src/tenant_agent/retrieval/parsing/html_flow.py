"""From a page's elements to its blocks: inline text runs on until a block begins or ends.

So every text is in exactly one block, in order, wherever it stands. A row of a table is one line;
one that lays out a page (a table in a table, a single cell with paragraphs) is read cell by cell.
"""

from dataclasses import dataclass, field

from tenant_agent.retrieval.blocks import Block
from tenant_agent.retrieval.clean import clean, clean_lines
from tenant_agent.retrieval.parsing.tables import BAR, lines_of

HEADINGS = {f"h{level}": level for level in range(1, 7)}
# https://html.spec.whatwg.org/multipage/rendering.html#flow-content-3 and what follows it there.
# fmt: off
BLOCKS = frozenset({
    *HEADINGS,
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd",
    "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure",
    "footer", "form", "header", "hgroup", "hr", "html", "legend", "li", "listing", "main",
    "menu", "ol", "p", "plaintext", "pre", "search", "section", "summary", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "ul", "xmp",
})
# fmt: on
LINE_BREAKS = frozenset({"br", "option"})


@dataclass(slots=True)
class _Row:
    cells: list[list[Block]] = field(default_factory=list)
    only_names: bool = True
    has_table: bool = False

    def lays_out(self, header: list[str]) -> bool:
        """Return whether the cells hold parts of a page rather than values."""
        if self.has_table:
            return True
        if len(self.cells) == 1:
            return len(self.cells[0]) > 1 or any(block.level for block in self.cells[0])
        several = [cell for cell in self.cells if len(cell) > 1]
        return len(header) < 2 and any(block.level for cell in several for block in cell)


@dataclass(slots=True)
class _Table:
    header: list[str] | None = None

    def blocks_of(self, row: _Row) -> list[Block]:
        """Return a row with the names of its columns, where the first one named them."""
        texts = [" ".join(" ".join([block.text for block in cell]).split()) for cell in row.cells]
        is_first = self.header is None
        names = (texts if row.only_names else []) if self.header is None else self.header
        lays_out = row.lays_out(names)
        self.header = [] if is_first and lays_out else names
        if lays_out:
            return [block for cell in row.cells for block in cell]
        if not any(texts):
            return []
        if is_first or not names:
            return [Block(BAR.join(texts))]
        return [Block(list(lines_of([names, texts], has_header=True))[1])]


class Flow:
    """Takes the beginnings, texts and ends of a page in order; `found` are its blocks.

    Cells collect blocks of their own until their row ends. MathML may hold a `tr` or `td` that
    no table surrounds, so neither is taken for granted.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._level = 0
        self._preformatted = 0
        self._tables: list[_Table] = []
        self._rows: list[_Row] = []
        self._collected: list[list[Block]] = [[]]

    @property
    def found(self) -> list[Block]:
        """The blocks of what has ended."""
        return self._collected[0]

    def text(self, text: str) -> None:
        """Take a text; blanks alone do not begin a line."""
        if not (text.isspace() and self._at_line_start()):
            self._parts.append(text)

    def begin(self, tag: str) -> None:
        """Take the beginning of an element."""
        if tag in LINE_BREAKS:
            self._break_line()
        if tag not in BLOCKS:
            return
        self._flush()
        match tag:
            case "pre":
                self._preformatted += 1
            case "table":
                self._tables.append(_Table())
            case "tr":
                self._rows.append(_Row())
            case "td" | "th":
                self._collected.append([])
            case _:
                self._level = HEADINGS.get(tag, self._level)

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        if tag not in BLOCKS:
            return
        self._flush()
        match tag:
            case "pre":
                self._preformatted -= 1
            case "table":
                self._end_table()
            case "tr":
                table = self._tables[-1] if self._tables else _Table()
                self._collected[-1].extend(table.blocks_of(self._rows.pop()))
            case "td" | "th":
                self._end_cell(is_name=tag == "th")
            case _ if tag in HEADINGS:
                self._level = 0

    def _end_table(self) -> None:
        self._tables.pop()
        if self._rows:
            self._rows[-1].has_table = True

    def _end_cell(self, *, is_name: bool) -> None:
        cell = self._collected.pop()
        if not self._rows:
            self._collected[-1].extend(cell)
            return
        self._rows[-1].cells.append(cell)
        self._rows[-1].only_names &= is_name

    def _at_line_start(self) -> bool:
        return not self._preformatted and (not self._parts or self._parts[-1] == "\n")

    def _break_line(self) -> None:
        """Break the line; an empty line ends the paragraph, but no heading."""
        if self._at_line_start() and not self._level:
            self._flush()
        else:
            self._parts.append("\n")

    def _flush(self) -> None:
        """End a block. The first one in a heading is the heading: some are never closed."""
        if not self._parts:
            return
        text = "".join(self._parts)
        self._parts.clear()
        text = clean(text) if self._preformatted else clean_lines(text)
        if text:
            self._collected[-1].append(Block(text, self._level))
            self._level = 0
