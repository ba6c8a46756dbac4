"""How long `make test` and `make demo` took when they last ran here; nothing is run for it."""

from __future__ import annotations

from demo import record
from load.figures import Figure, emit, say

BARS = {
    ("test", "cold"): 25 * 60,
    ("test", "warm"): 10 * 60,
    ("demo", "cold"): 15 * 60,
    ("demo", "warm"): 2 * 60,
}


def run() -> None:
    """Print what is on record."""
    known = record.read(record.path())
    for (target, kind), bar in BARS.items():
        found = known.get(target, {}).get(kind)
        if found is None:
            say(f"make {target}, {kind}: not on record; a run that passes puts it there")
            continue
        emit(
            Figure(
                name=f"make_{target}_{kind}",
                value=found["seconds"],
                unit="s",
                bar=bar,
                context={"parts": found["parts"]},
            )
        )
