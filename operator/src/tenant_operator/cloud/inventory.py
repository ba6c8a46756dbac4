"""What a fleet's project holds, as last seen: filled by sweeps and by the answers to own requests.

An entry is never believed gone because it is missing from one list: pages can shift while they are
read. What a sweep misses is in doubt until two direct look-ups, in two passes, say "not found".
An answer that is newer than the start of a sweep wins over the sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Generic, Literal, TypeVar

from tenant_operator.core.case import UNKNOWN, Seen, Unknown
from tenant_operator.core.names import TENANT_UID, kept_until
from tenant_operator.core.results import Subject
from tenant_operator.core.world import DnsRecord, Labels, PrimaryIP, Server, Volume

V = TypeVar("V", Server, Volume, PrimaryIP)
LOOKS_TO_BELIEVE: Final = 2
PAUSE_BETWEEN_LOOKS: Final = timedelta(seconds=5)


@dataclass(frozen=True)
class Entry(Generic[V]):
    """One thing: its value, when it was seen, and how often it was not found since."""

    value: V | None
    seen: datetime
    doubted: bool = False
    looks: int = 0
    next_look: datetime | None = None


@dataclass
class Shelf(Generic[V]):
    """Things of one kind by the uid of the tenant they belong to."""

    entries: dict[str, Entry[V]] = field(default_factory=dict)
    swept: datetime | None = None
    unreadable: set[str] = field(default_factory=set)

    def get(self, uid: str) -> Seen[V]:
        """The value, None when a complete sweep has no such thing, UNKNOWN before one."""
        if uid in self.unreadable:
            return UNKNOWN
        entry = self.entries.get(uid)
        if entry is not None:
            return entry.value
        return UNKNOWN if self.swept is None else None

    def put(self, uid: str, value: V | None, now: datetime) -> None:
        """A direct answer: this is how it is."""
        self.unreadable.discard(uid)
        self.entries[uid] = Entry(value, now)

    def mistrust(self, uid: str) -> None:
        """Something happened whose outcome is not known: the next reader must look."""
        self.unreadable.add(uid)

    def drop(self, uid: str) -> None:
        """Forget a tenant that is gone."""
        self.entries.pop(uid, None)
        self.unreadable.discard(uid)

    def in_doubt(self, uid: str, now: datetime) -> bool:
        """Whether a sweep missed the thing and it is time to ask directly."""
        entry = self.entries.get(uid)
        if entry is None or not entry.doubted:
            return False
        return entry.next_look is None or now >= entry.next_look

    def not_found(self, uid: str, now: datetime) -> None:
        """A direct look-up of a thing in doubt found nothing."""
        entry = self.entries[uid]
        looks = entry.looks + 1
        if looks >= LOOKS_TO_BELIEVE:
            self.entries[uid] = Entry(None, now)
        else:
            self.entries[uid] = replace(entry, looks=looks, next_look=now + PAUSE_BETWEEN_LOOKS)

    def doubt(self, uid: str, now: datetime) -> None:
        """Something that was there once, as far as is known, must be asked for directly."""
        self.entries[uid] = Entry(None, now, doubted=True)

    def suspect(self, uid: str) -> None:
        """Something that is held may be gone; it is asked for directly before that is believed."""
        entry = self.entries.get(uid)
        if entry is not None and entry.value is not None and not entry.doubted:
            self.entries[uid] = replace(entry, doubted=True, looks=0, next_look=None)

    def sweep(self, found: Mapping[str, V], *, started: datetime) -> set[str]:
        """Take a complete list over; returns the uids whose thing changed or is in doubt."""
        changed: set[str] = set()
        for uid in {*found, *self.entries}:
            entry = self.entries.get(uid)
            if entry is not None and entry.seen > started:
                continue
            if uid in found:
                self._found(uid, found[uid], entry, started, changed)
            elif entry is not None and entry.value is not None and not entry.doubted:
                self.suspect(uid)
                changed.add(uid)
        self.swept = started
        return changed

    def _found(
        self, uid: str, value: V, entry: Entry[V] | None, started: datetime, changed: set[str]
    ) -> None:
        if entry is None or entry.value != value:
            changed.add(uid)
        self.entries[uid] = Entry(value, started)
        self.unreadable.discard(uid)


@dataclass
class Inventory:
    """All shelves of one fleet, and the record sets of its zone."""

    servers: Shelf[Server] = field(default_factory=Shelf)
    volumes: Shelf[Volume] = field(default_factory=Shelf)
    addresses: Shelf[PrimaryIP] = field(default_factory=Shelf)
    records: dict[str, tuple[DnsRecord, ...]] = field(default_factory=dict)
    records_swept: datetime | None = None
    records_changed: dict[str, datetime] = field(default_factory=dict)
    unreadable_records: set[str] = field(default_factory=set)

    def records_of(self, uid: str) -> tuple[DnsRecord, ...] | Literal[Unknown.UNKNOWN]:
        """A tenant's record sets, UNKNOWN before the first sweep or after an unclear change."""
        if self.records_swept is None or uid in self.unreadable_records:
            return UNKNOWN
        return self.records.get(uid, ())

    def put_record(self, uid: str, record: DnsRecord, now: datetime) -> None:
        """A record set was published."""
        others = [held for held in self.records.get(uid, ()) if _key(held) != _key(record)]
        self.records[uid] = (*others, record)
        self.records_changed[uid] = now

    def drop_record(self, uid: str, record: DnsRecord, now: datetime) -> None:
        """A record set was withdrawn."""
        kept = [held for held in self.records.get(uid, ()) if _key(held) != _key(record)]
        self.records[uid] = tuple(kept)
        self.records_changed[uid] = now

    def sweep_records(self, found: Sequence[DnsRecord], *, started: datetime) -> set[str]:
        """Take a complete list over; returns the uids whose record sets changed."""
        by_uid: dict[str, tuple[DnsRecord, ...]] = {}
        for record in found:
            uid = (record.owner or "").partition("/")[2]
            by_uid[uid] = (*by_uid.get(uid, ()), record)
        changed: set[str] = set()
        for uid in {*by_uid, *self.records}:
            if self.records_changed.get(uid, started) > started:
                continue
            self.unreadable_records.discard(uid)
            if self.records.get(uid, ()) != by_uid.get(uid, ()):
                changed.add(uid)
            self.records[uid] = by_uid.get(uid, ())
        self.records_swept = started
        return changed

    def mistrust(self, subject: Subject, uid: str) -> None:
        """The outcome of a change of this subject is not known."""
        match subject:
            case Subject.SERVER:
                self.servers.mistrust(uid)
            case Subject.VOLUME:
                self.volumes.mistrust(uid)
            case Subject.ADDRESS:
                self.addresses.mistrust(uid)
            case Subject.RECORDS:
                self.unreadable_records.add(uid)
            case _:
                return

    def drop(self, uid: str) -> None:
        """Forget a tenant that is gone, but for its volume when that is kept."""
        self.servers.drop(uid)
        self.addresses.drop(uid)
        volume = self.volumes.get(uid)
        if not (isinstance(volume, Volume) and kept_until(volume.labels)):
            self.volumes.drop(uid)
        self.records.pop(uid, None)
        self.records_changed.pop(uid, None)

    def orphans(self, known: Set[str]) -> list[str]:
        """Names of things whose tenant is unknown and which are not kept on purpose."""
        return sorted(
            f"{type(entry.value).__name__} {entry.value.name}"
            for shelf in (self.servers, self.volumes, self.addresses)
            for uid, entry in shelf.entries.items()
            if entry.value is not None and uid not in known and not kept_until(entry.value.labels)
        )

    def kept(self, known: Set[str]) -> list[Volume]:
        """Volumes that are kept although their tenant is gone."""
        return [
            entry.value
            for uid, entry in self.volumes.entries.items()
            if entry.value is not None and uid not in known and kept_until(entry.value.labels)
        ]


def by_tenant(found: Sequence[V]) -> dict[str, V]:
    """Things by the uid in their label; one without a uid belongs to the fleet and is left out."""
    return {uid: thing for thing in found if (uid := _uid(thing.labels))}


def _uid(labels: Labels) -> str:
    return labels.get(TENANT_UID, "")


def _key(record: DnsRecord) -> tuple[str, str]:
    return record.hostname, record.type
