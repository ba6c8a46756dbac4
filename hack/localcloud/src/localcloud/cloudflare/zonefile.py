"""Zone files in and out, as `dns_records/export` and `/import` exchange them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dns.name
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.zone

from localcloud import zonefiles
from localcloud.cloudflare import errors
from localcloud.cloudflare.record import (
    AUTOMATIC,
    PARTS,
    TARGETS,
    TTL_RANGE,
    TYPES,
    DnsRecord,
    presentation,
)

SKIPPED = frozenset({"SOA"})


def written(zone: str, records: Iterable[DnsRecord]) -> str:
    """The records as a zone file; what only Cloudflare knows stands in comments."""
    lines = [f";; Domain: {zone}.", f"$ORIGIN {zone}.", ""]
    for record in sorted(records, key=lambda r: (r.type, r.name)):
        flags = f" ; cf_tags=cf-proxied:{str(record.proxied).lower()}"
        told = flags if record.type in ("A", "AAAA", "CNAME") else ""
        told += f" ; {zonefiles.one_line(record.comment)}" if record.comment else ""
        shown = presentation(record)
        lines.append(f"{record.name}.\t{record.ttl}\tIN\t{record.type}\t{shown}{told}")
    return "\n".join(lines) + "\n"


def read(zone: str, text: str, *, proxied: bool) -> list[dict[str, Any]]:
    """Request bodies for the records of a zone file; the zone's own SOA and NS are left out.

    Raises:
        RefusedError: the text is no zone file.
    """
    try:
        parsed = zonefiles.parsed(text, dns.name.from_text(zone))
    except ValueError as error:
        raise errors.BAD_RECORD.refused(f"the zone file cannot be read: {error}") from error
    return list(_bodies(parsed, zone, proxied=proxied))


def _bodies(parsed: dns.zone.Zone, zone: str, *, proxied: bool) -> Iterator[dict[str, Any]]:
    for name, ttl, data in parsed.iterate_rdatas():
        owner = name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(data.rdtype)
        if kind in SKIPPED or kind not in TYPES or (kind == "NS" and owner == zone):
            continue
        hosts = proxied and kind in ("A", "AAAA", "CNAME")
        known = ttl if ttl in TTL_RANGE else AUTOMATIC
        yield {"name": owner, "type": kind, "ttl": known, "proxied": hosts, **_value(kind, data)}


def _value(kind: str, data: dns.rdata.Rdata) -> Mapping[str, Any]:
    text = data.to_text()
    if isinstance(data, dns.rdtypes.ANY.MX.MX):
        exchange = data.exchange.to_text(omit_final_dot=True)
        return {"content": exchange, "priority": data.preference}
    if kind in TARGETS:
        return {"content": text.rstrip(".")}
    if kind == "URI":
        return {"data": _parts(kind, text)}
    return {"content": text}


def _parts(kind: str, text: str) -> dict[str, str]:
    parts = PARTS[kind]
    return dict(zip(parts, text.replace('"', "").split(maxsplit=len(parts) - 1), strict=True))
