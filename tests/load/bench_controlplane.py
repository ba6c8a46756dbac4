"""How long a control plane takes from its start to `/readyz`, its programs cached."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from controlplane import binaries, cluster
from load.figures import Figure, emit, median, resident_mib, say

RUNS = 3
PROGRAMS = ("etcd", "kube-apiserver")


def run() -> None:
    """Start it a few times, each in a folder of its own."""
    for program in PROGRAMS:
        say(f"{program}: {binaries.find(program)}")
    seconds, memory = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="bench-plane-") as folder:
            started = time.monotonic()
            with cluster.start(cluster.Options(Path(folder))) as plane:
                seconds.append(time.monotonic() - started)
                memory.append(sum(resident_mib(each.pid) for each in plane.processes))
        say(f"control plane ready after {seconds[-1]:.2f} s")
    context = {
        "runs": [round(value, 2) for value in seconds],
        "version": binaries.KUBERNETES,
        "resident_mib": round(median(memory)),
    }
    figure = Figure(
        name="controlplane_ready", value=median(seconds), unit="s", bar=5, context=context
    )
    emit(figure)
