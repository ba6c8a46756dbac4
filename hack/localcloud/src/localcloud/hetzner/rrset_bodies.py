"""Shapes of record sets in requests, and the record set that a request stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from localcloud.hetzner.bodies import LabelMap, Strict, Whole
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.label_selectors import check_labels
from localcloud.hetzner.record_rules import (
    LONGEST_TTL,
    MOST_RECORDS,
    SHORTEST_TTL,
    check_set_name,
    check_values,
)
from localcloud.hetzner.zone_store import TYPES
from localcloud.records import Record, RecordSet

RecordType = Literal[
    "A", "AAAA", "CAA", "CNAME", "DS", "HINFO", "HTTPS", "MX",
    "NS", "PTR", "RP", "SOA", "SRV", "SVCB", "TLSA", "TXT",
]  # fmt: skip


class RecordBody(Strict):
    """A record of a request."""

    value: str
    comment: str | None = None


class CommentBody(Strict):
    """A record whose comment is changed."""

    value: str
    comment: str


class CreateSet(Strict):
    """`POST …/rrsets`."""

    name: str
    type: RecordType
    records: list[RecordBody]
    ttl: Whole | None = Field(default=None, ge=SHORTEST_TTL, le=LONGEST_TTL)
    labels: LabelMap = Field(default_factory=dict)


class UpdateSet(Strict):
    """`PUT …/rrsets/{rr_name}/{rr_type}`."""

    labels: LabelMap | None = None


class SetRecords(Strict):
    """`POST …/actions/set_records` and `remove_records`."""

    records: list[RecordBody]


class AddRecords(Strict):
    """`POST …/actions/add_records`."""

    records: list[RecordBody]
    ttl: Whole | None = Field(default=None, ge=SHORTEST_TTL, le=LONGEST_TTL)


class UpdateRecords(Strict):
    """`POST …/actions/update_records`."""

    records: list[CommentBody]


class ChangeTtl(Strict):
    """`POST …/actions/change_ttl`; `null` means the zone's."""

    ttl: Whole | None = Field(ge=SHORTEST_TTL, le=LONGEST_TTL)


class ProtectSet(Strict):
    """`POST …/actions/change_protection`."""

    change: bool


def records_of(bodies: Sequence[RecordBody]) -> tuple[Record, ...]:
    """The records of a request; raises `invalid_input` when they are too many or none."""
    if not 1 <= len(bodies) <= MOST_RECORDS:
        raise invalid("records", f"must be 1 to {MOST_RECORDS}")
    return tuple(Record(value=body.value, comment=body.comment or "") for body in bodies)


def new_set(body: CreateSet, zone: str, created: str) -> RecordSet:
    """The record set that a request asks for; raises `invalid_input`."""
    check_set_name(body.name, zone)
    check_labels(body.labels)
    item = RecordSet(
        name=body.name,
        type=body.type,
        ttl=body.ttl,
        records=records_of(body.records),
        meta={"labels": dict(body.labels), "protected": False, "created": created},
    )
    check_values(item.type, item.records, zone)
    return item


def check_type(kind: str) -> None:
    """Raise `invalid_input` for a type that there is not."""
    if kind not in TYPES:
        raise invalid("rr_type", f"'{kind}' is not a type of RRSet")
