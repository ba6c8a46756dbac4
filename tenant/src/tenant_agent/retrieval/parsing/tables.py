"""Tables as lines that stand alone: each value with the name of its column. Pure.

A row by itself ("Komfort | 59 Euro") says nothing once it is cut from its header, be it by the end
of a passage or in a quotation.
"""

from collections.abc import Iterator, Sequence

BAR = " | "
DIGIT = frozenset("0123456789")


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns: all filled, all different, no numbers."""
    if len(rows) < 2:
        return False
    first = [cell.strip() for cell in rows[0]]
    return (
        len(first) > 1
        and all(first)
        and len(set(first)) == len(first)
        and not any(DIGIT & set(cell) for cell in first)
    )


def _labelled(header: Sequence[str], row: Sequence[str]) -> str:
    if len(row) != len(header):
        return BAR.join(row)
    pairs = zip(header, row, strict=True)
    return BAR.join(f"{name}: {value}" for name, value in pairs if value)


def lines_of(rows: Sequence[Sequence[str]], *, has_header: bool) -> Iterator[str]:
    """Yield one line per row, under a header with the names of the columns in each."""
    for number, row in enumerate(rows):
        below_header = has_header and number > 0
        yield _labelled(rows[0], row) if below_header else BAR.join(row)
