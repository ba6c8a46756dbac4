"""One DNS record as Cloudflare's API takes and gives it: reading, checking, writing.

Pure. What the API calls content is kept as the client sent it; what the DNS serves is made from it
(`presentation`). A type with parts (`CAA`, `SRV`, …) may be given as `data` or as content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import dns.exception
import dns.name
import dns.rdata

from localcloud.cloudflare import errors

AUTOMATIC = 1
AUTOMATIC_SECONDS = 300
TTL_RANGE = range(60, 86401)
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
HOST_TYPES = PROXIABLE
TARGETS = frozenset({"CNAME", "NS", "PTR", "MX"})
TXT_PIECE = 255
PARTS: Mapping[str, tuple[str, ...]] = {
    "CAA": ("flags", "tag", "value"),
    "SRV": ("priority", "weight", "port", "target"),
    "URI": ("priority", "weight", "target"),
    "HTTPS": ("priority", "target", "value"),
    "SVCB": ("priority", "target", "value"),
    "DS": ("key_tag", "algorithm", "digest_type", "digest"),
    "TLSA": ("usage", "selector", "matching_type", "certificate"),
    "SMIMEA": ("usage", "selector", "matching_type", "certificate"),
    "SSHFP": ("algorithm", "type", "fingerprint"),
    "CERT": ("type", "key_tag", "algorithm", "certificate"),
    "DNSKEY": ("flags", "protocol", "algorithm", "public_key"),
    "NAPTR": ("order", "preference", "flags", "service", "regex", "replacement"),
}
QUOTED_PARTS = frozenset({("CAA", "value"), ("URI", "target")}) | {
    ("NAPTR", part) for part in ("flags", "service", "regex")
}
PLAIN = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT", "LOC", "OPENPGPKEY"})
TYPES = PLAIN | frozenset(PARTS)
_ZONE = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z](?:[-a-z0-9]{0,61}[a-z0-9])"
)
_LABEL = re.compile(r"(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)")


@dataclass(frozen=True)
class Plan:
    """What a zone's plan allows (developers.cloudflare.com, DNS record attributes, April 2026)."""

    name: str
    records: int
    comment: int
    tags: int


