"""Primary IPs: the public addresses of servers, which can outlive them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan, check_unchanged, check_unlocked
from localcloud.hetzner.bodies import Body, Id, LabelMap, Reference, Strict
from localcloud.hetzner.cloud import Cloud, action_view, begun, done
from localcloud.hetzner.dns_ptr import ChangePtr, changed_ptr, default_ptr, ptr_list
from localcloud.hetzner.errors import (
    ApiError,
    invalid,
    invalid_input,
    not_stopped,
    protected,
)
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import first
from localcloud.hetzner.model import Action, IpType, PrimaryIp, Server
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
from localcloud.hetzner.specs import tell_networks
from localcloud.hetzner.state import check_name_free, owned

PATH = "/primary_ips"
_CHANGES = ("assign_primary_ip", "unassign_primary_ip")


class CreateIp(Strict):
    """`POST /primary_ips`."""

    name: str
    type: IpType
    labels: LabelMap = Field(default_factory=dict)
    location: Reference | None = None
    assignee_type: Literal["server", "unassigned"] | None = None
    assignee_id: Id | None = None
    auto_delete: bool | None = False


class UpdateIp(Strict):
    """`PUT /primary_ips/{id}`."""

    name: str | None = None
    labels: LabelMap | None = None
    auto_delete: bool | None = None


class AssignIp(Strict):
    """`POST …/actions/assign`."""

    assignee_type: Literal["server"]
    assignee_id: Id


class ProtectIp(Body):
    """`POST …/actions/change_protection`."""

    delete: bool


def view(_cloud: Cloud, ip: PrimaryIp) -> dict[str, Any]:
    """A Primary IP as the API answers it."""
    place = catalogue.location_named(ip.location)
    return {
        "id": ip.id,
        "name": ip.name,
        "labels": ip.labels,
        "created": ip.created,
        "blocked": False,
        "location": place.view() if place else None,
        "ip": ip.ip,
        "dns_ptr": ptr_list(ip.dns_ptr),
        "protection": {"delete": ip.protected},
        "type": ip.type,
        "auto_delete": ip.auto_delete,
        "assignee_type": "server" if ip.assignee is not None else "unassigned",
        "assignee_id": ip.assignee,
    }


def new_ip(
    cloud: Cloud, project: str, kind: IpType, *, location: str, name: str | None = None
) -> PrimaryIp:
    """A fresh, unassigned address; without a name it is called after its id."""
    check_limit(cloud.limits, "primary_ip", cloud.state.primary_ips.count("project", project) + 1)
    ip, number = cloud.take_ip(kind), cloud.state.next_id()
    return PrimaryIp(
        id=number,
        project=project,
        name=name or f"primary_ip-{number}",
        created=cloud.now(),
        type=kind,
        ip=ip,
        location=location,
        dns_ptr=default_ptr(ip),
    )


def release(cloud: Cloud, ip: PrimaryIp) -> None:
    """Delete an address and give it back to the pool."""
    cloud.state.primary_ips.delete(ip.id)
    cloud.pool.release(ip.ip)


def check_assignable(cloud: Cloud, ip: PrimaryIp, server: Server) -> None:
    """Raise unless the (powered off) server can take the address."""
    if server.location != ip.location:
        text = "primary ip and server are in different locations"
        raise ApiError("primary_ip_datacenter_mismatch", text)
    if server.status != "off":
        raise not_stopped()
    if any(x.type == ip.type for x in cloud.state.primary_ips.where("server", server.id)):
        kind = ip.type.replace("ip", "IP")
        raise ApiError(f"server_has_{ip.type}", f"server already has an {kind} address")


def _own(call: Call) -> PrimaryIp:
    return owned(call.cloud.state.primary_ips, call.project, call.id, "primary ip")


def _list(call: Call) -> Reply:
    ips = wanted(call, call.cloud.state.primary_ips)
    address = first(call.query, "ip")
    return many(call, "primary_ips", [x for x in ips if address in (None, x.ip)], view)


def _place(call: Call, body: CreateIp) -> tuple[str, Server | None]:
    """Where the new address is, and the server that gets it."""
    if body.assignee_id is not None:
        server = call.cloud.state.servers.get(body.assignee_id)
        if server is None or server.project != call.project:
            raise invalid_input("server not found")
        return server.location, server
    place = catalogue.location_named(body.location or "")
    if place is None:
        raise invalid("location", "is required" if body.location is None else "not found")
    return place.name, None


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateIp), call.cloud
    check_name(body.name)
    check_name_free(cloud.state.primary_ips, None, call.project, body.name)
    location, server = _place(call, body)
    ip = new_ip(cloud, call.project, body.type, location=location, name=body.name)
    ip = replace(ip, labels=body.labels, auto_delete=bool(body.auto_delete))
    if server is None:
        return Reply(201, {"primary_ip": view(cloud, cloud.state.primary_ips.put(ip))})
    try:
        check_unlocked(cloud, "server", server.id)
        check_assignable(cloud, ip, server)
    except ApiError:
        cloud.pool.release(ip.ip)
        raise
    cloud.state.primary_ips.put(ip)
    action = _begin_assign(call, ip, server.id)
    return Reply(201, {"primary_ip": view(cloud, ip), "action": action_view(call, action)})


def _update(call: Call) -> Reply:
    ip, body, table = _own(call), call.body(UpdateIp), call.cloud.state.primary_ips
    check_unchanged(call.cloud, "primary_ip", ip.id, _CHANGES)
    name = ip.name if body.name is None else body.name
    check_name(name)
    check_name_free(table, ip, call.project, name)
    auto = ip.auto_delete if body.auto_delete is None else body.auto_delete
    if auto and ip.protected:
        raise invalid("auto_delete", "cannot be set while the Primary IP is delete protected")
    changed = replace(ip, name=name, auto_delete=auto, labels=labelled(body.labels, ip))
    return one(call, "primary_ip", table.put(changed), view)


def _delete(call: Call) -> Reply:
    ip = _own(call)
    if ip.protected:
        raise protected("Primary IP deletion is protected")
    check_unchanged(call.cloud, "primary_ip", ip.id, _CHANGES)
    if ip.assignee is not None:
        raise ApiError("must_be_unassigned", "primary IP must be unassigned to be deleted")
    release(call.cloud, ip)
    return Reply(204, None)


def _begin_assign(call: Call, ip: PrimaryIp, server_id: int) -> Action:
    resources = (("server", server_id), ("primary_ip", ip.id))
    params = {"ip": ip.id, "server": server_id}
    return begun(call, Plan(command="assign_primary_ip", resources=resources, params=params))


def _assign(call: Call) -> Reply:
    ip, body, cloud = _own(call), call.body(AssignIp), call.cloud
    server = cloud.state.servers.get(body.assignee_id)
    if server is None or server.project != call.project:
        raise invalid_input("server not found")
    check_unchanged(cloud, "primary_ip", ip.id, _CHANGES)
    check_unlocked(cloud, "server", server.id)
    if ip.assignee is not None:
        raise ApiError("primary_ip_already_assigned", "primary ip is already assigned")
    check_assignable(cloud, ip, server)
    return acted(call, _begin_assign(call, ip, server.id))


def _unassign(call: Call) -> Reply:
    ip, cloud = _own(call), call.cloud
    check_unchanged(cloud, "primary_ip", ip.id, _CHANGES)
    server = cloud.state.servers.get(ip.assignee)
    if server is None:
        raise invalid_input("primary ip is not assigned")
    check_unlocked(cloud, "server", server.id)
    if server.status != "off":
        raise not_stopped()
    resources = (("server", server.id), ("primary_ip", ip.id))
    params = {"ip": ip.id, "server": server.id}
    plan = Plan(command="unassign_primary_ip", resources=resources, params=params)
    return acted(call, begun(call, plan))


def _change_ptr(call: Call) -> Reply:
    ip, body = _own(call), call.body(ChangePtr)
    call.cloud.state.primary_ips.put(replace(ip, dns_ptr=changed_ptr(ip.ip, ip.dns_ptr, body)))
    plan = Plan(command="change_dns_ptr", resources=(("primary_ip", ip.id),), params={})
    return acted(call, done(call, plan))


def _change_protection(call: Call) -> Reply:
    ip, body = _own(call), call.body(ProtectIp)
    if body.delete and ip.auto_delete:
        raise invalid("delete", "cannot be set while auto_delete is set")
    call.cloud.state.primary_ips.put(replace(ip, protected=body.delete))
    plan = Plan(command="change_protection", resources=(("primary_ip", ip.id),), params={})
    return acted(call, done(call, plan))


async def _effect(cloud: Cloud, action: Action, *, assign: bool) -> None:
    ip = cloud.state.primary_ips.get(action.params["ip"])
    server_id = action.params["server"]
    if ip is not None:
        cloud.state.primary_ips.put(replace(ip, assignee=server_id if assign else None))
    await tell_networks(cloud, server_id)
    server = cloud.state.servers.get(server_id)
    if server is not None:
        cloud.enforcement.server_changed(server)


async def _run_assign(cloud: Cloud, action: Action) -> None:
    await _effect(cloud, action, assign=True)


async def _run_unassign(cloud: Cloud, action: Action) -> None:
    await _effect(cloud, action, assign=False)


EFFECTS = {
    "assign_primary_ip": Effect(_run_assign, seconds=2),
    "unassign_primary_ip": Effect(_run_unassign, seconds=2),
}
ROUTES = [
    Route("GET", PATH, _list),
    Route("POST", PATH, _create),
    Route("GET", f"{PATH}/{{id}}", lambda call: one(call, "primary_ip", _own(call), view)),
    Route("PUT", f"{PATH}/{{id}}", _update),
    Route("DELETE", f"{PATH}/{{id}}", _delete),
    action_route(f"{PATH}/{{id}}", "assign", _assign),
    action_route(f"{PATH}/{{id}}", "unassign", _unassign),
    action_route(f"{PATH}/{{id}}", "change_dns_ptr", _change_ptr),
    action_route(f"{PATH}/{{id}}", "change_protection", _change_protection),
    *action_routes(PATH, "primary_ip", lambda call: _own(call).id),
]
