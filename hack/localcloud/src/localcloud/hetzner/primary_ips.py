"""Primary IPs: the public addresses of servers, which can outlive them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan, check_unchanged, check_unlocked
from localcloud.hetzner.bodies import Id, LabelMap, Reference, Strict
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.dns_ptr import change_ptr, default_ptr, ptr_list
from localcloud.hetzner.errors import (
    ApiError,
    invalid,
    invalid_input,
    not_stopped,
    protected,
)
from localcloud.hetzner.family import Family, ProtectSurely, Rename
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import first
from localcloud.hetzner.model import Action, IpType, PrimaryIp, Server
from localcloud.hetzner.replies import acted, action_view, wanted
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.specs import tell_networks
from localcloud.hetzner.state import referenced

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


class UpdateIp(Rename, Strict):
    """`PUT /primary_ips/{id}`."""

    auto_delete: bool | None = None


class AssignIp(Strict):
    """`POST …/actions/assign`."""

    assignee_type: Literal["server"]
    assignee_id: Id


def view(_cloud: Cloud, ip: PrimaryIp) -> dict[str, Any]:
    """A Primary IP as the API answers it."""
    return {
        "id": ip.id,
        "name": ip.name,
        "labels": ip.labels,
        "created": ip.created,
        "blocked": False,
        "location": catalogue.location_view(ip.location),
        "ip": ip.ip,
        "dns_ptr": ptr_list(ip.dns_ptr),
        "protection": {"delete": ip.protected},
        "type": ip.type,
        "auto_delete": ip.auto_delete,
        "assignee_type": "server" if ip.assignee is not None else "unassigned",
        "assignee_id": ip.assignee,
    }


PRIMARY_IPS = Family(
    path=PATH,
    kind="primary_ip",
    what="primary ip",
    table=lambda state: state.primary_ips,
    view=view,
    protection=ProtectSurely,
)


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


def _list(call: Call) -> Reply:
    ips = wanted(call, call.cloud.state.primary_ips)
    address = first(call.query, "ip")
    return PRIMARY_IPS.listed(call, (ip for ip in ips if address in (None, ip.ip)))


def _unchanged(call: Call) -> PrimaryIp:
    ip = PRIMARY_IPS.own(call)
    check_unchanged(call.cloud.state, "primary_ip", ip.id, _CHANGES)
    return ip


def _place(call: Call, body: CreateIp) -> tuple[str, Server | None]:
    """Where the new address is, and the server that gets it."""
    if body.assignee_id is not None:
        server = referenced(call.cloud.state.servers, call.project, body.assignee_id, "server")
        return server.location, server
    return catalogue.chosen_location(body.location, "location", "is required"), None


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateIp), call.cloud
    PRIMARY_IPS.check_new(call, body.name)
    location, server = _place(call, body)
    ip = new_ip(cloud, call.project, body.type, location=location, name=body.name)
    ip = replace(ip, labels=body.labels, auto_delete=bool(body.auto_delete))
    if server is None:
        return Reply(201, {"primary_ip": view(cloud, cloud.state.primary_ips.put(ip))})
    try:
        check_unlocked(cloud.state, "server", server.id)
        check_assignable(cloud, ip, server)
    except ApiError:
        cloud.pool.release(ip.ip)
        raise
    cloud.state.primary_ips.put(ip)
    action = _begin(call, ip, "assign_primary_ip", server.id)
    return Reply(201, {"primary_ip": view(cloud, ip), "action": action_view(call.cloud, action)})


def _update(call: Call) -> Reply:
    ip, body = _unchanged(call), call.body(UpdateIp)
    auto = ip.auto_delete if body.auto_delete is None else body.auto_delete
    if auto and ip.protected:
        raise invalid("auto_delete", "cannot be set while the Primary IP is delete protected")
    return PRIMARY_IPS.renamed(call, ip, body, auto_delete=auto)


def _delete(call: Call) -> Reply:
    ip = PRIMARY_IPS.own(call)
    if ip.protected:
        raise protected("Primary IP deletion is protected")
    _unchanged(call)
    if ip.assignee is not None:
        raise ApiError("must_be_unassigned", "primary IP must be unassigned to be deleted")
    release(call.cloud, ip)
    return Reply(204, None)


def _begin(call: Call, ip: PrimaryIp, command: str, server_id: int) -> Action:
    resources = (("server", server_id), ("primary_ip", ip.id))
    params = {"ip": ip.id, "server": server_id}
    return call.begin(Plan(command=command, resources=resources, params=params))


def _assign(call: Call) -> Reply:
    ip, body, cloud = _unchanged(call), call.body(AssignIp), call.cloud
    server = referenced(cloud.state.servers, call.project, body.assignee_id, "server")
    check_unlocked(cloud.state, "server", server.id)
    if ip.assignee is not None:
        raise ApiError("primary_ip_already_assigned", "primary ip is already assigned")
    check_assignable(cloud, ip, server)
    return acted(call, _begin(call, ip, "assign_primary_ip", server.id))


def _unassign(call: Call) -> Reply:
    ip, cloud = _unchanged(call), call.cloud
    server = cloud.state.servers.get(ip.assignee)
    if server is None:
        raise invalid_input("primary ip is not assigned")
    check_unlocked(cloud.state, "server", server.id)
    if server.status != "off":
        raise not_stopped()
    return acted(call, _begin(call, ip, "unassign_primary_ip", server.id))


def _change_protection(call: Call) -> Reply:
    ip = PRIMARY_IPS.own(call)
    if ip.auto_delete and call.body(ProtectSurely).delete:
        raise invalid("delete", "cannot be set while auto_delete is set")
    return PRIMARY_IPS.protect(call)


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
    *PRIMARY_IPS.routes(listing=_list, create=_create, update=_update, delete=_delete),
    PRIMARY_IPS.acts("assign", _assign),
    PRIMARY_IPS.acts("unassign", _unassign),
    PRIMARY_IPS.acts("change_dns_ptr", lambda call: change_ptr(PRIMARY_IPS, call)),
    PRIMARY_IPS.acts("change_protection", _change_protection),
    *PRIMARY_IPS.action_routes(),
]
