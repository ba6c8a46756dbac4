"""Zone files (RFC 1035), out and in; the rules of the import are Hetzner's ("Zone file import")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import dns.exception
import dns.name
import dns.rdatatype
import dns.ttl
import dns.zone

from localcloud import zonefiles
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.record_rules import LONGEST_TTL, SHORTEST_TTL
from localcloud.hetzner.zone_store import NAMESERVERS, TYPES, shown_value
from localcloud.records import Record, RecordSet, Zone

_TTL = re.compile(r"^\s*\$TTL\s+([^\s;]+)", re.MULTILINE | re.IGNORECASE)
_ORIGIN = re.compile(r"^\s*\$ORIGIN\s+(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Imported:
    """What a zone file says."""

    ttl: int
    sets: tuple[RecordSet, ...]


def export(zone: Zone, sets: Iterable[RecordSet]) -> str:
    """The zone as a file, the SOA record first."""
    ordered = sorted(sets, key=lambda item: (item.type != "SOA", item.name != "@", item.name))
    lines = [f"$ORIGIN\t{zone.name}.", f"$TTL\t{zone.ttl}", ""]
    for item in ordered:
        lines += [_line(zone, item, record) for record in item.records]
    return "\n".join(lines) + "\n"


def _line(zone: Zone, item: RecordSet, record: Record) -> str:
    ttl = "" if item.ttl is None else f"{item.ttl}\t"
    comment = f" ; {zonefiles.one_line(record.comment)}" if record.comment else ""
    value = shown_value(zone, item, record)
    return f"{item.name}\t{ttl}IN\t{item.type}\t{value}{comment}"


def parse(text: str, zone: str, default_ttl: int) -> Imported:
    """The record sets of a file for `zone`; raises `invalid_input`."""
    origin = dns.name.from_text(zone)
    for found in _ORIGIN.findall(text):
        if found.lower() != f"{zone}.":
            raise invalid("zonefile", f"$ORIGIN {found} does not match the zone")
    stated = _TTL.search(text)
    ttl = _seconds(stated[1]) if stated else default_ttl
    try:
        parsed = zonefiles.parsed(text if stated else f"$TTL {ttl}\n{text}", origin)
    except ValueError as error:
        raise invalid("zonefile", str(error)) from error
    imported = Imported(ttl, tuple(_sets(parsed, origin, ttl)))
    _check(imported)
    return imported


def _seconds(text: str) -> int:
    """The zone's TTL as a file states it: in seconds, or in units as `1h30m`."""
    try:
        return _checked(dns.ttl.from_text(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise invalid("zonefile", f"$TTL {text[:20]} is no TTL") from error


def _checked(ttl: int) -> int:
    if not SHORTEST_TTL <= ttl <= LONGEST_TTL:
        raise invalid("zonefile", f"a TTL must be between {SHORTEST_TTL} and {LONGEST_TTL}")
    return ttl


def _sets(parsed: dns.zone.Zone, origin: dns.name.Name, ttl: int) -> Iterable[RecordSet]:
    for name, rdataset in parsed.iterate_rdatasets():
        kind = dns.rdatatype.to_text(rdataset.rdtype)
        if kind not in TYPES:
            raise invalid("zonefile", f"records of type {kind} are not supported")
        relative = "@" if name == origin else name.relativize(origin).to_text()
        yield RecordSet(
            name=relative.lower(),
            type=kind,
            ttl=None if rdataset.ttl == ttl else _checked(rdataset.ttl),
            records=tuple(Record(value=rdata.to_text()) for rdata in rdataset),
            meta={"labels": {}, "protected": False},
        )


def _check(imported: Imported) -> None:
    at_apex = {item.type: item for item in imported.sets if item.name == "@"}
    if "SOA" not in at_apex:
        raise invalid("zonefile", "has no SOA record")
    names = set(at_apex["NS"].values) if "NS" in at_apex else set()
    missing = [name for name in NAMESERVERS if name not in names]
    if missing:
        raise invalid("zonefile", f"lacks the assigned nameserver {missing[0]}")


def created_at(imported: Imported, moment: str) -> Imported:
    """The same with the moment noted at which its record sets came to be."""
    sets = (replace(item, meta={**item.meta, "created": moment}) for item in imported.sets)
    return Imported(imported.ttl, tuple(sets))
