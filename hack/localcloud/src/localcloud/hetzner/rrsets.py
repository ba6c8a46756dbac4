"""Record sets of zones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from localcloud.hetzner.errors import invalid, not_unique
from localcloud.hetzner.label_selectors import parse
from localcloud.hetzner.listing import chosen, first, ordered, paged
from localcloud.hetzner.model import Action
from localcloud.hetzner.record_rules import (
    check_alone,
    check_needed,
    check_set_name,
    check_values,
    identity,
)
from localcloud.hetzner.replies import acted, action_route, action_view
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.rrset_bodies import (
    AddRecords,
    ChangeTtl,
    CreateSet,
    ProtectSet,
    SetRecords,
    UpdateRecords,
    UpdateSet,
    check_type,
    new_set,
    records_of,
)
from localcloud.hetzner.zone_store import (
    TYPES,
    change,
    check_unprotected,
    own_set,
    own_zone,
    primary,
    set_view,
    with_meta,
)
from localcloud.hetzner.zones import ONE
from localcloud.records import Record, RecordSet, Zone

MAX_PER_PAGE = 100
SETS, SET = f"{ONE}/rrsets", f"{ONE}/rrsets/{{rr_name}}/{{rr_type}}"
_KEYS = {
    "id": lambda item: f"{item.name}/{item.type}",
    "name": lambda item: item.name,
    "created": lambda item: item.meta.get("created", ""),
}


def _zone(call: Call) -> Zone:
    return primary(own_zone(call))


def _both(call: Call) -> tuple[Zone, RecordSet]:
    """The zone and its record set that the path names."""
    zone = _zone(call)
    check_type(call.path["rr_type"])
    return zone, own_set(call, zone)


def _changeable(call: Call) -> tuple[Zone, RecordSet]:
    zone, item = _both(call)
    check_unprotected([item])
    return zone, item


def _list(call: Call) -> Reply:
    zone, name = _zone(call), first(call.query, "name")
    types = chosen(call.query, "type", TYPES)
    fits = parse(first(call.query, "label_selector") or "")
    sets = [
        item
        for item in call.cloud.records.rrsets(zone.key)
        if name in (None, item.name)
        and (types is None or item.type in types)
        and fits(item.meta.get("labels", {}))
    ]
    page = paged(ordered(sets, call.query, _KEYS), call.query, MAX_PER_PAGE)
    rendered = [set_view(zone, item) for item in page.items]
    return Reply(200, {"rrsets": rendered, "meta": page.meta()}, page)


def _create(call: Call) -> Reply:
    zone, body, records = _zone(call), call.body(CreateSet), call.cloud.records
    item = new_set(body, zone.name, call.cloud.now())
    if records.rrset(zone.key, item.name, item.type) is not None:
        raise not_unique("RRSet with the same name and type already exists", "name")
    check_alone(item, records.rrsets(zone.key))
    action = change(call, zone, "create_rrset", put=[item])
    rendered = {"rrset": set_view(zone, item), "action": action_view(call.cloud, action)}
    return Reply(201, rendered)


def _get(call: Call) -> Reply:
    zone, item = _both(call)
    return Reply(200, {"rrset": set_view(zone, item)})


def _update(call: Call) -> Reply:
    (zone, item), body = _both(call), call.body(UpdateSet)
    if body.labels is not None:
        item = with_meta(item, labels=dict(body.labels))
        call.cloud.records.put_rrsets(zone.key, [item])
    return Reply(200, {"rrset": set_view(zone, item)})


def _delete(call: Call) -> Reply:
    zone, item = _changeable(call)
    check_needed(item)
    gone = [(item.name, item.type)]
    return acted(call, change(call, zone, "delete_rrset", delete=gone))


def _stored(call: Call, zone: Zone, item: RecordSet, command: str) -> Action:
    """Keep a record set whose records changed."""
    check_values(item.type, item.records, zone.name)
    return change(call, zone, command, put=[item])


def _set_records(call: Call) -> Reply:
    (zone, item), body = _changeable(call), call.body(SetRecords)
    changed = replace(item, records=records_of(body.records))
    return acted(call, _stored(call, zone, changed, "set_rrset_records"))


def _existing_or_new(call: Call, zone: Zone, ttl: int | None) -> RecordSet:
    name, kind = call.path["rr_name"], call.path["rr_type"]
    check_type(kind)
    found = call.cloud.records.rrset(zone.key, name, kind)
    if found is not None:
        check_unprotected([found])
        if ttl is not None and ttl != found.ttl:
            raise invalid("ttl", "must be that of the existing RRSet")
        return found
    check_set_name(name, zone.name)
    meta = {"labels": {}, "protected": False, "created": call.cloud.now()}
    item = RecordSet(name=name, type=kind, ttl=ttl, meta=meta)
    check_alone(item, call.cloud.records.rrsets(zone.key))
    return item


def _add_records(call: Call) -> Reply:
    zone, body = _zone(call), call.body(AddRecords)
    item = _existing_or_new(call, zone, body.ttl)
    changed = replace(item, records=(*item.records, *records_of(body.records)))
    return acted(call, _stored(call, zone, changed, "add_rrset_records"))


def _present(zone: Zone, item: RecordSet, values: Sequence[str]) -> list[str]:
    """The values as the record set has them; raises `invalid_input` when it lacks one."""
    own = {identity(item.type, value, zone.name): value for value in item.values}
    keys = [identity(item.type, value, zone.name) for value in values]
    missing = [value for value, key in zip(values, keys, strict=True) if key not in own]
    if missing:
        raise invalid("records", f"'{missing[0]}' is no record of the RRSet")
    return [own[key] for key in keys]


def _remove_records(call: Call) -> Reply:
    (zone, item), body = _changeable(call), call.body(SetRecords)
    named = _present(zone, item, [record.value for record in records_of(body.records)])
    kept = tuple(record for record in item.records if record.value not in named)
    if kept:
        changed = replace(item, records=kept)
        return acted(call, _stored(call, zone, changed, "remove_rrset_records"))
    check_needed(item)
    gone = [(item.name, item.type)]
    return acted(call, change(call, zone, "remove_rrset_records", delete=gone))


def _commented(record: Record, comments: dict[str, str]) -> Record:
    return replace(record, comment=comments.get(record.value, record.comment))


def _update_records(call: Call) -> Reply:
    (zone, item), body = _changeable(call), call.body(UpdateRecords)
    values = _present(zone, item, [record.value for record in body.records])
    texts = (record.comment for record in body.records)
    comments = dict(zip(values, texts, strict=True))
    records = tuple(_commented(record, comments) for record in item.records)
    changed = replace(item, records=records)
    return acted(call, _stored(call, zone, changed, "update_rrset_records"), 200)


def _change_ttl(call: Call) -> Reply:
    (zone, item), body = _changeable(call), call.body(ChangeTtl)
    changed = replace(item, ttl=body.ttl)
    return acted(call, change(call, zone, "change_rrset_ttl", put=[changed]))


def _change_protection(call: Call) -> Reply:
    (zone, item), body = _both(call), call.body(ProtectSet)
    changed = with_meta(item, protected=body.change)
    return acted(call, change(call, zone, "change_rrset_protection", put=[changed]))


ROUTES = [
    Route("GET", SETS, _list),
    Route("POST", SETS, _create),
    Route("GET", SET, _get),
    Route("PUT", SET, _update),
    Route("DELETE", SET, _delete),
    action_route(SET, "set_records", _set_records),
    action_route(SET, "add_records", _add_records),
    action_route(SET, "remove_records", _remove_records),
    action_route(SET, "update_records", _update_records),
    action_route(SET, "change_ttl", _change_ttl),
    action_route(SET, "change_protection", _change_protection),
]
