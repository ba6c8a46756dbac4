"""Proof that the watch still delivers: what the operator writes must come back as an event.

A watch can freeze without an error. Every status write names a resource version; when the watch
has not shown that object at that version or later within the limit, it is dead and the process
should be started anew. The liveness probe asks here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tenant_operator.store import Key

LIMIT: Final = timedelta(minutes=2)


@dataclass
class WatchProof:
    """Writes that have not come back yet."""

    _waiting: dict[Key, tuple[str, datetime]] = field(default_factory=dict)
    _shown: dict[Key, str] = field(default_factory=dict)

    def wrote(self, key: Key, version: str, now: datetime) -> None:
        """A write was answered with this version."""
        if not _reached(self._shown.get(key, ""), version):
            self._waiting.setdefault(key, (version, now))

    def seen(self, key: Key, version: str) -> None:
        """The watch showed an object at this version."""
        self._shown[key] = version
        held = self._waiting.get(key)
        if held is not None and _reached(version, held[0]):
            del self._waiting[key]

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._waiting.pop(key, None)
        self._shown.pop(key, None)

    def overdue(self, now: datetime) -> timedelta | None:
        """How long the oldest write has been waiting beyond the limit; None when all is well."""
        oldest = min((when for _, when in self._waiting.values()), default=now)
        return now - oldest if now - oldest > LIMIT else None


def _reached(shown: str, wanted: str) -> bool:
    if shown.isdigit() and wanted.isdigit():
        return int(shown) >= int(wanted)
    return shown == wanted
