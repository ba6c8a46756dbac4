"""Text as a picture: a small font of our own, drawn into rows of light and dark dots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 100, 30
CELL_WIDTH, CELL_HEIGHT = 6, 10
WIDTH, HEIGHT = COLUMNS * CELL_WIDTH, ROWS * CELL_HEIGHT
GLYPH_WIDTH, GLYPH_HEIGHT = 5, 8
FIRST = ord(" ")
_FONT = (
    "00000000 44444040 aaa00000 aavavaa0 4fke5u40 op248j30 cik8lid0 44000000 24888420 "
    "84222480 04lel400 044v4400 00000c48 000v0000 00000cc0 01248g00 ehjlphe0 4c4444e0 "
    "eh1248v0 v2421he0 26aiv220 vgu11he0 68guhhe0 v1248880 ehhehhe0 ehhf12c0 0cc0cc00 "
    "0cc0c480 248g8420 00v0v000 84212480 eh124040 eh1dlle0 ehhvhhh0 uhhuhhu0 ehggghe0 "
    "sihhhis0 vgguggv0 vgguggg0 ehgnhhf0 hhhvhhh0 e44444e0 72222ic0 hikokih0 ggggggv0 "
    "hrllhhh0 hhpljhh0 ehhhhhe0 uhhuggg0 ehhhlid0 uhhukih0 fgge11u0 v4444440 hhhhhhe0 "
    "hhhhha40 hhhllla0 hha4ahh0 hhha4440 v1248gv0 e88888e0 0g842100 e22222e0 4ah00000 "
    "0000000v 84200000 00e1fhf0 ggmphhu0 00egghe0 11djhhf0 00ehvge0 698s8880 00fhhf1e "
    "ggmphhh0 40c444e0 206222ic ggikoki0 c44444e0 00qllhh0 00mphhh0 00ehhhe0 00uhhugg "
    "00fhhf11 00mpggg0 00fge1u0 88s88960 00hhhjd0 00hhha40 00hhlla0 00ha4ah0 00hhhf1e "
    "00v248v0 24484420 44444440 84424480 008l2000 "
)
"""From blank to tilde; each digit (base 32) is one row of five dots, the leftmost weighing most."""

Dots = NDArray[np.bool_]


def _drawn(glyph: str) -> Dots:
    cell = np.zeros((CELL_HEIGHT, CELL_WIDTH), dtype=np.bool_)
    for row, digit in enumerate(glyph):
        dots = f"{int(digit, 32):0{GLYPH_WIDTH}b}"
        cell[row + 1, :GLYPH_WIDTH] = [dot == "1" for dot in dots]
    return cell


_CELLS = tuple(_drawn(glyph) for glyph in _FONT.split())
_UNKNOWN = _CELLS[ord("?") - FIRST]


def _cell(letter: str) -> Dots:
    number = ord(letter) - FIRST
    return _CELLS[number] if 0 <= number < len(_CELLS) else _UNKNOWN


def picture(lines: Sequence[str]) -> Dots:
    """The last lines as dots, `HEIGHT` rows of `WIDTH`; what is longer than a line is cut off."""
    dots = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    for row, line in enumerate(lines[-ROWS:]):
        top = row * CELL_HEIGHT
        for column, letter in enumerate(line.expandtabs()[:COLUMNS]):
            left = column * CELL_WIDTH
            dots[top : top + CELL_HEIGHT, left : left + CELL_WIDTH] = _cell(letter)
    return dots
