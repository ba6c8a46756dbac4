"""DNS zones. Any name of two labels is accepted: there is no list of public suffixes here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import zonefile
from localcloud.hetzner.actions import Plan
from localcloud.hetzner.bodies import Body, LabelMap, Strict, Whole
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, not_unique, protected
from localcloud.hetzner.label_selectors import parse
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import chosen, first, ordered, paged
from localcloud.hetzner.nameservers import Nameserver, nameservers_of
from localcloud.hetzner.record_rules import check_alone, check_zone_name
from localcloud.hetzner.replies import acted, action_route, action_routes, action_view, one
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.rrset_bodies import CreateSet, new_set
from localcloud.hetzner.zone_store import (
    PROVIDER,
    change,
    check_unprotected,
    default_sets,
    noted,
    own_zone,
    own_zones,
    primary,
    publish,
    zone_id,
    zone_view,
)
from localcloud.records import RecordSet, Zone

PATH, ONE = "/zones", "/zones/{id_or_name}"
Ttl = Whole


class CreateZone(Body):
    """`POST /zones`."""

    name: str
    mode: Literal["primary", "secondary"]
    ttl: Ttl | None = Field(default=3600, ge=60, le=2147483647)
    labels: LabelMap = Field(default_factory=dict)
    primary_nameservers: list[Nameserver] | None = None
    rrsets: list[CreateSet] | None = None
    zonefile: str | None = None


class UpdateZone(Body):
    """`PUT /zones/{id_or_name}`."""

    labels: LabelMap | None = None


class ChangeTtl(Body):
    """`POST …/actions/change_ttl`."""

    ttl: Ttl = Field(ge=60, le=2147483647)


class Import(Strict):
    """`POST …/actions/import_zonefile`."""

    zonefile: str


class ChangeNameservers(Body):
    """`POST …/actions/change_primary_nameservers`."""

    primary_nameservers: list[Nameserver]


class Protect(Body):
    """`POST …/actions/change_protection`."""

    delete: bool | None = None


_KEYS = {
    "id": zone_id,
    "name": lambda zone: zone.name,
    "created": lambda zone: zone.meta["created"],
}


def _list(call: Call) -> Reply:
    name, modes = first(call.query, "name"), chosen(call.query, "mode", ("primary", "secondary"))
    fits = parse(first(call.query, "label_selector") or "")
    zones = [
        zone
        for zone in own_zones(call)
        if name in (None, zone.name)
        and (modes is None or zone.meta["mode"] in modes)
        and fits(zone.meta["labels"])
    ]
    page = paged(ordered(zones, call.query, _KEYS), call.query)
    rendered = [zone_view(call.cloud, zone) for zone in page.items]
    return Reply(200, {"zones": rendered, "meta": page.meta()}, page)


def _check_new(call: Call, body: CreateZone) -> None:
    check_zone_name(body.name)
    if any(zone.name == body.name for zone in call.cloud.records.zones(PROVIDER)):
        raise not_unique("zone name is already used", "name")
    if body.mode == "primary" and body.rrsets and body.zonefile:
        raise invalid("zonefile", "cannot be given together with rrsets")
    check_limit(call.cloud.limits, "zone", len(own_zones(call)) + 1)


def _first_sets(call: Call, body: CreateZone) -> tuple[int, tuple[RecordSet, ...]]:
    """The zone's TTL and record sets as it starts."""
    now, ttl = call.cloud.now(), body.ttl or 3600
    if body.mode == "secondary":
        return ttl, ()
    if body.zonefile is not None:
        imported = zonefile.created_at(zonefile.parse(body.zonefile, body.name, ttl), now)
        return imported.ttl, imported.sets
    asked = [new_set(item, body.name, now) for item in body.rrsets or ()]
    given = {(item.name, item.type) for item in asked}
    if len(given) != len(asked):
        raise invalid("rrsets", "must be distinct by name and type")
    kept = [item for item in default_sets(now) if (item.name, item.type) not in given]
    for item in asked:
        check_alone(item, [*kept, *asked])
    return ttl, (*kept, *asked)


