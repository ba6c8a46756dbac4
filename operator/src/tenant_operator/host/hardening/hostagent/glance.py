"""One look at a machine for a whole list: all units by one program, packages from dpkg's own file.

A difference is a sentence. Nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import apt, files
from .failures import brief
from .places import Places
from .process import run
from .proofs import Proofs

Item = dict[str, Any]
Unit = dict[str, str]
PROPERTIES = ("ActiveState", "ConditionResult", "ConditionTimestampMonotonic", "UnitFileState")
ENABLED = {"enabled", "static", "alias", "enabled-runtime"}


class Glance:
    """What the machine is at one moment, as far as some items ask.

    With `trusting`, a check is spared whose deciding files are as they were when it last held.
    """

    def __init__(
        self, places: Places, items: Sequence[Item], *, proofs: Proofs, trusting: bool = False
    ) -> None:
        named = {unit for item in items for unit in (*item.get("units", []), *enabled(item))}
        self._places = places
        self._proofs = proofs
        self._trusting = trusting
        self._units = show(sorted(named))
        asked = any("packages" in item for item in items)
        self._packages = apt.installed(places) if asked else set()

    def differences(self, item: Item) -> Iterator[str]:
        """Every way in which the machine is not what the item declares."""
        yield from self._file_differences(item)
        for package in item.get("packages", []):
            if package not in self._packages:
                yield f"package {package} is not installed"
        yield from self._unit_differences(item)
        for key, value in item.get("sysctls", {}).items():
            yield from self._sysctl_differences(key, value)
        for check in item.get("checks", []):
            if not (self._trusting and self._proofs.hold(check)):
                yield from self._check_differences(check)

    def _file_differences(self, item: Item) -> Iterator[str]:
        for file in item.get("files", []):
            content = file["content"].encode()
            if not files.same(self._places.at(file["path"]), content, mode=file["mode"]):
                yield f"{file['path']} is not as declared"
        for path in item.get("absent", []):
            if self._places.at(path).exists():
                yield f"{path} exists"

    def _unit_differences(self, item: Item) -> Iterator[str]:
        """A unit must be enabled and run, unless its own conditions rule this machine out."""
        for unit in (*enabled(item), *item.get("units", [])):
            if self._units[unit].get("UnitFileState") not in ENABLED:
                yield f"{unit} is not enabled"
        for unit in item.get("units", []):
            seen = self._units[unit]
            if seen.get("ActiveState") != "active" and not ruled_out(seen):
                yield f"{unit} is {seen.get('ActiveState', 'unknown')}"

    def _sysctl_differences(self, key: str, value: str) -> Iterator[str]:
        """A kernel setting; one that this kernel does not have cannot differ."""
        path = self._places.at(f"/proc/sys/{key.replace('.', '/')}")
        try:
            found = " ".join(path.read_text().split())
        except FileNotFoundError:
            return
        if found != value:
            yield f"{key} is {found}, not {value}"

    def _check_differences(self, check: dict[str, Any]) -> Iterator[str]:
        """A program that must succeed and, where asked, print lines that match."""
        difference = complaint(check)
        self._proofs.note(check, held=difference is None)
        if difference is not None:
            yield difference


def enabled(item: Item) -> Sequence[str]:
    """Units that must come up at boot; whether they run now is theirs to decide."""
    named: Sequence[str] = item.get("enabled", [])
    return named


def show(units: Sequence[str]) -> dict[str, Unit]:
    """What systemd knows of each unit; it answers in the order of the question."""
    if not units:
        return {}
    shown = run(["systemctl", "show", *units, f"--property={','.join(PROPERTIES)}"])
    blocks = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in shown.out.split("\n\n")
    ]
    return {unit: blocks[n] if n < len(blocks) else {} for n, unit in enumerate(units)}


def ruled_out(unit: Unit) -> bool:
    """Whether systemd tried and a condition (container, missing capability) said no."""
    tried = unit.get("ConditionTimestampMonotonic") not in {None, "", "0"}
    return tried and unit.get("ConditionResult") == "no"


def complaint(check: dict[str, Any]) -> str | None:
    """What is wrong with a program's answer."""
    ended, words = run(check["argv"], limit=30), " ".join(check["argv"])
    if not ended.ok:
        return f"`{words}` ended with {ended.code}: {brief(ended.err or ended.out, limit=200)}"
    for pattern in check.get("prints", []):
        if not re.search(pattern, ended.out, re.MULTILINE | re.IGNORECASE):
            return f"`{words}` does not print {pattern!r}"
    return None
