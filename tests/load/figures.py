"""A figure: what a bench measured, as one JSON line, with the bar it is held against.

Figures go to standard output, everything a person reads meanwhile to standard error. A figure says
what machine it is from and what it is compared to; it never fails a run.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Better = Literal["higher", "lower"]
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. `bar` is None for figures that are only reported."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    better: Better = "lower"
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; None without one."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.better == "lower" else self.value >= self.bar


def from_line(line: str) -> Figure:
    """The figure of one line of output."""
    return Figure(**json.loads(line))


def emit(figure: Figure) -> None:
    """Print a figure, with the machine it was measured on."""
    document = asdict(figure) | {"value": round(figure.value, 4)}
    document["context"] = {**figure.context, "machine": machine()}
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(f"bench: {text}\n")
    sys.stderr.flush()


def machine() -> dict[str, Any]:
    """Cores, processor, memory and the load of the last minute, which a loaded machine betrays."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu(),
        "memory_gib": round(pages / GIB, 1),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def cpu() -> str:
    """What the processor calls itself; its architecture where it does not say."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def resident_mib(process: int) -> float:
    """Resident memory of a process, from `/proc`."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {process} has no resident memory: it has ended")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank, rounded up)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value, the lower one of two."""
    return sorted(values)[(len(values) - 1) // 2]
