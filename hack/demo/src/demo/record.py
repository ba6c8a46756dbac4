"""How long `make test` and `make demo` took on this machine; `make bench` prints it.

Kept in the cache, the last run of each kind that came to a good end. A run is *cold* when the
control plane had to be built for it, *warm* otherwise. One that make started counts from there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from controlplane import binaries

Kind = Literal["cold", "warm"]
STARTED = "MAKE_STARTED"


def begun(environment: Mapping[str, str] = os.environ) -> float:
    """When the run began, in seconds since the epoch."""
    return float(environment.get(STARTED) or time.time())


def kind() -> Kind:
    """What a run that begins now will be."""
    return "warm" if binaries.present("kube-apiserver") else "cold"


def path() -> Path:
    """Where the times are kept."""
    return binaries.cache_folder().parent / "runs.json"


def read(file: Path) -> dict[str, Any]:
    """Kind of run → seconds and parts, by the name of the make target; empty before the first."""
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return known


def keep_demo(run: Kind, parts: Mapping[str, float]) -> None:
    """Write down a demo that make started; one that a test started does not count."""
    if STARTED in os.environ:
        keep(path(), "demo", run, since=begun(), parts=parts)


def keep(file: Path, target: str, run: Kind, *, since: float, parts: Mapping[str, float]) -> None:
    """Write down a run that ends now, in place of the last of its kind."""
    known = read(file)
    rounded = {name: round(seconds, 1) for name, seconds in parts.items()}
    entry = {"seconds": round(time.time() - since, 1), "parts": rounded}
    known.setdefault(target, {})[run] = entry
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(known, indent=2) + "\n")
    fresh.replace(file)
