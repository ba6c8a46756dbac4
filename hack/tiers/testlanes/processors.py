"""How busy the machine's processors were: whether a run could have been shorter by waiting less."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Ticks(NamedTuple):
    """Time since the machine started, of all processors together, in the kernel's ticks."""

    idle: int
    total: int


def parse(stat: str) -> Ticks:
    """The first line of `/proc/stat` (proc_stat(5)): user nice system idle iowait irq softirq …"""
    numbers = [int(word) for word in stat.splitlines()[0].split()[1:9]]
    return Ticks(idle=numbers[3] + numbers[4], total=sum(numbers))


def now() -> Ticks:
    """What the kernel counts at this moment."""
    return parse(Path("/proc/stat").read_text())


def busy(before: Ticks, after: Ticks) -> float:
    """The share of the time between two readings in which processors worked; 0 to 1."""
    total = after.total - before.total
    return 1 - (after.idle - before.idle) / total if total > 0 else 0.0
