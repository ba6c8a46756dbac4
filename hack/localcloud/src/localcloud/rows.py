"""A table of JSON documents by kind and key, written through to one SQLite file.

All state of the local cloud that must survive a restart lies in such tables. A write is committed
before the call returns, so a killed program loses nothing it acknowledged; a power cut may lose
the last moments (no fsync per write: thousands of servers would crawl). One process, one loop.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""
_PUT = "INSERT OR REPLACE INTO rows (kind, key, document) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM rows WHERE kind = ? AND key = ?"


class Rows:
    """Documents of one part of the local cloud, in `path` or, when that is `None`, in memory."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(_SCHEMA)

    def load(self, kind: str) -> Iterator[tuple[str, Any]]:
        """All documents of `kind` with their keys, in the order of the keys."""
        found = self._db.execute("SELECT key, document FROM rows WHERE kind = ?", (kind,))
        return ((key, json.loads(document)) for key, document in found.fetchall())

    def put(self, kind: str, key: str, document: object) -> None:
        """Write one document, replacing what was there."""
        self._db.execute(_PUT, (kind, key, json.dumps(document, separators=(",", ":"))))

    def delete(self, kind: str, key: str) -> None:
        """Remove one document; absent is fine."""
        self._db.execute(_DELETE, (kind, key))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the writes inside take effect all or none; may be nested."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the documents stay."""
        self._db.close()
