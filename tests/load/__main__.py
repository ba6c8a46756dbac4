"""`hack/bench`: measures the chosen groups, or writes the committed results and their page.

A group that breaks is told on standard error and does not keep the others from running; the exit
code says that something broke.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from load import (
    bench_chain,
    bench_controlplane,
    bench_drift,
    bench_embedding,
    bench_localcloud,
    bench_quality,
    bench_retrieval,
    bench_runs,
    report,
)
from load.figures import say
from plugins.fix_chain import missing_for_machines

Group = Callable[[Path | None], None]


def chain(_data: Path | None) -> None:
    """The whole chain on container machines."""
    missing = missing_for_machines()
    if missing is not None:
        say(f"chain is left out: {missing}")
        return
    bench_chain.run()


def retrieval(data: Path | None) -> None:
    """Speed, on public texts when there are data."""
    bench_retrieval.main(data)


def quality(data: Path | None) -> None:
    """Ranking, answers and refusals on public sets."""
    if data is None:
        say("quality is left out: name the folder with the sets, DATA=folder")
        return
    bench_quality.run(data)


def embedding(_data: Path | None) -> None:
    """Passages per second through the local model server."""
    bench_embedding.run()


def drift(_data: Path | None) -> None:
    """How long a change at the cloud goes unnoticed."""
    bench_drift.run()


def controlplane(_data: Path | None) -> None:
    """The control plane's start."""
    bench_controlplane.run()


def localcloud(_data: Path | None) -> None:
    """The local cloud's API and machines."""
    bench_localcloud.run()


def runs(_data: Path | None) -> None:
    """What `make test` and `make demo` took when they last ran."""
    bench_runs.run()


GROUPS: dict[str, Group] = {
    "controlplane": controlplane,
    "localcloud": localcloud,
    "embedding": embedding,
    "retrieval": retrieval,
    "quality": quality,
    "drift": drift,
    "chain": chain,
    "runs": runs,
}


def main() -> int:
    """Read the command line; returns the exit code.

    Ctrl-C and a request to end, from wherever it was started, both stop what runs in order.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="hack/bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"comma list of {', '.join(GROUPS)}")
    parser.add_argument("--data", type=Path, help="folder of test data")
    parser.add_argument("--plot", type=Path, nargs="*", metavar="LINES", help="collected output")
    options = parser.parse_args()
    if options.plot is not None:
        say(report.update(options.plot))
        return 0
    return measure([name for name in options.only.split(",") if name] or list(GROUPS), options.data)


def measure(names: list[str], data: Path | None) -> int:
    """Run groups by name."""
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        say(f"there is no {', '.join(unknown)}; choose from {', '.join(GROUPS)}")
        return 2
    broken = [name for name in names if not ran(name, data)]
    return 1 if broken else 0


def ran(name: str, data: Path | None) -> bool:
    """Run one group; whether it came to its end."""
    say(f"== {name}")
    started = time.monotonic()
    try:
        GROUPS[name](data)
    except KeyboardInterrupt:
        say(f"{name} was interrupted; what it had started is stopped")
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001 - the edge: told, counted in the exit code
        say(f"{name} broke: {type(error).__name__}: {error}")
        return False
    say(f"== {name}: {time.monotonic() - started:.0f} s")
    return True


if __name__ == "__main__":
    sys.exit(main())
