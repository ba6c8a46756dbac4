"""How a program of a simulated machine ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """Exit code, what it printed, and how long it took."""

    code: int = 0
    out: str = ""
    err: str = ""
    seconds: float = 0
