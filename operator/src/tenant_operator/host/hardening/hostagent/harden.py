"""Works a declared list off: each item has files, checks and what to run when either differs.

The list is data (`host.bootstrap` makes it); this is its interpreter. An item whose `where` is
"own-kernel" is skipped in a container, whose kernel settings belong to the container's host.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from . import apt, files
from .failures import JobError
from .glance import Glance, Item
from .places import Places
from .process import must
from .proofs import Proofs
from .records import Progress


def apply_list(places: Places, argv: Sequence[str], progress: Progress) -> str:
    """Bring every item of the list `argv[0]` to what it declares; looks again afterwards.

    What a machine's own files prove needs no program, so a list that still holds takes a moment.
    """
    items, proofs = read_list(places, Path(argv[0])), Proofs(places)
    for item in items:
        if item.get("early"):
            write_files(places, item)
    changed: list[str] = []
    seen = Glance(places, items, proofs=proofs, trusting=True)
    for item in items:
        if write_files(places, item) or next(seen.differences(item), None) is not None:
            progress.say(f"{item['name']}: {item['why']}")
            bring(places, item, proofs, progress)
            changed.append(item["name"])
            seen = Glance(places, items, proofs=proofs, trusting=True)
    note_no_drift(places)
    return f"changed: {', '.join(changed)}" if changed else "nothing to change"


def note_no_drift(places: Places) -> None:
    """Every item was just looked at: spare the next observation its own check."""
    places.drift.parent.mkdir(parents=True, exist_ok=True)
    places.drift.write_text("{}")


def read_list(places: Places, path: Path) -> list[Item]:
    """The items that apply to this machine."""
    listed: list[Item] = json.loads(places.at(str(path)).read_text())["items"]
    contained = places.at("/run/systemd/container").exists()
    return [item for item in listed if not (contained and item.get("where") == "own-kernel")]


def bring(places: Places, item: Item, proofs: Proofs, progress: Progress) -> None:
    """Apply one item.

    Raises:
        JobError: a command failed, or the item still differs after it was applied.
    """
    apt.install(places, item.get("packages", []), progress)
    for argv in item.get("apply", []):
        must(argv, limit=180)
    remaining = next(Glance(places, [item], proofs=proofs).differences(item), None)
    if remaining is not None:
        raise JobError("other", f"hardening item {item['name']} does not hold: {remaining}")


def write_files(places: Places, item: Item) -> bool:
    """Place the item's files and remove what it declares absent; whether anything changed."""
    changed = False
    for path in item.get("absent", []):
        target = places.at(path)
        changed |= target.exists()
        target.unlink(missing_ok=True)
    for file in item.get("files", []):
        content = file["content"].encode()
        changed |= files.ensure(places.at(file["path"]), content, mode=file["mode"])
    return changed


def drift_as_json(places: Places, path: Path) -> str:
    """`{item: first difference}` of the whole list by every check, changing nothing."""
    items = read_list(places, path)
    seen = Glance(places, items, proofs=Proofs(places))
    found = {item["name"]: next(seen.differences(item), None) for item in items}
    return json.dumps({name: first for name, first in found.items() if first is not None})
