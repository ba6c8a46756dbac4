"""Floating IPs. They exist and move between servers in the API; no packet is routed to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan, check_unlocked
from localcloud.hetzner.bodies import Id, LabelMap, Reference, Strict
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.dns_ptr import change_ptr, default_ptr, ptr_list
from localcloud.hetzner.errors import ApiError, invalid_input, protected
from localcloud.hetzner.family import Family, ProtectSurely, Rename
from localcloud.hetzner.model import Action, FloatingIp, IpType, Server
from localcloud.hetzner.replies import acted, action_view
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.state import referenced

PATH = "/floating_ips"


class CreateIp(Strict):
    """`POST /floating_ips`."""

    type: IpType
    server: Id | None = None
    home_location: Reference | None = None
    description: str | None = None
    name: str | None = None
    labels: LabelMap = Field(default_factory=dict)


class UpdateIp(Rename, Strict):
    """`PUT /floating_ips/{id}`."""

    description: str | None = None


class AssignIp(Strict):
    """`POST …/actions/assign`."""

    server: Id


def view(_cloud: Cloud, ip: FloatingIp) -> dict[str, Any]:
    """A Floating IP as the API answers it."""
    return {
        "id": ip.id,
        "name": ip.name,
        "description": ip.description,
        "ip": ip.ip,
        "type": ip.type,
        "server": ip.server,
        "dns_ptr": ptr_list(ip.dns_ptr),
        "home_location": catalogue.location_view(ip.home_location),
        "blocked": False,
        "protection": {"delete": ip.protected},
        "labels": ip.labels,
        "created": ip.created,
    }


FLOATING_IPS = Family(
    path=PATH,
    kind="floating_ip",
    what="floating IP",
    table=lambda state: state.floating_ips,
    view=view,
    protection=ProtectSurely,
)


def _server(call: Call, server_id: int) -> Server:
    """The project's server of that id; raises `invalid_input`, or `locked`."""
    server = referenced(call.cloud.state.servers, call.project, server_id, "server")
    check_unlocked(call.cloud.state, "server", server.id)
    return server


def _unlocked(call: Call) -> FloatingIp:
    ip = FLOATING_IPS.own(call)
    check_unlocked(call.cloud.state, "floating_ip", ip.id)
    return ip


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateIp), call.cloud
    server = _server(call, body.server) if body.server is not None else None
    wish = server.location if server else body.home_location
    home = catalogue.chosen_location(wish, "home_location", "or a server is required")
    FLOATING_IPS.check_new(call, body.name)
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
    FLOATING_IPS.put(call, floating)
    action = _begin(call, floating, "assign_floating_ip", server.id) if server else None
    rendered = action_view(call.cloud, action) if action else None
    return Reply(201, {"floating_ip": view(cloud, floating), "action": rendered})


def _update(call: Call) -> Reply:
    ip, body = FLOATING_IPS.own(call), call.body(UpdateIp)
    text = ip.description if body.description is None else body.description
    return FLOATING_IPS.renamed(call, ip, body, description=text)


def _delete(call: Call) -> Reply:
    ip = FLOATING_IPS.own(call)
    if ip.protected:
        raise protected("Floating IP deletion is protected")
    _unlocked(call)
    if ip.server is not None:
        raise ApiError("must_be_unassigned", "floating IP must be unassigned to be deleted")
    call.cloud.state.floating_ips.delete(ip.id)
    call.cloud.pool.release(ip.ip)
    return Reply(204, None)


def _begin(call: Call, ip: FloatingIp, command: str, server_id: int) -> Action:
    resources = (("server", server_id), ("floating_ip", ip.id))
    params = {"ip": ip.id, "server": server_id}
    return call.begin(Plan(command=command, resources=resources, params=params))


def _assign(call: Call) -> Reply:
    ip, body = _unlocked(call), call.body(AssignIp)
    server = _server(call, body.server)
    if ip.server == server.id:
        raise ApiError("floating_ip_assigned", "floating IP is already assigned")
    return acted(call, _begin(call, ip, "assign_floating_ip", server.id))


def _unassign(call: Call) -> Reply:
    ip = _unlocked(call)
    if ip.server is None:
        raise invalid_input("floating IP is not assigned")
    check_unlocked(call.cloud.state, "server", ip.server)
    return acted(call, _begin(call, ip, "unassign_floating_ip", ip.server))


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
    *FLOATING_IPS.routes(create=_create, update=_update, delete=_delete),
    FLOATING_IPS.acts("assign", _assign),
    FLOATING_IPS.acts("unassign", _unassign),
    FLOATING_IPS.acts("change_dns_ptr", lambda call: change_ptr(FLOATING_IPS, call)),
    FLOATING_IPS.acts("change_protection", FLOATING_IPS.protect),
    *FLOATING_IPS.action_routes(),
]
