"""Works a declared list off: each item has files, checks and what to run when either differs.

The list is data (`host.bootstrap` makes it); this is its interpreter. An item whose `where` is
"own-kernel" is skipped in a container, whose kernel settings belong to the container's host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import apt, files
from .failures import JobError, brief
from .places import Places
from .process import Ended, must, run
from .records import Progress

Item = dict[str, Any]


def apply_list(places: Places, argv: Sequence[str], progress: Progress) -> str:
    """Bring every item of the list `argv[0]` to what it declares; looks again afterwards."""
    items = read_list(places, Path(argv[0]))
    for item in items:
        if item.get("early"):
            write_files(places, item)
    changed = [item["name"] for item in items if bring(places, item, progress)]
    note_no_drift(places)
    return f"changed: {', '.join(changed)}" if changed else "nothing to change"


def note_no_drift(places: Places) -> None:
    """Every item was just looked at: spare the next observation its own check."""
    places.drift.parent.mkdir(parents=True, exist_ok=True)
    places.drift.write_text("{}")


def read_list(places: Places, path: Path) -> list[Item]:
    """The items that apply to this machine."""
    listed: list[Item] = json.loads(places.at(str(path)).read_text())["items"]
    contained = run(["systemd-detect-virt", "--container", "--quiet"]).ok
    return [item for item in listed if not (contained and item.get("where") == "own-kernel")]


def bring(places: Places, item: Item, progress: Progress) -> bool:
    """Apply one item if it differs; returns whether it did.

    Raises:
        JobError: a command failed, or the item still differs after it was applied.
    """
    wrote = write_files(places, item)
    if not wrote and not list(differences(places, item)):
        return False
    progress.say(f"{item['name']}: {item['why']}")
    apt.install(item.get("packages", []), progress)
    for argv in item.get("apply", []):
        must(argv, limit=180)
    remaining = list(differences(places, item))
    if remaining:
        raise JobError("other", f"hardening item {item['name']} does not hold: {remaining[0]}")
    return True


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


def differences(places: Places, item: Item) -> Iterator[str]:
    """Every way in which the machine is not what the item declares, as a sentence."""
    for file in item.get("files", []):
        content = file["content"].encode()
        if not files.same(places.at(file["path"]), content, mode=file["mode"]):
            yield f"{file['path']} is not as declared"
    for path in item.get("absent", []):
        if places.at(path).exists():
            yield f"{path} exists"
    yield from apt.missing(item.get("packages", []))
    for unit in item.get("units", []):
        yield from unit_differences(unit)
    for key, value in item.get("sysctls", {}).items():
        yield from sysctl_differences(places, key, value)
    for check in item.get("checks", []):
        yield from check_differences(check)


def unit_differences(unit: str) -> Iterator[str]:
    """A unit must be enabled and run, unless its own conditions rule this machine out."""
    shown = run(["systemctl", "show", unit, "--property=ActiveState,ConditionResult,UnitFileState"])
    facts = dict(line.split("=", 1) for line in shown.out.splitlines() if "=" in line)
    if facts.get("UnitFileState") not in {"enabled", "static", "alias", "enabled-runtime"}:
        yield f"{unit} is not enabled"
    elif facts.get("ActiveState") != "active" and not ruled_out(unit, facts):
        yield f"{unit} is {facts.get('ActiveState', 'unknown')}"


def ruled_out(unit: str, facts: dict[str, str]) -> bool:
    """Whether systemd tried and a condition (container, missing capability) said no."""
    tried = run(["systemctl", "show", unit, "--property=ConditionTimestampMonotonic", "--value"])
    return facts.get("ConditionResult") == "no" and tried.out.strip() not in {"", "0"}


def sysctl_differences(places: Places, key: str, value: str) -> Iterator[str]:
    """A kernel setting; one that this kernel does not have cannot differ."""
    path = places.at(f"/proc/sys/{key.replace('.', '/')}")
    try:
        found = " ".join(path.read_text().split())
    except FileNotFoundError:
        return
    if found != value:
        yield f"{key} is {found}, not {value}"


def check_differences(check: dict[str, Any]) -> Iterator[str]:
    """A program that must succeed and, where asked, print lines that match."""
    ended: Ended = run(check["argv"], limit=30)
    if not ended.ok:
        text = brief(ended.err or ended.out, limit=200)
        yield f"`{' '.join(check['argv'])}` ended with {ended.code}: {text}"
        return
    for pattern in check.get("prints", []):
        if not re.search(pattern, ended.out, re.MULTILINE | re.IGNORECASE):
            yield f"`{' '.join(check['argv'])}` does not print {pattern!r}"


def drift_as_json(places: Places, path: Path) -> str:
    """`{item: first difference}` of the whole list, changing nothing."""
    found = {}
    for item in read_list(places, path):
        first = next(differences(places, item), None)
        if first is not None:
            found[item["name"]] = first
    return json.dumps(found)
