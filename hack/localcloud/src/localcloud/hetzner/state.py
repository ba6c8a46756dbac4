"""All resources of all projects, in memory and written through to one file.

A table keeps frozen values by id, in the order they were made, with look-ups that cost the same
for ten objects and ten thousand: by project, by name, by references such as a volume's server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from localcloud.hetzner import model
from localcloud.hetzner.errors import invalid_input, not_found, not_unique
from localcloud.rows import Rows

_ID = re.compile("[0-9]{1,16}")
FIRST_ID = 1_000_000
"""Ids start where no id of the catalogue is, so that one is never taken for the other."""


class Identified(Protocol):
    """What a table can keep."""

    @property
    def id(self) -> int:
        """Unique over everything the cloud ever made."""
        ...

    @property
    def project(self) -> str:
        """Whose it is."""
        ...


T = TypeVar("T", bound=Identified)
R = TypeVar("R", bound=model.Resource)
Key = Callable[[T], Iterable[Hashable]]


class Table(Generic[T]):
    """Values of one kind; `indexes` name the look-ups and give the keys a value is found under."""

    def __init__(self, rows: Rows, kind: type[T], indexes: Mapping[str, Key[T]]) -> None:
        self.kind = kind.__name__
        self._rows = rows
        self._adapter = TypeAdapter(kind)
        self._items: dict[int, T] = {}
        self._keys = {"project": lambda item: (item.project,), **indexes}
        self._found: dict[str, dict[Hashable, dict[int, T]]] = {name: {} for name in self._keys}
        loaded = (self._adapter.validate_python(doc) for _, doc in rows.load(self.kind))
        for item in sorted(loaded, key=lambda item: item.id):
            self._place(item)

    def get(self, item_id: int | None) -> T | None:
        """The value of that id."""
        return self._items.get(item_id) if item_id is not None else None

    def where(self, index: str, key: Hashable) -> list[T]:
        """All values found under `key`, oldest first."""
        return list(self._found[index].get(key, {}).values())

    def any_of(self, index: str, keys: Iterable[Hashable]) -> list[T]:
        """All values found under one of `keys`, in order of their ids."""
        found: dict[int, T] = {}
        for key in keys:
            found.update(self._found[index].get(key, {}))
        return [found[item_id] for item_id in sorted(found)]

    def count(self, index: str, key: Hashable) -> int:
        """How many values are found under `key`."""
        return len(self._found[index].get(key, {}))

    def put(self, item: T) -> T:
        """Make or replace a value; returns it."""
        before = self._items.get(item.id)
        if before is not None:
            self._displace(before, keep=item)
        self._place(item)
        self._rows.put(self.kind, str(item.id), self._adapter.dump_python(item, mode="json"))
        return item

    def delete(self, item_id: int) -> None:
        """Remove a value; absent is fine."""
        item = self._items.pop(item_id, None)
        if item is not None:
            self._displace(item)
            self._rows.delete(self.kind, str(item_id))

    def clear(self) -> None:
        """Remove every value."""
        for item in self:
            self.delete(item.id)

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items.values()))

    def _place(self, item: T) -> None:
        self._items[item.id] = item
        for name, keys in self._keys.items():
            for key in keys(item):
                self._found[name].setdefault(key, {})[item.id] = item

    def _displace(self, item: T, keep: T | None = None) -> None:
        """Forget where `item` was found, but for the places that `keep` is found under too."""
        for name, keys in self._keys.items():
            kept = set(keys(keep)) if keep is not None else set()
            for key in keys(item):
                if key not in kept:
                    self._drop(name, key, item.id)

    def _drop(self, name: str, key: Hashable, item_id: int) -> None:
        found = self._found[name][key]
        found.pop(item_id, None)
        if not found:
            del self._found[name][key]


def _by_name(item: model.Resource) -> tuple[Hashable, ...]:
    return ((item.project, item.name),)


def _by_label(item: model.Resource) -> list[Hashable]:
    return [(item.project, key, value) for key, value in item.labels.items()]


NAMED: dict[str, Key[Any]] = {"name": _by_name, "label": _by_label}
"""The look-ups that every kind has which clients list by name and labels."""


def _optional(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)


class State:
    """Every table of the Hetzner side, on one file."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.servers = Table(
            rows,
            model.Server,
            {
                **NAMED,
                "network": lambda s: [net.network for net in s.private_nets],
                "placement_group": lambda s: _optional(s.placement_group),
                "backups": lambda s: (True,) if s.backup_window is not None else (),
            },
        )
        self.volumes = Table(rows, model.Volume, {**NAMED, "server": lambda v: _optional(v.server)})
        self.images = Table(rows, model.Image, {"bound_to": lambda i: _optional(i.bound_to)})
        self.firewalls = Table(rows, model.Firewall, NAMED)
        self.networks = Table(rows, model.Network, NAMED)
        self.primary_ips = Table(
            rows, model.PrimaryIp, {**NAMED, "server": lambda p: _optional(p.assignee)}
        )
        self.floating_ips = Table(
            rows, model.FloatingIp, {**NAMED, "server": lambda f: _optional(f.server)}
        )
        self.placement_groups = Table(rows, model.PlacementGroup, NAMED)
        self.ssh_keys = Table(
            rows,
            model.SshKey,
            {**NAMED, "fingerprint": lambda k: ((k.project, k.fingerprint),)},
        )
        self.actions = Table(
            rows,
            model.Action,
            {
                "resource": lambda a: a.resources,
                "running": lambda a: a.resources if a.status == "running" else (),
                "status": lambda a: (a.status,),
                "command": lambda a: (a.command,) if a.command == "shutdown_server" else (),
                "kind": lambda a: [(a.project, kind) for kind, _ in a.resources],
            },
        )
        self._last_id = max((doc for _, doc in rows.load("last_id")), default=FIRST_ID)

    def tables(self) -> tuple[Table[Any], ...]:
        """Every table, those that refer to others first."""
        return (
            self.actions,
            self.servers,
            self.volumes,
            self.images,
            self.firewalls,
            self.networks,
            self.primary_ips,
            self.floating_ips,
            self.placement_groups,
            self.ssh_keys,
        )

    def next_id(self) -> int:
        """A number that nothing had before, also not before a restart."""
        self._last_id += 1
        self.rows.put("last_id", "last_id", self._last_id)
        return self._last_id


def id_of(text: str) -> int | None:
    """The id that a text states, or `None` when it can be none."""
    return int(text) if _ID.fullmatch(text) else None


def owned(table: Table[R], project: str, item_id: int, what: str) -> R:
    """The project's object of that id; raises `not_found`."""
    item = table.get(item_id)
    if item is None or item.project != project:
        raise not_found(what, item_id)
    return item


def referenced(table: Table[R], project: str, reference: int | str, what: str) -> R:
    """What a request body names by id or name; raises `invalid_input` when it is not there."""
    item = table.get(id_of(str(reference)))
    if item is not None and item.project == project:
        return item
    named = table.where("name", (project, str(reference)))
    if not named:
        raise invalid_input(f"{what} not found")
    return named[0]


def check_name_free(table: Table[R], item: model.Resource | None, project: str, name: str) -> None:
    """Raise `uniqueness_error` when another object of the project has that name."""
    others = [other for other in table.where("name", (project, name)) if other != item]
    if others:
        prefix = "server " if table.kind == "Server" else ""
        raise not_unique(f"{prefix}name is already used", "name")
