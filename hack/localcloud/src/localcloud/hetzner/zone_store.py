"""Hetzner's zones and record sets in the store that all DNS parts share.

What only this API knows lies in `meta`: a zone's id, project, labels, mode and protection, a record
set's labels and protection. A change is in the store (and so is answered) when its request is
answered; its action then tells of the publishing that Hetzner's nameservers need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from localcloud.hetzner.actions import Effect, Plan, holders
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, not_found, protected
from localcloud.hetzner.model import Action
from localcloud.hetzner.routing import Call
from localcloud.records import Record, RecordSet, Zone

PROVIDER = "hetzner"
NAMESERVERS = (
    "hydrogen.ns.hetzner.com.",
    "oxygen.ns.hetzner.com.",
    "helium.ns.hetzner.de.",
)
TYPES = (
    "A", "AAAA", "CAA", "CNAME", "DS", "HINFO", "HTTPS", "MX",
    "NS", "PTR", "RP", "SOA", "SRV", "SVCB", "TLSA", "TXT",
)  # fmt: skip


def zone_id(zone: Zone) -> int:
    """The number that the API knows the zone by."""
    return int(zone.meta["id"])


def own_zones(call: Call) -> list[Zone]:
    """The project's zones, oldest first."""
    zones = call.cloud.records.zones(PROVIDER)
    return [zone for zone in zones if zone.meta["project"] == call.project]


def own_zone(call: Call) -> Zone:
    """The zone that the path names by id or name; raises `not_found`."""
    wanted = call.path["id_or_name"].lower().rstrip(".")
    for zone in own_zones(call):
        if wanted in (str(zone.meta["id"]), zone.name):
            return zone
    raise not_found("zone", call.path["id_or_name"])


def primary(zone: Zone) -> Zone:
    """The zone, when its records are its own; raises `incorrect_zone_mode`."""
    if zone.meta["mode"] != "primary":
        text = "this operation is not supported for the mode of the zone"
        raise ApiError("incorrect_zone_mode", text)
    return zone


def own_set(call: Call, zone: Zone) -> RecordSet:
    """The record set that the path names; raises `not_found`."""
    name, kind = call.path["rr_name"], call.path["rr_type"]
    found = call.cloud.records.rrset(zone.key, name, kind)
    if found is None:
        raise not_found("RRSet", f"{name}/{kind}")
    return found


def check_unprotected(sets: Iterable[RecordSet]) -> None:
    """Raise `protected` when one of the record sets may not be changed."""
    if any(item.meta.get("protected") for item in sets):
        raise protected("RRSet(s) is/are change protected")


def zone_view(cloud: Cloud, zone: Zone) -> dict[str, Any]:
    """A zone as the API answers it."""
    sets = cloud.records.rrsets(zone.key)
    busy = holders(cloud.state, "zone", zone_id(zone))
    return {
        "id": zone_id(zone),
        "name": zone.name,
        "created": zone.meta["created"],
        "mode": zone.meta["mode"],
        "ttl": zone.ttl,
        "labels": zone.meta["labels"],
        "primary_nameservers": zone.meta["primary_nameservers"],
        "protection": {"delete": zone.meta["protected"]},
        "status": "updating" if busy else "ok",
        "record_count": sum(len(item.records) for item in sets),
        "authoritative_nameservers": {
            "assigned": list(NAMESERVERS),
            "delegated": [],
            "delegation_last_check": None,
            "delegation_status": "unknown",
        },
        "registrar": "other",
    }


def set_view(zone: Zone, item: RecordSet) -> dict[str, Any]:
    """A record set as the API answers it; the SOA record shows the zone's serial."""
    return {
        "id": f"{item.name}/{item.type}",
        "name": item.name,
        "type": item.type,
        "ttl": item.ttl,
        "labels": dict(item.meta.get("labels", {})),
        "protection": {"change": bool(item.meta.get("protected"))},
        "records": [
            {"value": shown_value(zone, item, record), "comment": record.comment}
            for record in item.records
        ],
        "zone": zone_id(zone),
    }


def shown_value(zone: Zone, item: RecordSet, record: Record) -> str:
    """A record's value; that of the SOA record with the serial of now."""
    if item.type != "SOA":
        return record.value
    parts = record.value.split()
    return " ".join((*parts[:2], str(zone.serial), *parts[3:]))


def default_sets(created: str) -> tuple[RecordSet, ...]:
    """The SOA and NS record sets that every new zone has."""
    soa = f"{NAMESERVERS[0]} dns.hetzner.com. 0 86400 10800 3600000 3600"
    meta = {"labels": {}, "protected": False, "created": created}
    names = tuple(Record(value=name) for name in NAMESERVERS)
    return (
        RecordSet(name="@", type="SOA", records=(Record(value=soa),), meta=meta),
        RecordSet(name="@", type="NS", records=names, meta=meta),
    )


def change(
    call: Call,
    zone: Zone,
    command: str,
    *,
    put: Iterable[RecordSet] = (),
    delete: Iterable[tuple[str, str]] = (),
) -> Action:
    """Change record sets of a zone and begin the action that publishes the change."""
    put, delete = tuple(put), tuple(delete)
    before = _noted(call, zone)
    call.cloud.records.change(zone.key, put=put, delete=delete)
    return publish(call, zone, command, before)


def publish(call: Call, zone: Zone, command: str, before: dict[str, Any]) -> Action:
    """The action that publishes a change of a zone."""
    resources = (("zone", zone_id(zone)),)
    return call.begin(Plan(command=command, resources=resources, params=before))


def noted(call: Call, zone: Zone) -> dict[str, Any]:
    """What has to be put back if the publishing fails; empty unless a fault will see to that."""
    return _noted(call, zone)


def _noted(call: Call, zone: Zone) -> dict[str, Any]:
    if call.fate is None:
        return {}
    sets = [asdict(item) for item in call.cloud.records.rrsets(zone.key)]
    return {"zone": asdict(zone), "sets": sets}


def _undo(cloud: Cloud, action: Action) -> None:
    """Put a zone back as it was before the request."""
    if "zone" not in action.params:
        return
    zone = Zone(**action.params["zone"])
    cloud.records.put_zone(zone)
    present = [(item.name, item.type) for item in cloud.records.rrsets(zone.key)]
    cloud.records.change(zone.key, delete=present, put=map(_read_set, action.params["sets"]))


def _read_set(document: dict[str, Any]) -> RecordSet:
    records = tuple(Record(**record) for record in document["records"])
    return RecordSet(**{**document, "records": records})


async def _run_publish(cloud: Cloud, action: Action) -> None:
    """The records are in the store already; a zone that failed to be made is taken out again."""


def _undo_create(cloud: Cloud, action: Action) -> None:
    cloud.records.delete_zone(action.params["key"])


def with_meta(item: RecordSet, **changes: Any) -> RecordSet:
    """The record set with other notes."""
    return replace(item, meta={**item.meta, **changes})


COMMANDS = (
    "delete_zone",
    "change_ttl",
    "import_zonefile",
    "change_primary_nameservers",
    "create_rrset",
    "delete_rrset",
    "set_rrset_records",
    "add_rrset_records",
    "remove_rrset_records",
    "update_rrset_records",
    "change_rrset_ttl",
    "change_rrset_protection",
)
EFFECTS = {
    "create_zone": Effect(_run_publish, _undo_create, seconds=2),
    **{command: Effect(_run_publish, _undo, seconds=1) for command in COMMANDS},
}
