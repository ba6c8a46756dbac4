"""Selecting, sorting and paging of lists, as the query parameters of the API say.

Filters compare without regard to case. A filter is written `name=x` or `name.exact=x`; a page after
the last is an empty list, which is how the official client notices the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from localcloud.cloudflare import errors
from localcloud.cloudflare.record import DnsRecord
from localcloud.records import Zone

T = TypeVar("T")
Test = Callable[[str, str], bool]

PER_PAGE = {"records": (100, 5_000_000), "zones": (20, 50)}
TESTS: Mapping[str, Test] = {
    "": lambda value, wanted: value == wanted,
    "exact": lambda value, wanted: value == wanted,
    "equal": lambda value, wanted: value == wanted,
    "not_equal": lambda value, wanted: value != wanted,
    "contains": lambda value, wanted: wanted in value,
    "startswith": lambda value, wanted: value.startswith(wanted),
    "starts_with": lambda value, wanted: value.startswith(wanted),
    "endswith": lambda value, wanted: value.endswith(wanted),
    "ends_with": lambda value, wanted: value.endswith(wanted),
    "present": lambda value, _: bool(value),
    "absent": lambda value, _: not value,
}
ORDERS = frozenset({"type", "name", "content", "ttl", "proxied"})


def select_records(records: Sequence[DnsRecord], query: Mapping[str, str]) -> list[DnsRecord]:
    """The records that the query's filters let through, sorted as it says."""
    wanted = [(*_split(key), value.lower()) for key, value in query.items()]
    tests = [item for item in wanted if item[0] in ("name", "content", "comment", "type", "tag")]
    join = any if query.get("match") == "any" else all
    found = [r for r in records if not tests or join(_passes(r, *test) for test in tests)]
    if "proxied" in query:
        found = [r for r in found if r.proxied is (query["proxied"].lower() == "true")]
    if "search" in query:
        found = [r for r in found if _mentions(r, query["search"].lower())]
    return _sorted(found, query)


def _sorted(records: list[DnsRecord], query: Mapping[str, str]) -> list[DnsRecord]:
    order = query.get("order", "")
    if order in ORDERS:
        records.sort(key=lambda record: (getattr(record, order), record.id))
    if query.get("direction") == "desc":
        records.reverse()
    return records


def _split(key: str) -> tuple[str, str]:
    name, _, test = key.partition(".")
    return name, test


def _passes(record: DnsRecord, name: str, test: str, wanted: str) -> bool:
    if test not in TESTS:
        raise errors.BAD_RECORD.refused(f"Unknown filter {name}.{test}")
    if name == "tag":
        return any(TESTS[test](tag.lower(), wanted) for tag in record.tags)
    return TESTS[test](str(getattr(record, name)).lower(), wanted)


def _mentions(record: DnsRecord, text: str) -> bool:
    return any(text in part.lower() for part in (record.name, record.content, record.comment))


def select_zones(zones: Sequence[Zone], query: Mapping[str, str]) -> list[Zone]:
    """The zones that the query asks for; `name` may carry an operator: `contains:acme`."""
    operator, _, rest = query.get("name", "").lower().rpartition(":")
    test = TESTS.get(operator.removesuffix("_case_sensitive"))
    if test is None:
        raise errors.BAD_RECORD.refused(f"Unknown operator {operator!r} for name")
    found = [zone for zone in zones if not rest or test(zone.name, rest)]
    wanted_status = query.get("status", "active")
    found = [zone for zone in found if wanted_status == "active"]
    return sorted(found, key=lambda z: z.name, reverse=query.get("direction") == "desc")


def page(
    items: Sequence[T], query: Mapping[str, str], kind: str, show: Callable[[T], dict[str, Any]]
) -> dict[str, Any]:
    """One page of a list, as members of the envelope."""
    default, most = PER_PAGE[kind]
    number = _number(query, "page", 1, 1_000_000_000)
    size = _number(query, "per_page", default, most)
    shown = [show(item) for item in items[(number - 1) * size : number * size]]
    info = {
        "page": number,
        "per_page": size,
        "count": len(shown),
        "total_count": len(items),
        "total_pages": -(-len(items) // size),
    }
    return {"result": shown, "result_info": info}


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    try:
        value = int(float(query.get(name, default)))
    except (ValueError, OverflowError):
        value = 0
    if not 1 <= value <= most:
        raise errors.BAD_RECORD.refused(f"{name} must be a number from 1 to {most}")
    return value
