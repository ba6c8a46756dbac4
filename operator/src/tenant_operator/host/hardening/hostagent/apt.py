"""Packages. Another apt (daily timers, a person) is waited for, and the record says for whom."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from .failures import JobError, brief, classify
from .places import Places
from .process import Ended, run
from .records import Progress

LOCK_SECONDS = 300.0
OPTIONS = (
    "-q",
    "-y",
    "-o=Dpkg::Options::=--force-confdef",
    "-o=Dpkg::Options::=--force-confold",
    "-o=Acquire::Retries=3",
)


def installed(places: Places) -> set[str]:
    """Every package that is fully installed, as dpkg's own database says."""
    text = places.at("/var/lib/dpkg/status").read_text(errors="replace")
    return set(re.findall(r"^Package: (\S+)\nStatus: \w+ ok installed$", text, re.MULTILINE))


def install(places: Places, packages: Sequence[str], progress: Progress) -> None:
    """Install what is missing; refreshes the lists first.

    Raises:
        JobError: apt-locked, disk-full or apt-failed, with apt's own words.
    """
    if not set(packages) - installed(places):
        return
    patiently(["apt-get", *OPTIONS, "update"], progress)
    patiently(["apt-get", *OPTIONS, "install", "--no-install-recommends", *packages], progress)


def patiently(argv: Sequence[str], progress: Progress) -> None:
    """Run apt again while somebody else holds its lock, up to a limit."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        ended = run(argv, limit=900)
        if ended.ok:
            return
        failure = classify(ended.err, otherwise="apt-failed")
        if failure != "apt-locked" or time.monotonic() > end:
            raise JobError(failure, f"`{' '.join(argv[:1])} {argv[6]}`: {words(ended)}")
        progress.say(f"waiting for apt: {words(ended)}", held_up=failure)
        time.sleep(2)


def words(ended: Ended) -> str:
    """apt's errors, without its warnings."""
    errors = [line for line in ended.err.splitlines() if line.startswith(("E:", "dpkg: error"))]
    return brief("\n".join(errors) or ended.err or ended.out)
