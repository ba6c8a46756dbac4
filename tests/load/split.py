"""How a tenant's way to Ready is split: per step, and into the operator's share and the waits.

Pure: times are seconds since the epoch, all from the clock of one machine.

A step's time runs from the moment the step before it was done to the moment its own condition
became True; steps that were done in the same report share a moment and count zero.

A wait is an interval in which something outside the operator works for the tenant: the machine
boots, a job runs on it. The operator's own share is the total less the union of the waits, so
that whatever nobody else accounts for is the operator's: requests, connections, polls that come
late, writes to the API server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Interval:
    """From one moment to another."""

    start: float
    end: float
    name: str = ""

    @property
    def seconds(self) -> float:
        """How long it is; never negative."""
        return max(0.0, self.end - self.start)

    def within(self, frame: Interval) -> Interval:
        """The part of it inside another one."""
        return Interval(max(self.start, frame.start), min(self.end, frame.end), self.name)


def covered(intervals: Iterable[Interval]) -> float:
    """Seconds that at least one of the intervals covers."""
    total, reached = 0.0, float("-inf")
    for each in sorted(intervals):
        start = max(each.start, reached)
        if each.end > start:
            total += each.end - start
            reached = each.end
    return total


def own_share(whole: Interval, waits: Iterable[Interval]) -> float:
    """Seconds of the whole that no wait covers."""
    return whole.seconds - covered(each.within(whole) for each in waits)


def gaps(whole: Interval, waits: Iterable[Interval]) -> dict[str, float]:
    """Where the uncovered seconds are: what they follow and what they lead to → seconds."""
    found: dict[str, float] = {}
    reached, last = whole.start, "start"
    for each in sorted(waits):
        if each.start > reached:
            found[f"{last} → {each.name}"] = each.start - reached
        if each.end > reached:
            reached, last = each.end, each.name
    if whole.end > reached:
        found[f"{last} → end"] = whole.end - reached
    return found


def steps(
    order: Sequence[str], reached: Mapping[str, float], *, start: float
) -> list[tuple[str, float]]:
    """Seconds per step, in order; a step that was never reached ends the list."""
    found: list[tuple[str, float]] = []
    before = start
    for name in order:
        if name not in reached:
            break
        moment = max(before, reached[name])
        found.append((name, moment - before))
        before = moment
    return found
