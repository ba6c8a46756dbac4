"""What a machine has used over time: its counters every few seconds, thinned out as they age.

Pure. Kept in memory only: metrics begin anew with the program, and with every start of a machine.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timedelta

from localcloud.machines.port import Usage

FINE, FINE_FOR = timedelta(seconds=5), timedelta(hours=1)
COARSE, KEPT_FOR = timedelta(minutes=5), timedelta(days=30)
LONGEST_GAP = 2 * COARSE
"""Two samples further apart have an end of the machine or of the program between them."""

Sample = tuple[datetime, Usage]


class History:
    """Samples of one machine."""

    def __init__(self) -> None:
        self._fine: deque[Sample] = deque()
        self._coarse: deque[Sample] = deque()

    def note(self, at: datetime, usage: Usage) -> None:
        """Add the newest sample."""
        self._fine.append((at, usage))
        while self._fine[0][0] < at - FINE_FOR:
            self._age(self._fine.popleft())
        while self._coarse and self._coarse[0][0] < at - KEPT_FOR:
            self._coarse.popleft()

    @property
    def size(self) -> int:
        """How many samples are kept."""
        return len(self._fine) + len(self._coarse)

    def at(self, moments: Sequence[datetime]) -> list[Usage | None]:
        """Counters at each moment, between its two neighbours; `None` where it has not both."""
        samples = [*self._coarse, *self._fine]
        times = [at for at, _ in samples]
        return [_between(samples, bisect_left(times, moment), moment) for moment in moments]

    def _age(self, sample: Sample) -> None:
        if not self._coarse or sample[0] - self._coarse[-1][0] >= COARSE:
            self._coarse.append(sample)


def _between(samples: list[Sample], index: int, moment: datetime) -> Usage | None:
    if index == len(samples):
        return None
    after, later = samples[index]
    if after == moment:
        return later
    if index == 0:
        return None
    before, earlier = samples[index - 1]
    pairs = list(zip(astuple(earlier), astuple(later), strict=True))
    if after - before > LONGEST_GAP or any(high < low for low, high in pairs):
        return None  # switched off in between: counters began anew
    share = (moment - before) / (after - before)
    return Usage(
        **dict(zip(_NAMES, (low + share * (high - low) for low, high in pairs), strict=True))
    )


_NAMES = tuple(Usage.__dataclass_fields__)
