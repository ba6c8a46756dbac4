"""Smaller actions on servers: protection, reverse names, rescue, password, placement group."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from localcloud.hetzner import placement_groups, servers, times
from localcloud.hetzner.actions import Effect
from localcloud.hetzner.bodies import Body, Id
from localcloud.hetzner.cloud import Cloud, expected
from localcloud.hetzner.dns_ptr import ChangePtr, belonging, changed_ptr
from localcloud.hetzner.errors import ApiError, invalid, invalid_input, locked, not_stopped
from localcloud.hetzner.model import Action
from localcloud.hetzner.names import password
from localcloud.hetzner.replies import acted, action_route
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.state import referenced

RESCUE_MINUTES = 60


class Protect(Body):
    """`POST …/actions/change_protection`."""

    delete: bool | None = None
    rebuild: bool | None = None


class EnableRescue(Body):
    """`POST …/actions/enable_rescue`."""

    type: Literal["linux64"] | None = "linux64"
    ssh_keys: list[Id] | None = None


class AddToGroup(Body):
    """`POST …/actions/add_to_placement_group`."""

    placement_group: Id


def _change_protection(call: Call) -> Reply:
    server, body = servers.own(call), call.body(Protect)
    if server.status == "deleting":
        raise locked()
    if body.delete != body.rebuild:
        raise invalid("delete", "must be the same as rebuild")
    if body.delete is not None:
        call.cloud.state.servers.put(replace(server, protected=body.delete))
    return acted(call, call.record(servers.plan(server, "change_protection")))


def _change_ptr(call: Call) -> Reply:
    server, body, table = servers.own(call), call.body(ChangePtr), call.cloud.state.primary_ips
    own = [ip for ip in table.where("server", server.id) if belonging(body.ip, ip.ip)]
    if not own:
        raise invalid("ip", "does not belong to the server")
    table.put(replace(own[0], dns_ptr=changed_ptr(own[0].ip, own[0].dns_ptr, body)))
    return acted(call, call.begin(servers.plan(server, "change_dns_ptr")))


def _enable_rescue(call: Call) -> Reply:
    server, body, cloud = servers.unlocked(call), call.body(EnableRescue), call.cloud
    if expected(cloud.clock.now(), server.rescue_until):
        raise invalid_input("rescue system is already enabled")
    for key in body.ssh_keys or ():
        referenced(cloud.state.ssh_keys, call.project, key, "SSH key")
    until = times.written(cloud.clock.now() + timedelta(minutes=RESCUE_MINUTES))
    cloud.state.servers.put(replace(server, rescue_until=until))
    action = call.record(servers.plan(server, "enable_rescue"))
    return acted(call, action, root_password=password())


def _disable_rescue(call: Call) -> Reply:
    server = servers.unlocked(call)
    call.cloud.state.servers.put(replace(server, rescue_until=None))
    return acted(call, call.record(servers.plan(server, "disable_rescue")))


def _reset_password(call: Call) -> Reply:
    server = servers.unlocked(call)
    if server.status != "running":
        raise ApiError("service_error", "server must be running to reset its password")
    secret = password()
    action = call.begin(servers.plan(server, "reset_password", password=secret))
    return acted(call, action, root_password=secret)


async def _run_reset_password(cloud: Cloud, action: Action) -> None:
    await cloud.machines.set_password(action.params["server"], action.params["password"])


def _add_to_group(call: Call) -> Reply:
    server, body, cloud = servers.unlocked(call), call.body(AddToGroup), call.cloud
    if server.placement_group is not None:
        text = "server is already part of a placement group"
        raise ApiError("already_in_placement_group", text)
    if server.status != "off":
        raise not_stopped()
    table = cloud.state.placement_groups
    group = referenced(table, call.project, body.placement_group, "placement group")
    placement_groups.check_room(cloud, group)
    cloud.state.servers.put(replace(server, placement_group=group.id))
    return acted(call, call.record(servers.plan(server, "add_to_placement_group")))


def _remove_from_group(call: Call) -> Reply:
    server = servers.unlocked(call)
    if server.placement_group is None:
        raise invalid_input("server is not part of a placement group")
    call.cloud.state.servers.put(replace(server, placement_group=None))
    return acted(call, call.record(servers.plan(server, "remove_from_placement_group")))


async def _run_nothing(_cloud: Cloud, _action: Action) -> None:
    """The change is made already; the action only tells that it is being published."""


INSTANT = (
    "change_protection",
    "change_dns_ptr",
    "enable_rescue",
    "disable_rescue",
    "enable_backup",
    "disable_backup",
    "attach_iso",
    "detach_iso",
    "add_to_placement_group",
    "remove_from_placement_group",
)
EFFECTS = {
    "reset_password": Effect(_run_reset_password, seconds=2),
    **{command: Effect(_run_nothing, seconds=0) for command in INSTANT},
}
_ONE = f"{servers.PATH}/{{id}}"
ROUTES = [
    action_route(_ONE, "change_protection", _change_protection),
    action_route(_ONE, "change_dns_ptr", _change_ptr),
    action_route(_ONE, "enable_rescue", _enable_rescue),
    action_route(_ONE, "disable_rescue", _disable_rescue),
    action_route(_ONE, "reset_password", _reset_password),
    action_route(_ONE, "add_to_placement_group", _add_to_group),
    action_route(_ONE, "remove_from_placement_group", _remove_from_group),
]
