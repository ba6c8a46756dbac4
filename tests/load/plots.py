"""The plots of the page of figures: SVG by hand, in colours that read on white and on black.

Pure: numbers in, text out. One plot shows what share of its bar each figure takes, one where the
time to Ready goes, one how well retrieval ranks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LEFT = 250
WIDE = 400
RIGHT = 160
ROW = 26
MOST = 1.5
"""A bar that is missed by more than this is drawn so far."""
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#768390}"
    ".name,.left{text-anchor:end}.small{font-size:11px}.mid{text-anchor:middle}"
    ".good{fill:#0d9488}.bad{fill:#d97706}.floor{fill:#8c959f}.soft{fill:#8c959f;opacity:.18}"
    ".a{fill:#0d9488}.b{fill:#6366f1}.c{fill:#d97706}"
    "line{stroke:#8c959f;stroke-width:1;opacity:.45}.bar{stroke-width:2;opacity:.9}"
)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A figure as a part of its bar: 1 is the bar itself, less is better."""

    name: str
    part: float
    floor: float | None
    told: str


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """nDCG@10 of one set: words alone, vectors alone, both, and BM25 as published."""

    name: str
    lexical: float
    dense: float
    both: float
    published: float | None


def shares(found: Sequence[Share]) -> str:
    """One row per figure; the line on the right is the bar."""
    most = max([1.1, *(min(each.part, MOST) for each in found)])
    scale = WIDE / most
    edge = LEFT + scale
    height = 34 + len(found) * ROW
    parts = [
        _line(edge, 24, edge, height - 4, "bar"),
        f'<text class="mid small" x="{edge:.0f}" y="16">the bar</text>',
    ]
    for place, each in enumerate(found):
        parts += _share_row(each, 28 + place * ROW, scale, most)
    return _svg(height, "What part of its bar each figure takes", parts)


def _share_row(each: Share, top: float, scale: float, most: float) -> list[str]:
    wide = max(2.0, min(each.part, most) * scale)
    kind = "good" if each.part <= 1 else "bad"
    row = [
        _label(each.name, top),
        f'<rect class="soft" x="{LEFT}" y="{top + 4}" width="{scale:.1f}" height="14" rx="3"/>',
        f'<rect class="{kind}" x="{LEFT}" y="{top + 4}" width="{wide:.1f}" height="14" rx="3"/>',
        f'<text x="{LEFT + WIDE + 10}" y="{top + 16}">{escape(each.told)}</text>',
    ]
    if each.floor is not None and each.floor <= most:
        x = LEFT + each.floor * scale
        row.append(f'<rect class="floor" x="{x - 1.5:.1f}" y="{top + 1}" width="3" height="20"/>')
    return row


def steps(found: Sequence[tuple[str, float]]) -> str:
    """The steps one below the other, each bar where the one before it ends."""
    total = sum(seconds for _, seconds in found) or 1.0
    scale = WIDE / total
    height = 34 + len(found) * ROW
    parts = _seconds(total, scale, height)
    reached = 0.0
    for place, (name, seconds) in enumerate(found):
        top, x = 8 + place * ROW, LEFT + reached * scale
        wide = max(1.5, seconds * scale)
        reached += seconds
        parts += [
            _label(name, top),
            f'<rect class="a" x="{x:.1f}" y="{top + 4}" width="{wide:.1f}" height="14" rx="2"/>',
            f'<text x="{x + wide + 6:.1f}" y="{top + 16}">{seconds:.1f} s</text>',
        ]
    return _svg(height, "Seconds per step from a Tenant's creation to Ready", parts)


def _seconds(total: float, scale: float, height: float) -> list[str]:
    """Lines at round seconds, with their number below."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 500) if total / s <= 8 or s == 500)
    parts = []
    for second in range(0, math.floor(total) + 1, step):
        x = LEFT + second * scale
        parts.append(_line(x, 6, x, height - 20))
        parts.append(f'<text class="mid small" x="{x:.1f}" y="{height - 6}">{second} s</text>')
    return parts


def rankings(found: Sequence[Ranking]) -> str:
    """Three bars per set, and a mark where BM25 is published."""
    tall, high = 72, 34
    height = high + len(found) * tall
    parts = _legend()
    for tenth in range(0, 11, 2):
        x = LEFT + WIDE * tenth / 10
        parts.append(_line(x, 26, x, height - 18))
        parts.append(f'<text class="mid small" x="{x:.0f}" y="{height - 4}">{tenth / 10:g}</text>')
    for place, each in enumerate(found):
        parts += _ranked(each, high + place * tall)
    return _svg(height, "nDCG at 10 by words, by vectors and by both", parts)


def _ranked(each: Ranking, top: float) -> list[str]:
    parts = [_label(each.name, top + 14)]
    for number, (kind, value) in enumerate(
        (("b", each.lexical), ("c", each.dense), ("a", each.both))
    ):
        y, wide = top + number * 17, WIDE * value
        parts.append(
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="13" rx="2"/>'
        )
        parts.append(
            f'<text class="small" x="{LEFT + wide + 6:.1f}" y="{y + 10}">{value:.3f}</text>'
        )
    if each.published is not None:
        x = LEFT + WIDE * each.published
        parts.append(_line(x, top - 3, x, top + 50, "bar"))
    return parts


def _legend() -> list[str]:
    named = (("b", "words"), ("c", "vectors"), ("a", "both"))
    parts = []
    for number, (kind, name) in enumerate(named):
        x = LEFT + number * 95
        parts.append(f'<rect class="{kind}" x="{x}" y="6" width="12" height="12" rx="2"/>')
        parts.append(f'<text class="small" x="{x + 17}" y="16">{name}</text>')
    x = LEFT + 3 * 95
    parts.append(_line(x + 5, 4, x + 5, 20, "bar"))
    parts.append(f'<text class="small" x="{x + 13}" y="16">BM25 as published</text>')
    return parts


def _label(name: str, top: float) -> str:
    return f'<text class="name" x="{LEFT - 10}" y="{top + 16}">{escape(name)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<line{named} x1="{x1:.1f}" y1="{y1:.0f}" x2="{x2:.1f}" y2="{y2:.0f}"/>'


def _svg(height: float, described: str, parts: Sequence[str]) -> str:
    width = LEFT + WIDE + RIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" role="img" aria-label="{escape(described)}">\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )
