"""Floating IPs. They exist and move between servers in the API; no packet is routed to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan
from localcloud.hetzner.bodies import Body, Id, LabelMap, Reference, Strict
from localcloud.hetzner.cloud import Cloud, action_view, begun, done
from localcloud.hetzner.dns_ptr import ChangePtr, changed_ptr, default_ptr, ptr_list
from localcloud.hetzner.errors import ApiError, invalid, invalid_input, protected
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.model import Action, FloatingIp, IpType, Server
from localcloud.hetzner.names import check_name
from localcloud.hetzner.replies import (
    acted,
    action_route,
    action_routes,
    labelled,
    many,
    one,
    wanted,
)
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.state import check_name_free, owned

PATH = "/floating_ips"


class CreateIp(Strict):
    """`POST /floating_ips`."""

    type: IpType
    server: Id | None = None
    home_location: Reference | None = None
    description: str | None = None
    name: str | None = None
    labels: LabelMap = Field(default_factory=dict)


class UpdateIp(Strict):
    """`PUT /floating_ips/{id}`."""

    description: str | None = None
    name: str | None = None
    labels: LabelMap | None = None


class AssignIp(Strict):
    """`POST …/actions/assign`."""

    server: Id


class ProtectIp(Body):
    """`POST …/actions/change_protection`."""

    delete: bool


def view(_cloud: Cloud, ip: FloatingIp) -> dict[str, Any]:
    """A Floating IP as the API answers it."""
    place = catalogue.location_named(ip.home_location)
    return {
        "id": ip.id,
        "name": ip.name,
        "description": ip.description,
        "ip": ip.ip,
        "type": ip.type,
        "server": ip.server,
        "dns_ptr": ptr_list(ip.dns_ptr),
        "home_location": place.view() if place else None,
        "blocked": False,
        "protection": {"delete": ip.protected},
        "labels": ip.labels,
        "created": ip.created,
    }


def _own(call: Call) -> FloatingIp:
    return owned(call.cloud.state.floating_ips, call.project, call.id, "floating IP")


def _server(call: Call, server_id: int | None) -> Server | None:
    server = call.cloud.state.servers.get(server_id)
    if server_id is not None and (server is None or server.project != call.project):
        raise invalid_input("server not found")
    return server


def _home(body: CreateIp, server: Server | None) -> str:
    if server is not None:
        return server.location
    place = catalogue.location_named(body.home_location or "")
    if place is None:
        given = body.home_location is not None
        raise invalid("home_location", "not found" if given else "or a server is required")
    return place.name


def _create(call: Call) -> Reply:
    body, cloud, table = call.body(CreateIp), call.cloud, call.cloud.state.floating_ips
    server = _server(call, body.server)
    home = _home(body, server)
    if body.name is not None:
        check_name(body.name)
        check_name_free(table, None, call.project, body.name)
    check_limit(cloud.limits, "floating_ip", table.count("project", call.project) + 1)
    ip, number = cloud.take_ip(body.type), cloud.state.next_id()
    floating = FloatingIp(
        id=number,
        project=call.project,
        name=body.name or f"floating-ip-{number}",
        created=cloud.now(),
        labels=body.labels,
        type=body.type,
        ip=ip,
        home_location=home,
        description=body.description or "",
        dns_ptr=default_ptr(ip),
    )
    table.put(floating)
    action = _begin(call, floating, "assign_floating_ip", server.id) if server else None
    rendered = action_view(call, action) if action else None
    return Reply(201, {"floating_ip": view(cloud, floating), "action": rendered})


def _update(call: Call) -> Reply:
    ip, body, table = _own(call), call.body(UpdateIp), call.cloud.state.floating_ips
    name = ip.name if body.name is None else body.name
    check_name(name)
    check_name_free(table, ip, call.project, name)
    text = ip.description if body.description is None else body.description
    changed = replace(ip, name=name, description=text, labels=labelled(body.labels, ip))
    return one(call, "floating_ip", table.put(changed), view)


def _delete(call: Call) -> Reply:
    ip = _own(call)
    if ip.protected:
        raise protected("Floating IP deletion is protected")
    if ip.server is not None:
        raise ApiError("must_be_unassigned", "floating IP must be unassigned to be deleted")
    call.cloud.state.floating_ips.delete(ip.id)
    call.cloud.pool.release(ip.ip)
    return Reply(204, None)


def _begin(call: Call, ip: FloatingIp, command: str, server_id: int) -> Action:
    resources = (("server", server_id), ("floating_ip", ip.id))
    params = {"ip": ip.id, "server": server_id}
    return begun(call, Plan(command=command, resources=resources, params=params))


def _assign(call: Call) -> Reply:
    ip, body = _own(call), call.body(AssignIp)
    server = _server(call, body.server)
    if server is None or ip.server == server.id:
        raise ApiError("floating_ip_assigned", "floating IP is already assigned")
    return acted(call, _begin(call, ip, "assign_floating_ip", server.id))


def _unassign(call: Call) -> Reply:
    ip = _own(call)
    if ip.server is None:
        raise invalid_input("floating IP is not assigned")
    return acted(call, _begin(call, ip, "unassign_floating_ip", ip.server))


def _change_ptr(call: Call) -> Reply:
    ip, body = _own(call), call.body(ChangePtr)
    call.cloud.state.floating_ips.put(replace(ip, dns_ptr=changed_ptr(ip.ip, ip.dns_ptr, body)))
    plan = Plan(command="change_dns_ptr", resources=(("floating_ip", ip.id),), params={})
    return acted(call, done(call, plan))


def _change_protection(call: Call) -> Reply:
    ip, body = _own(call), call.body(ProtectIp)
    call.cloud.state.floating_ips.put(replace(ip, protected=body.delete))
    plan = Plan(command="change_protection", resources=(("floating_ip", ip.id),), params={})
    return acted(call, done(call, plan))


async def _run_assign(cloud: Cloud, action: Action) -> None:
    ip = cloud.state.floating_ips.get(action.params["ip"])
    if ip is not None:
        cloud.state.floating_ips.put(replace(ip, server=action.params["server"]))


async def _run_unassign(cloud: Cloud, action: Action) -> None:
    ip = cloud.state.floating_ips.get(action.params["ip"])
    if ip is not None:
        cloud.state.floating_ips.put(replace(ip, server=None))


EFFECTS = {
    "assign_floating_ip": Effect(_run_assign, seconds=1),
    "unassign_floating_ip": Effect(_run_unassign, seconds=1),
}
ROUTES = [
    Route(
        "GET",
        PATH,
        lambda call: many(call, "floating_ips", wanted(call, call.cloud.state.floating_ips), view),
    ),
    Route("POST", PATH, _create),
    Route("GET", f"{PATH}/{{id}}", lambda call: one(call, "floating_ip", _own(call), view)),
    Route("PUT", f"{PATH}/{{id}}", _update),
    Route("DELETE", f"{PATH}/{{id}}", _delete),
    action_route(f"{PATH}/{{id}}", "assign", _assign),
    action_route(f"{PATH}/{{id}}", "unassign", _unassign),
    action_route(f"{PATH}/{{id}}", "change_dns_ptr", _change_ptr),
    action_route(f"{PATH}/{{id}}", "change_protection", _change_protection),
    *action_routes(PATH, "floating_ip", lambda call: _own(call).id),
]
