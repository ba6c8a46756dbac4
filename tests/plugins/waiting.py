"""Waiting for what other processes do, where nothing tells when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.3
_GROWTH: Final = 1.3


def expect(holds: Callable[[], object], what: str, *, within: float = 120.0) -> None:
    """Ask again until `holds` says something true; fails with `what` after `within` seconds."""
    for _ in pauses(within):
        if holds():
            return
    raise AssertionError(f"{what} did not come in {within:g} s")


def pauses(within: float) -> Iterator[None]:
    """Comes back after ever longer pauses, and a last time after `within` seconds.

    What takes long is asked for less often: the questions cost processor time that others need.
    """
    end, pause = time.monotonic() + within, _FIRST_PAUSE_SECONDS
    while time.monotonic() < end:
        yield
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE_SECONDS)
    yield