def make_zone(cloud: Cloud, project: str, name: str) -> None:
    """Make a primary zone that is there from the start, unless it is there already."""
    if all(zone.name != name for zone in cloud.records.zones(PROVIDER)):
        payload = {"name": name, "mode": "primary"}
        _create(Call(cloud=cloud, project=project, path={}, payload=payload))


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateZone), call.cloud
    _check_new(call, body)
    ttl, sets = _first_sets(call, body)
    number = cloud.state.next_id()
    zone = cloud.records.put_zone(
        Zone(
            key=f"{PROVIDER}:{number}",
            provider=PROVIDER,
            name=body.name,
            ttl=ttl,
            serial=int(cloud.clock.now().strftime("%Y%m%d00")),
            serving=body.mode == "primary",
            meta=_meta(call, body, number),
        )
    )
    cloud.records.change(zone.key, put=sets)
    plan = Plan(command="create_zone", resources=(("zone", number),), params={"key": zone.key})
    action = call.begin(plan)
    rendered = {"zone": zone_view(cloud, zone), "action": action_view(call.cloud, action)}
    return Reply(201, rendered)


def _meta(call: Call, body: CreateZone, number: int) -> dict[str, Any]:
    secondary = body.mode == "secondary"
    return {
        "id": number,
        "project": call.project,
        "labels": dict(body.labels),
        "created": call.cloud.now(),
        "mode": body.mode,
        "protected": False,
        "primary_nameservers": nameservers_of(body.primary_nameservers or ()) if secondary else [],
    }


def _put(call: Call, zone: Zone, **changes: Any) -> Zone:
    return call.cloud.records.put_zone(replace(zone, meta={**zone.meta, **changes}))


def _update(call: Call) -> Reply:
    zone, body = own_zone(call), call.body(UpdateZone)
    if body.labels is not None:
        zone = _put(call, zone, labels=dict(body.labels))
    return one(call, "zone", zone, zone_view)


def _delete(call: Call) -> Reply:
    zone = own_zone(call)
    if zone.meta["protected"]:
        raise protected("zone is delete protected")
    before = noted(call, zone)
    call.cloud.records.delete_zone(zone.key)
    return acted(call, publish(call, zone, "delete_zone", before))


def _export(call: Call) -> Reply:
    zone = primary(own_zone(call))
    text = zonefile.export(zone, call.cloud.records.rrsets(zone.key))
    return Reply(200, {"zonefile": text})


def _import(call: Call) -> Reply:
    zone, body = primary(own_zone(call)), call.body(Import)
    present = call.cloud.records.rrsets(zone.key)
    check_unprotected(present)
    parsed = zonefile.parse(body.zonefile, zone.name, zone.ttl)
    imported = zonefile.created_at(parsed, call.cloud.now())
    before = noted(call, zone)
    call.cloud.records.put_zone(replace(zone, ttl=imported.ttl))
    gone = [(item.name, item.type) for item in present]
    call.cloud.records.change(zone.key, delete=gone, put=imported.sets)
    return acted(call, publish(call, zone, "import_zonefile", before))


def _change_ttl(call: Call) -> Reply:
    zone, body = primary(own_zone(call)), call.body(ChangeTtl)
    before = noted(call, zone)
    call.cloud.records.put_zone(replace(zone, ttl=body.ttl))
    return acted(call, publish(call, zone, "change_ttl", before))


def _change_nameservers(call: Call) -> Reply:
    zone, body = own_zone(call), call.body(ChangeNameservers)
    if zone.meta["mode"] != "secondary":
        text = "this operation is not supported for the mode of the zone"
        raise ApiError("incorrect_zone_mode", text)
    nameservers = nameservers_of(body.primary_nameservers)
    zone = _put(call, zone, primary_nameservers=nameservers)
    return acted(call, change(call, zone, "change_primary_nameservers"))


def _change_protection(call: Call) -> Reply:
    zone, body = own_zone(call), call.body(Protect)
    if body.delete is not None:
        zone = _put(call, zone, protected=body.delete)
    resources = (("zone", zone_id(zone)),)
    plan = Plan(command="change_protection", resources=resources, params={})
    return acted(call, call.record(plan))


ROUTES = [
    Route("GET", PATH, _list),
    Route("POST", PATH, _create),
    Route("GET", ONE, lambda call: one(call, "zone", own_zone(call), zone_view)),
    Route("PUT", ONE, _update),
    Route("DELETE", ONE, _delete),
    Route("GET", f"{ONE}/zonefile", _export),
    action_route(ONE, "import_zonefile", _import),
    action_route(ONE, "change_ttl", _change_ttl),
    action_route(ONE, "change_primary_nameservers", _change_nameservers),
    action_route(ONE, "change_protection", _change_protection),
    *action_routes(PATH, "zone", lambda call: zone_id(own_zone(call))),
]
