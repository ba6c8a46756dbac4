"""Folders of the end-to-end tests that are the same in every run.

A run that is killed leaves machines, networks and mounts on this computer, and the next one needs
the same network for its own. What they are is written in the run's folder, as it is for a demo.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.alone import alone
from demo.chain import BORROWED, clean


@contextmanager
def lasting_folder(name: str) -> Iterator[Path]:
    """The folder of that name, without what an earlier run left of itself.

    Raises:
        TakenError: tests are running in it.
    """
    folder = Path(tempfile.gettempdir()) / f"blueagency-{name}"
    with alone(folder.with_name(f"{folder.name}-lock")):
        # A cluster that was lent to a killed run is gone as well.
        (folder / BORROWED).unlink(missing_ok=True)
        clean(folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        yield folder
