"""The record of a job: what the operator reads to know how the work stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from . import files
from .places import Places


@dataclass(frozen=True)
class Record:
    """The last run of a job of one name, and the unit that ran it."""

    name: str
    digest: str
    phase: str = "running"
    failure: str | None = None
    message: str = ""
    unit: str = ""
    started: str = ""
    finished: str | None = None


def now() -> str:
    """The time as RFC 3339."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")  # noqa: UP017 - Debian 12


def path_of(places: Places, name: str) -> Path:
    """Where the record of a job lies."""
    return places.jobs / f"{name}.json"


def write(places: Places, record: Record) -> None:
    """Store a record."""
    text = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
    files.replace(path_of(places, record.name), text, mode=0o640)


def put_back(places: Places, name: str, record: Record | None) -> None:
    """Make the record what it was before: another one, or none."""
    if record is None:
        path_of(places, name).unlink(missing_ok=True)
    else:
        write(places, record)


def read(places: Places, name: str) -> Record | None:
    """The record of a job, None when it never ran or the file is no record."""
    try:
        return Record(**json.loads(path_of(places, name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


class Progress:
    """Lets a running job say what it is doing or waiting for."""

    def __init__(self, places: Places, record: Record) -> None:
        self._places = places
        self._record = record

    def say(self, message: str, *, held_up: str | None = None) -> None:
        """Store a sentence in the record; `held_up` is the failure it will be if that stays."""
        said = {"message": message, "failure": held_up}
        self._record = Record(**{**asdict(self._record), **said})
        write(self._places, self._record)

    def end(self, *, failure: str | None = None, message: str = "") -> Record:
        """Store the end."""
        phase = "failed" if failure else "done"
        ending = {"phase": phase, "failure": failure, "message": message, "finished": now()}
        self._record = Record(**{**asdict(self._record), **ending})
        write(self._places, self._record)
        return self._record
