"""What is known without running a program: a check that held, and the files that decide it.

A check that names its deciding files (`reads`) is noted with their digest when it holds. As long as
they are the same it holds still, also in a copy of the machine. The regular look for drift does not
rely on this; it runs every check.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from . import files
from .places import Places

Check = dict[str, Any]


class Proofs:
    """The checks that held on this machine."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known = self._load()

    def hold(self, check: Check) -> bool:
        """Whether the check held and nothing that decides it has changed."""
        known = self._known.get(name_of(check))
        return known is not None and known == self._digest(check)

    def note(self, check: Check, *, held: bool) -> None:
        """Remember how a check that was run came out."""
        if "reads" not in check:
            return
        known = {key: value for key, value in self._known.items() if key != name_of(check)}
        if held:
            known[name_of(check)] = self._digest(check)
        if known != self._known:
            self._known = known
            files.replace(self._places.proofs, json.dumps(known).encode(), mode=0o600)

    def _load(self) -> dict[str, str]:
        try:
            found = json.loads(self._places.proofs.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _digest(self, check: Check) -> str:
        total = hashlib.sha256()
        for pattern in check["reads"]:
            for path in sorted(self._places.root.glob(pattern.lstrip("/"))):
                if path.is_file():
                    total.update(f"{path} {path.stat().st_size}\n".encode() + path.read_bytes())
        return total.hexdigest()


def name_of(check: Check) -> str:
    """What tells a check from others: what is run and what it must print."""
    return json.dumps([check["argv"], check.get("prints", [])])
