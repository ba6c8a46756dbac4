"""DNS zones and record sets, shared by the APIs that edit them and the server that answers them.

Each provider's API (`hetzner`, `cloudflare`) writes its own zones; the DNS server reads all.
Owner names are relative to the zone (`@` is the apex), lower case, without trailing dot; types are
upper case; values are in presentation format, and a name inside a value that has no trailing dot
is relative to the zone, exactly as in a zone file. What only one API knows (ids, labels, comments,
protection, proxied) rides along in `meta`, which no other part reads. One process, one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from localcloud.rows import Rows

Listener = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Record:
    """One value of a record set; `meta` belongs to the API that wrote it."""

    value: str
    comment: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordSet:
    """All records of one owner name and type; `ttl` `None` means the zone's default."""

    name: str
    type: str
    ttl: int | None = None
    records: tuple[Record, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> tuple[str, ...]:
        """The records' values in their order."""
        return tuple(record.value for record in self.records)


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A zone as one provider hosts it.

    `key` is unique over all providers (`hetzner:42`, `cloudflare:<hex>`); `serial` is counted up
    by the store with every change of the zone or its record sets and belongs into the SOA record
    that the DNS server answers. `serving` is false for a zone that must not be answered.
    """

    key: str
    provider: str
    name: str
    ttl: int = 3600
    serial: int = 1
    serving: bool = True
    meta: Mapping[str, Any] = field(default_factory=dict)


def _record_set(document: dict[str, Any]) -> RecordSet:
    records = tuple(Record(**record) for record in document.pop("records"))
    return RecordSet(**document, records=records)


class RecordStore:
    """Zones and record sets in memory, written through to `rows`; listeners hear zone names."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._zones = {key: Zone(**document) for key, document in rows.load("zone")}
        self._sets: dict[str, dict[tuple[str, str], RecordSet]] = {key: {} for key in self._zones}
        for key, document in rows.load("rrset"):
            found = _record_set(document)
            self._sets[key.split("|", 1)[0]][found.name, found.type] = found
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(zone name)` after every change; returns the call that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def zones(self, provider: str | None = None) -> tuple[Zone, ...]:
        """All zones, or those of one provider, oldest first."""
        return tuple(z for z in self._zones.values() if provider in (None, z.provider))

    def zone(self, key: str) -> Zone | None:
        """The zone of that key."""
        return self._zones.get(key)

    def authority(self, name: str) -> Zone | None:
        """The zone that answers for an absolute name: the closest one, of equals the oldest."""
        wanted = "." + name.lower().rstrip(".")
        fits = [z for z in self._zones.values() if z.serving and wanted.endswith("." + z.name)]
        return max(fits, key=lambda zone: len(zone.name), default=None)

    def put_zone(self, zone: Zone) -> Zone:
        """Make or replace a zone; its serial is the store's to count. Returns it as stored."""
        before = self._zones.get(zone.key)
        stored = replace(zone, serial=before.serial + 1) if before else zone
        self._zones[zone.key] = stored
        self._sets.setdefault(zone.key, {})
        self._rows.put("zone", zone.key, asdict(stored))
        self._tell(stored.name)
        return stored

    def delete_zone(self, key: str) -> None:
        """Remove a zone with its record sets; absent is fine."""
        zone = self._zones.pop(key, None)
        if zone is None:
            return
        with self._rows.together():
            for name, kind in self._sets.pop(key):
                self._rows.delete("rrset", f"{key}|{name}|{kind}")
            self._rows.delete("zone", key)
        self._tell(zone.name)

    def rrsets(self, key: str) -> tuple[RecordSet, ...]:
        """The record sets of a zone; empty for a zone that is absent."""
        return tuple(self._sets.get(key, {}).values())

    def rrset(self, key: str, name: str, kind: str) -> RecordSet | None:
        """One record set of a zone."""
        return self._sets.get(key, {}).get((name, kind))

    def put_rrsets(self, key: str, sets: Iterable[RecordSet]) -> None:
        """Make or replace record sets of an existing zone in one step."""
        self.change(key, put=sets)

    def delete_rrset(self, key: str, name: str, kind: str) -> None:
        """Remove one record set; absent is fine."""
        self.change(key, delete=((name, kind),))

    def change(
        self,
        key: str,
        *,
        put: Iterable[RecordSet] = (),
        delete: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Delete, then put, record sets of one zone; all of it takes effect together."""
        zone, sets = self._zones[key], self._sets[key]
        with self._rows.together():
            for name, kind in delete:
                sets.pop((name, kind), None)
                self._rows.delete("rrset", f"{key}|{name}|{kind}")
            for item in put:
                sets[item.name, item.type] = item
                self._rows.put("rrset", f"{key}|{item.name}|{item.type}", asdict(item))
            self.put_zone(zone)

    def _tell(self, name: str) -> None:
        for listener in tuple(self._listeners):
            listener(name)
