"""Placement groups. Everything runs on one machine, so a group only counts its members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.family import Family
from localcloud.hetzner.listing import chosen
from localcloud.hetzner.model import PlacementGroup
from localcloud.hetzner.names import check_long_name
from localcloud.hetzner.routing import Call, Reply

LARGEST = 10
"""Servers in one spread group (docs.hetzner.com/cloud/placement-groups/overview)."""


class CreateGroup(Body):
    """`POST /placement_groups`."""

    name: str
    type: Literal["spread"]
    labels: LabelMap = Field(default_factory=dict)


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


GROUPS = Family(
    path="/placement_groups",
    kind="placement_group",
    what="placement group",
    table=lambda state: state.placement_groups,
    view=view,
    check_name=check_long_name,
)


def _list(call: Call) -> Reply:
    chosen(call.query, "type", ("spread",))
    return GROUPS.page(call)


def _create(call: Call) -> Reply:
    body = call.body(CreateGroup)
    GROUPS.check_new(call, body.name)
    group = PlacementGroup(
        id=call.cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=call.cloud.now(),
        labels=body.labels,
        type=body.type,
    )
    rendered = view(call.cloud, GROUPS.put(call, group))
    return Reply(201, {"placement_group": rendered, "action": None})


def _delete(call: Call) -> Reply:
    group, state = GROUPS.own(call), call.cloud.state
    for server in state.servers.where("placement_group", group.id):
        state.servers.put(replace(server, placement_group=None))
    state.placement_groups.delete(group.id)
    return Reply(204, None)


ROUTES = GROUPS.routes(listing=_list, create=_create, delete=_delete)
