"""What names and values of records may look like; values are parsed as a nameserver would."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from localcloud.hetzner.errors import ApiError, invalid
from localcloud.records import Record, RecordSet

MOST_RECORDS = 50
SHORTEST_TTL, LONGEST_TTL = 60, 2147483647
_LABEL = r"(?:\*|[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?)"
_NAME = re.compile(rf"@|{_LABEL}(?:\.{_LABEL})*")
_ZONE = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z][-a-z0-9]*")
_TXT = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"\s*)+')
_ALONE = frozenset({"CNAME", "SOA"})


def check_zone_name(name: str) -> None:
    """A zone's name: lower case, in punycode, of two labels at least, without trailing dot."""
    if not _ZONE.fullmatch(name):
        raise invalid("name", "is not a valid zone name")


def check_set_name(name: str, zone: str) -> None:
    """An owner name relative to the zone; raises `invalid_input`."""
    if not _NAME.fullmatch(name) or len(f"{name}.{zone}") > 253:
        raise invalid("name", "is not a valid RRSet name")
    if name == zone or name.endswith("." + zone):
        raise invalid("name", "must not end with the name of the zone")


def check_values(kind: str, records: Sequence[Record], zone: str) -> None:
    """Every value parses as its type and there is none twice; raises `invalid_input`."""
    if not len(records) >= 1:
        raise invalid("records", "must not be empty")
    if kind in _ALONE and len(records) > 1:
        raise invalid("records", f"must be only one for type {kind}")
    for number, record in enumerate(records):
        problem = value_problem(kind, record.value, zone)
        if problem:
            raise invalid(f"records.{number}.value", problem)
    if len({identity(kind, record.value, zone) for record in records}) != len(records):
        raise invalid("records", "must be distinct")


def identity(kind: str, value: str, zone: str) -> bytes:
    """What a nameserver keeps of a value: spellings of one address or name have the same.

    A value that does not parse is only like itself, as text.
    """
    try:
        return _parsed(kind, value, zone).to_digestable()
    except (dns.exception.DNSException, ValueError):
        return value.encode()


def _parsed(kind: str, value: str, zone: str) -> dns.rdata.Rdata:
    """The value with names absolute; raises `DNSException` or `ValueError`."""
    return dns.rdata.from_text(
        dns.rdataclass.IN,
        dns.rdatatype.from_text(kind),
        value,
        origin=dns.name.from_text(zone),
        relativize=False,
    )


def value_problem(kind: str, value: str, zone: str) -> str | None:
    """What is wrong with a value, or `None`."""
    if not value.isprintable():
        return "must be one line without control characters"
    if kind == "TXT" and not _TXT.fullmatch(value):
        return "must be quoted, in pieces of up to 255 characters"
    try:
        _parsed(kind, value, zone)
    except (dns.exception.DNSException, ValueError) as error:
        return f"is not a valid {kind} record: {error}"
    return None


def check_alone(item: RecordSet, others: Iterable[RecordSet]) -> None:
    """A CNAME stands alone and not at the apex (RFC 1034, 3.6.2); raises `invalid_input`."""
    if item.type == "CNAME" and item.name == "@":
        raise invalid("type", "CNAME is not possible at the zone's apex")
    beside = [o.type for o in others if o.name == item.name and o.type != item.type]
    if beside and (item.type == "CNAME" or "CNAME" in beside):
        raise invalid("type", f"CNAME cannot be beside other types at '{item.name}'")


def check_needed(item: RecordSet) -> None:
    """The SOA record set cannot be taken away."""
    if item.type == "SOA":
        raise ApiError("unsupported_error", "the SOA RRSet cannot be deleted")
