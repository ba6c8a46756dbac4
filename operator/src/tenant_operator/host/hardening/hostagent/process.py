"""Running programs on the host: no shell, always a time limit, output kept for the cause."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from .failures import JobError, brief, classify

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "COMPOSE_ANSI": "never",
    "COMPOSE_PROGRESS": "plain",
}


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether it succeeded."""
        return self.code == 0


def run(argv: Sequence[str], *, limit: float = 60) -> Ended:
    """Run a program; a missing one is code 127, a time-out code 124."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit,
            check=False,
            env={**ENVIRONMENT, **proxies()},
        )
    except FileNotFoundError:
        return Ended(127, "", f"{argv[0]}: no such program")
    except subprocess.TimeoutExpired:
        return Ended(124, "", f"{argv[0]}: no end after {limit:.0f} s")
    return Ended(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )


def proxies() -> dict[str, str]:
    """Proxy settings of the machine, where it has any."""
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}


def must(argv: Sequence[str], *, limit: float = 60, otherwise: str = "other") -> str:
    """Run a program that has to succeed; returns its output.

    Raises:
        JobError: it did not; the text says which program and its last words.
    """
    ended = run(argv, limit=limit)
    if not ended.ok:
        text = ended.err.strip() or ended.out
        raise JobError(
            classify(text, otherwise=otherwise),
            f"`{' '.join(argv)}` ended with {ended.code}: {brief(text)}",
        )
    return ended.out
