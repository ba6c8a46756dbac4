"""What is the same for every project: locations, server types, ISOs, prices; and what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from localcloud.hetzner import catalogue
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, not_found
from localcloud.hetzner.listing import chosen, first
from localcloud.hetzner.replies import many
from localcloud.hetzner.routing import Call, Reply, Route

T = TypeVar("T")

_NAMED = {"id": lambda item: item.id, "name": lambda item: item.name}
_ISO_KEYS = {"id": lambda iso: iso["id"], "name": lambda iso: iso["name"]}
_DATACENTERS_GONE = "https://docs.hetzner.cloud/changelog#2026-06-02-datacenters-deprecated"


def location_view(_cloud: Cloud, place: catalogue.Location) -> dict[str, Any]:
    """A location as the API answers it."""
    return place.view()


def server_type_view(cloud: Cloud, kind: catalogue.ServerType) -> dict[str, Any]:
    """A server type as the API answers it, with what is in stock now."""
    key = (kind.id, frozenset(cloud.sold_out))
    if key not in cloud.rendered_types:
        cloud.rendered_types[key] = catalogue.server_type_view(kind, cloud.sold_out)
    return cloud.rendered_types[key]


def _named(call: Call, items: Sequence[T]) -> list[T]:
    name = first(call.query, "name")
    return [item for item in items if name is None or getattr(item, "name", None) == name]


def _by_id(call: Call, items: Sequence[T], what: str) -> T:
    found = next((item for item in items if getattr(item, "id", None) == call.id), None)
    if found is None:
        raise not_found(what, call.id)
    return found


def _locations(call: Call) -> Reply:
    return many(call, "locations", _named(call, catalogue.LOCATIONS), location_view, _NAMED)


def _location(call: Call) -> Reply:
    return Reply(200, {"location": _by_id(call, catalogue.LOCATIONS, "location").view()})


def _server_types(call: Call) -> Reply:
    kinds = _named(call, catalogue.SERVER_TYPES)
    return many(call, "server_types", kinds, server_type_view, _NAMED)


def _server_type(call: Call) -> Reply:
    kind = _by_id(call, catalogue.SERVER_TYPES, "server type")
    return Reply(200, {"server_type": server_type_view(call.cloud, kind)})


def _isos(call: Call) -> Reply:
    name = first(call.query, "name")
    wanted = chosen(call.query, "architecture", ("x86", "arm"))
    wildcard = (first(call.query, "include_architecture_wildcard") or "").lower() == "true"
    fits = [
        iso
        for iso in catalogue.ISOS
        if (name is None or iso["name"] == name)
        and (
            wanted is None
            or iso["architecture"] in wanted
            or (wildcard and iso["architecture"] is None)
        )
    ]
    return many(call, "isos", fits, lambda _, iso: dict(iso), _ISO_KEYS)


def iso_of(reference: int | str) -> dict[str, Any] | None:
    """The ISO of that id or name."""
    wanted = str(reference)
    return next((iso for iso in catalogue.ISOS if wanted in (str(iso["id"]), iso["name"])), None)


def _iso(call: Call) -> Reply:
    found = iso_of(call.id)
    if found is None:
        raise not_found("iso", call.id)
    return Reply(200, {"iso": found})


def _pricing(_call: Call) -> Reply:
    return Reply(200, {"pricing": catalogue.pricing_view()})


def _gone(_call: Call) -> Reply:
    details = {"announcement": _DATACENTERS_GONE}
    raise ApiError("deprecated_api_endpoint", "API functionality was removed", details)


ROUTES = [
    Route("GET", "/locations", _locations),
    Route("GET", "/locations/{id}", _location),
    Route("GET", "/server_types", _server_types),
    Route("GET", "/server_types/{id}", _server_type),
    Route("GET", "/isos", _isos),
    Route("GET", "/isos/{id}", _iso),
    Route("GET", "/pricing", _pricing),
    Route("GET", "/datacenters", _gone),
    Route("GET", "/datacenters/{id}", _gone),
]
