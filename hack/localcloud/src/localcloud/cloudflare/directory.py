"""Cloudflare's zones and records in the shared record store.

What only Cloudflare knows of a record (its id, its content as sent, proxied, tags, times) rides in
the store's `meta`; the DNS server reads the values. Every change of a zone is one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from localcloud.clock import Clock
from localcloud.cloudflare import errors
from localcloud.cloudflare.record import (
    PLANS,
    DnsRecord,
    Plan,
    check_fits,
    presentation,
    read_record,
    zone_name,
)
from localcloud.records import Record, RecordSet, RecordStore, Zone

PROVIDER = "cloudflare"


def new_id() -> str:
    """An identifier as Cloudflare's: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_proxied(item: RecordSet) -> bool:
    """Whether the DNS answers this set with the edge's address."""
    return any(record.meta.get("proxied", False) for record in item.records)


@dataclass(frozen=True)
class Batch:
    """The changes of one request, in the order in which they take effect."""

    deletes: Sequence[Mapping[str, Any]] = ()
    patches: Sequence[Mapping[str, Any]] = ()
    puts: Sequence[Mapping[str, Any]] = ()
    posts: Sequence[Mapping[str, Any]] = ()


class Directory:
    """Zones and their records."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def zones(self) -> tuple[Zone, ...]:
        """Every zone hosted here."""
        return self._store.zones(PROVIDER)

    def zone(self, zone_id: str) -> Zone:
        """The zone of that id.

        Raises:
            RefusedError: there is none.
        """
        found = self._store.zone(f"{PROVIDER}:{zone_id}")
        if found is None:
            raise errors.NO_ZONE.refused()
        return found

    def add_zone(self, name: object, *, plan: str = "pro") -> Zone:
        """Host a new zone; its name servers count as delegated at once.

        Raises:
            RefusedError: it is hosted here already, or is no domain name.
        """
        wanted = zone_name(name)
        if plan not in PLANS:
            raise errors.BAD_ZONE_NAME.refused()
        if any(zone.name == wanted for zone in self.zones()):
            raise errors.ZONE_EXISTS.refused(f"{wanted} already exists")
        meta = {"plan": plan, "created_on": self._now(), "ssl": "full"}
        key = f"{PROVIDER}:{new_id()}"
        return self._store.put_zone(
            Zone(key=key, provider=PROVIDER, name=wanted, ttl=300, meta=meta)
        )

    def set_ssl(self, zone: Zone, mode: str) -> Zone:
        """How strictly the edge checks origins: `flexible`, `full` or `strict`."""
        return self._store.put_zone(replace(zone, meta={**zone.meta, "ssl": mode}))

    def delete_zone(self, zone: Zone) -> None:
        """Remove a zone with its records."""
        self._store.delete_zone(zone.key)

    def records(self, zone: Zone) -> dict[str, DnsRecord]:
        """The zone's records by id."""
        sets = self._store.rrsets(zone.key)
        found = (_from_meta(record.meta) for item in sets for record in item.records)
        return {record.id: record for record in found}

    def record(self, zone: Zone, record_id: str) -> DnsRecord:
        """One record.

        Raises:
            RefusedError: there is none of that id.
        """
        found = self.records(zone).get(record_id)
        if found is None:
            raise errors.NO_RECORD.refused()
        return found

    def apply(self, zone: Zone, batch: Batch) -> dict[str, list[DnsRecord]]:
        """All changes of `batch` or, when one is refused, none.

        Raises:
            RefusedError: the first change that cannot be.
        """
        before = self.records(zone)
        draft = _Draft(zone.name, plan_of(zone), dict(before), self._now())
        done = {
            "deletes": [draft.delete(body) for body in batch.deletes],
            "patches": [draft.change(body, whole=False) for body in batch.patches],
            "puts": [draft.change(body, whole=True) for body in batch.puts],
            "posts": [draft.create(body) for body in batch.posts],
        }
        self._write(zone, before, draft.records)
        return done

    def _write(
        self, zone: Zone, before: Mapping[str, DnsRecord], after: Mapping[str, DnsRecord]
    ) -> None:
        touched = {_place(r, zone) for r in {*_changed(before, after), *_changed(after, before)}}
        sets = _record_sets(after.values(), zone)
        self._store.change(
            zone.key,
            put=[sets[place] for place in sorted(touched) if place in sets],
            delete=[place for place in sorted(touched) if place not in sets],
        )

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Draft:
    """A zone's records while one request changes them."""

    def __init__(self, zone: str, plan: Plan, records: dict[str, DnsRecord], now: str) -> None:
        self._zone = zone
        self._plan = plan
        self._now = now
        self.records = records

    def create(self, body: Mapping[str, Any]) -> DnsRecord:
        if len(self.records) >= self._plan.records:
            raise errors.QUOTA.refused()
        made = read_record(body, zone=self._zone, plan=self._plan, before=None)
        return self._keep(replace(made, id=new_id(), created_on=self._now))

    def change(self, body: Mapping[str, Any], *, whole: bool) -> DnsRecord:
        known = self._known(body)
        blank = DnsRecord(id=known.id, name="", type="", content="", created_on=known.created_on)
        before = blank if whole else known
        return self._keep(read_record(body, zone=self._zone, plan=self._plan, before=before))

    def delete(self, body: Mapping[str, Any]) -> DnsRecord:
        return self.records.pop(self._known(body).id)

    def _known(self, body: Mapping[str, Any]) -> DnsRecord:
        found = self.records.get(str(body.get("id", "")))
        if found is None:
            raise errors.NO_RECORD.refused()
        return found

    def _keep(self, record: DnsRecord) -> DnsRecord:
        check_fits(record, self.records)
        kept = replace(record, modified_on=self._now)
        self.records[kept.id] = kept
        return kept


def plan_of(zone: Zone) -> Plan:
    """The plan of a zone."""
    return PLANS[str(zone.meta.get("plan", "pro"))]


def _changed(
    these: Mapping[str, DnsRecord], those: Mapping[str, DnsRecord]
) -> Iterable[tuple[str, str]]:
    return [(r.name, r.type) for r in these.values() if those.get(r.id) != r]


def _place(where: tuple[str, str], zone: Zone) -> tuple[str, str]:
    name, kind = where
    relative = "@" if name == zone.name else name.removesuffix("." + zone.name)
    return relative, kind


def _record_sets(records: Iterable[DnsRecord], zone: Zone) -> dict[tuple[str, str], RecordSet]:
    grouped: dict[tuple[str, str], list[DnsRecord]] = {}
    for record in records:
        grouped.setdefault(_place((record.name, record.type), zone), []).append(record)
    return {place: _record_set(place, found) for place, found in grouped.items()}


def _record_set(place: tuple[str, str], records: Sequence[DnsRecord]) -> RecordSet:
    return RecordSet(
        name=place[0],
        type=place[1],
        ttl=min(record.seconds for record in records),
        records=tuple(
            Record(value=presentation(record), comment=record.comment, meta=asdict(record))
            for record in records
        ),
    )


def _from_meta(meta: Mapping[str, Any]) -> DnsRecord:
    return DnsRecord(**{**meta, "tags": tuple(meta.get("tags", ()))})