PLANS = {
    "free": Plan("Free Website", 200, 100, 0),
    "pro": Plan("Pro Website", 3500, 500, 20),
}


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """A record; `name` is absolute without trailing dot, times are RFC 3339."""

    id: str
    name: str
    type: str
    content: str
    ttl: int = AUTOMATIC
    proxied: bool = False
    comment: str = ""
    tags: tuple[str, ...] = ()
    priority: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    created_on: str = ""
    modified_on: str = ""

    @property
    def seconds(self) -> int:
        """The TTL that the DNS answers."""
        return AUTOMATIC_SECONDS if self.ttl == AUTOMATIC else self.ttl

    def to_json(self) -> dict[str, Any]:
        """The record as the API answers it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "content": self.content,
            "proxiable": self.type in PROXIABLE,
            "proxied": self.proxied,
            "ttl": self.ttl,
            "settings": {},
            "meta": {},
            "comment": self.comment or None,
            "tags": list(self.tags),
            "created_on": self.created_on,
            "modified_on": self.modified_on,
        }
        if self.comment:
            shown["comment_modified_on"] = self.modified_on
        if self.priority is not None:
            shown["priority"] = self.priority
        if self.data:
            shown["data"] = dict(self.data)
        return shown


def read_record(body: object, *, zone: str, plan: Plan, before: DnsRecord | None) -> DnsRecord:
    """The record that a request body describes; `before` fills what a PATCH leaves out.

    Raises:
        RefusedError: the body is no record that this zone can hold.
    """
    if not isinstance(body, Mapping):
        raise errors.BAD_JSON.refused()
    known = before or DnsRecord(id="", name="", type="", content="")
    kind = str(body.get("type", known.type)).upper()
    if kind not in TYPES:
        raise errors.BAD_TYPE.refused()
    changed = replace(
        known,
        type=kind,
        name=absolute_name(_name(body.get("name", known.name)), zone),
        ttl=_ttl(body.get("ttl", known.ttl)),
        proxied=_flag(body.get("proxied", known.proxied)),
        comment=_comment(body.get("comment", known.comment), plan),
        tags=_tags(body.get("tags", known.tags), plan),
    )
    return _checked(_with_content(changed, body), zone)


def _with_content(record: DnsRecord, body: Mapping[str, Any]) -> DnsRecord:
    data = body.get("data")
    priority = body.get("priority", record.priority)
    if isinstance(data, Mapping) and record.type in PARTS:
        shown = _content_of(record.type, data)
        return replace(record, content=shown, data=dict(data), priority=data.get("priority"))
    content = body.get("content", record.content)
    if not isinstance(content, str) or not content.strip():
        raise errors.BAD_RECORD.refused("DNS Validation Error: content is required.")
    wants_priority = record.type in ("MX", "URI")
    if wants_priority and not isinstance(priority, int):
        raise errors.BAD_RECORD.refused("DNS Validation Error: priority is required.")
    kept = record.data if content == record.content else {}
    return replace(
        record, content=content.strip(), priority=priority if wants_priority else None, data=kept
    )


def _content_of(kind: str, data: Mapping[str, Any]) -> str:
    missing = [part for part in PARTS[kind] if data.get(part) is None]
    if missing:
        raise errors.BAD_RECORD.refused(f"DNS Validation Error: data lacks {', '.join(missing)}.")
    return " ".join(_part(kind, part, data[part]) for part in PARTS[kind])


def _part(kind: str, part: str, value: object) -> str:
    text = f"{value:.0f}" if isinstance(value, float) else str(value)
    return f'"{text}"' if (kind, part) in QUOTED_PARTS else text


def _checked(record: DnsRecord, zone: str) -> DnsRecord:
    if record.proxied and record.type not in PROXIABLE:
        raise errors.NOT_PROXIABLE.refused()
    problems = {"A": errors.BAD_A, "AAAA": errors.BAD_AAAA, "CNAME": errors.BAD_CNAME}
    try:
        _parsed(record)
    except (dns.exception.DNSException, ValueError) as error:
        problem = problems.get(record.type, errors.BAD_RECORD)
        more = None if record.type in problems else f"{problem.message}: {error}"
        raise problem.refused(more) from error
    if record.type == "CNAME" and record.content.rstrip(".").lower() == record.name != zone:
        raise errors.BAD_CNAME.refused()
    return replace(record, ttl=AUTOMATIC) if record.proxied else record


def zone_name(value: object) -> str:
    """The name of a zone: a domain name of two labels at least, in punycode.

    Raises:
        RefusedError: it is none.
    """
    if not isinstance(value, str):
        raise errors.BAD_ZONE_NAME.refused()
    text = value.strip().removesuffix(".").lower()
    try:
        name = text if text.isascii() else _punycode(text)
    except errors.RefusedError as refused:
        raise errors.BAD_ZONE_NAME.refused() from refused
    if not _ZONE.fullmatch(name):
        raise errors.BAD_ZONE_NAME.refused()
    return name


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise errors.BAD_NAME.refused()
    return value


def absolute_name(name: str, zone: str) -> str:
    """The owner name: `@` is the zone, and what does not end in the zone is below it.

    Raises:
        RefusedError: it is no DNS name.
    """
    text = name.strip().rstrip(".").lower()
    if not text.isascii():
        text = _punycode(text)
    if text in ("@", zone):
        return zone
    full = text if text.endswith("." + zone) else f"{text}.{zone}"
    labels = full.split(".")
    if len(full) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise errors.BAD_NAME.refused()
    return full


def _punycode(text: str) -> str:
    try:
        return dns.name.from_text(text, idna_codec=dns.name.IDNA_2003).to_text(omit_final_dot=True)
    except dns.exception.DNSException as error:
        raise errors.BAD_NAME.refused() from error


def _ttl(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise errors.BAD_TTL.refused()
    if value != AUTOMATIC and value not in TTL_RANGE:
        raise errors.BAD_TTL.refused()
    return int(value)


def _flag(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise errors.BAD_RECORD.refused("DNS Validation Error: proxied must be a boolean.")
    return bool(value)


def _comment(value: object, plan: Plan) -> str:
    text = "" if value is None else str(value)
    if len(text) > plan.comment:
        raise errors.COMMENT_TOO_LONG.refused()
    return text


def _tags(value: object, plan: Plan) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(tag, str) for tag in value):
        raise errors.BAD_RECORD.refused("DNS Validation Error: tags must be a list of texts.")
    if len(value) > plan.tags:
        raise errors.TOO_MANY_TAGS.refused()
    return tuple(value)


def presentation(record: DnsRecord) -> str:
    """The record's value as a zone file writes it, every name absolute."""
    content = record.content
    if record.type == "TXT":
        return content if content.startswith('"') else quoted(content)
    if record.type in TARGETS:
        content = content.rstrip(".") + "."
    if record.priority is not None and record.type in ("MX", "URI") and not record.data:
        return f"{record.priority} {content}"
    return content


def quoted(text: str) -> str:
    """A TXT value as quoted pieces of at most 255 bytes."""
    data = text.encode()
    pieces = [data[i : i + TXT_PIECE] for i in range(0, len(data), TXT_PIECE)] or [b""]
    return " ".join(f'"{_escaped(piece)}"' for piece in pieces)


def _escaped(piece: bytes) -> str:
    return "".join(_character(byte) for byte in piece)


def _character(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"


def check_fits(record: DnsRecord, others: Mapping[str, DnsRecord]) -> None:
    """Refuse a record that cannot live beside the zone's others.

    Raises:
        RefusedError: it is there already, or its name is an alias (or would become one).
    """
    same_name = [o for o in others.values() if o.name == record.name and o.id != record.id]
    hosts = [other for other in same_name if other.type in HOST_TYPES]
    same_type = [other for other in same_name if other.type == record.type]
    if any(other.content == record.content or _alike(other, record) for other in same_type):
        raise errors.IDENTICAL.refused()
    if record.type in HOST_TYPES and "CNAME" in {record.type, *(o.type for o in hosts)} and hosts:
        raise errors.HOST_TAKEN.refused()


def _alike(one: DnsRecord, other: DnsRecord) -> bool:
    """Whether the DNS takes two records for one, such as two spellings of an address."""
    return _data(one) == _data(other)


def _data(record: DnsRecord) -> bytes:
    return _parsed(record).to_digestable()


def _parsed(record: DnsRecord) -> dns.rdata.Rdata:
    text = presentation(record)
    return dns.rdata.from_text("IN", record.type, text, origin=dns.name.root, relativize=False)
