"""One demo at a time in a folder: a second one would take the machines of the first down."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class TakenError(Exception):
    """Another demo runs in this folder."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Have the folder to oneself as long as the block lasts.

    Raises:
        TakenError: another demo has it; the message names its process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder).open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise TakenError(
                f"A demo is running in {folder} (process {held.read()}). "
                "Ctrl-C in its terminal or `make demo-down` ends it."
            ) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def end_running(folder: Path) -> None:
    """Ask the demo that runs in this folder, if one does, to stop, and wait until it has."""
    if not _lock(folder).exists():
        return
    with _lock(folder).open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int(held.read()), signal.SIGTERM)
            fcntl.flock(held, fcntl.LOCK_EX)


def _lock(folder: Path) -> Path:
    return folder / "lock"
