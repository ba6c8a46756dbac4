"""Durations as people write them in a spec: `30d`, `12h`, `1h30m`, `0s`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PART: Final = re.compile(r"(\d+)([dhms])")
LONGEST: Final = timedelta(days=365 * 100)
"""A longer one means "for ever"; cut to this, the day it ends on is one that can be written."""


def parse_duration(text: str) -> timedelta:
    """The length of time that `text` names, at most `LONGEST`.

    Raises ValueError for anything but one or more numbers with a unit of s, m, h or d.
    """
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ValueError(f"{text!r} is no duration such as 30d, 12h or 0s")
    seconds = sum(int(n) * _UNITS[unit] for n, unit in _PART.findall(text))
    return timedelta(seconds=min(seconds, LONGEST // timedelta(seconds=1)))


def spoken(length: timedelta) -> str:
    """A length of time for a message: `45 s`, `12 min`, `3 h`, `30 d`."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
