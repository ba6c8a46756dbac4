"""Placement groups. Everything runs on one machine, so a group only counts its members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import chosen
from localcloud.hetzner.model import PlacementGroup
from localcloud.hetzner.names import check_name
from localcloud.hetzner.replies import labelled, many, one, wanted
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.state import check_name_free, owned

LARGEST = 10
"""Servers in one spread group (docs.hetzner.com/cloud/placement-groups/overview)."""


class CreateGroup(Body):
    """`POST /placement_groups`."""

    name: str
    type: Literal["spread"]
    labels: LabelMap = Field(default_factory=dict)


class UpdateGroup(Body):
    """`PUT /placement_groups/{id}`."""

    name: str | None = None
    labels: LabelMap | None = None


def view(cloud: Cloud, group: PlacementGroup) -> dict[str, Any]:
    """A group as the API answers it."""
    return {
        "id": group.id,
        "name": group.name,
        "labels": group.labels,
        "type": group.type,
        "created": group.created,
        "servers": [s.id for s in cloud.state.servers.where("placement_group", group.id)],
    }


def check_room(cloud: Cloud, group: PlacementGroup) -> None:
    """Raise `placement_error` when the group is full."""
    if cloud.state.servers.count("placement_group", group.id) >= LARGEST:
        text = f"placement group has its maximum of {LARGEST} servers"
        raise ApiError("placement_error", text)


def _own(call: Call) -> PlacementGroup:
    return owned(call.cloud.state.placement_groups, call.project, call.id, "placement group")


def _list(call: Call) -> Reply:
    chosen(call.query, "type", ("spread",))
    groups = wanted(call, call.cloud.state.placement_groups)
    return many(call, "placement_groups", groups, view)


def _create(call: Call) -> Reply:
    body, table = call.body(CreateGroup), call.cloud.state.placement_groups
    check_name(body.name, 255)
    check_name_free(table, None, call.project, body.name)
    check_limit(call.cloud.limits, "placement_group", table.count("project", call.project) + 1)
    group = PlacementGroup(
        id=call.cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=call.cloud.now(),
        labels=body.labels,
        type=body.type,
    )
    rendered = view(call.cloud, table.put(group))
    return Reply(201, {"placement_group": rendered, "action": None})


def _update(call: Call) -> Reply:
    group, body = _own(call), call.body(UpdateGroup)
    name = group.name if body.name is None else body.name
    check_name(name, 255)
    check_name_free(call.cloud.state.placement_groups, group, call.project, name)
    changed = replace(group, name=name, labels=labelled(body.labels, group))
    return one(call, "placement_group", call.cloud.state.placement_groups.put(changed), view)


def _delete(call: Call) -> Reply:
    group, state = _own(call), call.cloud.state
    for server in state.servers.where("placement_group", group.id):
        state.servers.put(replace(server, placement_group=None))
    state.placement_groups.delete(group.id)
    return Reply(204, None)


ROUTES = [
    Route("GET", "/placement_groups", _list),
    Route("POST", "/placement_groups", _create),
    Route(
        "GET",
        "/placement_groups/{id}",
        lambda call: one(call, "placement_group", _own(call), view),
    ),
    Route("PUT", "/placement_groups/{id}", _update),
    Route("DELETE", "/placement_groups/{id}", _delete),
]
