"""Servers: how they are shown, listed, renamed and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.hetzner import catalogue, firewalls, images, placement_groups, primary_ips, static
from localcloud.hetzner.actions import Effect, Plan, check_unlocked, holders
from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud, expected
from localcloud.hetzner.dns_ptr import ptr_list
from localcloud.hetzner.errors import protected
from localcloud.hetzner.listing import chosen
from localcloud.hetzner.model import Action, PrimaryIp, Server
from localcloud.hetzner.names import check_hostname
from localcloud.hetzner.replies import acted, action_routes, labelled, many, one, wanted
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.specs import machine_spec
from localcloud.hetzner.state import check_name_free, owned

PATH = "/servers"
STATUSES = (
    "running",
    "initializing",
    "starting",
    "stopping",
    "off",
    "deleting",
    "migrating",
    "rebuilding",
    "unknown",
)


class UpdateServer(Body):
    """`PUT /servers/{id}`."""

    name: str | None = None
    labels: LabelMap | None = None


def view(cloud: Cloud, server: Server) -> dict[str, Any]:
    """A server as the API answers it."""
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "created": server.created,
        "server_type": type_view(cloud, server),
        "location": place_view(server),
        "image": image_view(cloud, server),
        "iso": static.iso_of(server.iso) if server.iso is not None else None,
        "labels": server.labels,
        "protection": {"delete": server.protected, "rebuild": server.protected},
        "rescue_enabled": expected(cloud.clock.now(), server.rescue_until),
        "locked": bool(holders(cloud.state, "server", server.id)),
        "backup_window": server.backup_window,
        "primary_disk_size": server.primary_disk_size,
        "placement_group": _group_view(cloud, server),
        "volumes": [volume.id for volume in cloud.state.volumes.where("server", server.id)],
        "load_balancers": [],
        "public_net": _public_view(cloud, server),
        "private_net": [_private_view(net) for net in server.private_nets],
        **_traffic(server),
    }


def type_view(cloud: Cloud, server: Server) -> dict[str, Any] | None:
    """The server's type."""
    kind = catalogue.server_type_named(server.server_type)
    return static.server_type_view(cloud, kind) if kind else None


def place_view(server: Server) -> dict[str, Any] | None:
    """The server's location."""
    place = catalogue.location_named(server.location)
    return place.view() if place else None


def image_view(cloud: Cloud, server: Server) -> dict[str, Any] | None:
    """The image the server was made from, unless that was deleted since."""
    image = cloud.image(server.image)
    return images.view(cloud, image) if image else None


def _group_view(cloud: Cloud, server: Server) -> dict[str, Any] | None:
    group = cloud.state.placement_groups.get(server.placement_group)
    return placement_groups.view(cloud, group) if group else None


def _traffic(server: Server) -> dict[str, Any]:
    included = (
        catalogue.TRAFFIC_EU if server.location in catalogue.EU else catalogue.TRAFFIC_ELSEWHERE
    )
    return {"included_traffic": included, "ingoing_traffic": 0, "outgoing_traffic": 0}


def _public_view(cloud: Cloud, server: Server) -> dict[str, Any]:
    pending = cloud.enforcement.pending(server.id)
    status = "pending" if pending else "applied"
    own = cloud.state.primary_ips.where("server", server.id)
    return {
        "ipv4": next((_ipv4_view(ip) for ip in own if ip.type == "ipv4"), None),
        "ipv6": next((_ipv6_view(ip) for ip in own if ip.type == "ipv6"), None),
        "floating_ips": [ip.id for ip in cloud.state.floating_ips.where("server", server.id)],
        "firewalls": [
            {"id": firewall_id, "status": status}
            for firewall_id in cloud.enforcement.of_server(server.id)
        ],
    }


def _ipv4_view(ip: PrimaryIp) -> dict[str, Any]:
    return {"id": ip.id, "ip": ip.ip, "blocked": False, "dns_ptr": ip.dns_ptr.get(ip.ip, "")}


def _ipv6_view(ip: PrimaryIp) -> dict[str, Any]:
    return {"id": ip.id, "ip": ip.ip, "blocked": False, "dns_ptr": ptr_list(ip.dns_ptr)}


def _private_view(net: Any) -> dict[str, Any]:
    return {
        "network": net.network,
        "ip": net.ip,
        "alias_ips": list(net.alias_ips),
        "mac_address": net.mac_address,
    }


def own(call: Call) -> Server:
    """The server that the path names; raises `not_found`."""
    return owned(call.cloud.state.servers, call.project, call.id, "server")


def unlocked(call: Call) -> Server:
    """The server that the path names; raises `locked` while an action holds it."""
    server = own(call)
    check_unlocked(call.cloud.state, "server", server.id)
    return server


def with_status(call: Call, server: Server, status: str) -> Server:
    """Show another status from now on."""
    return call.cloud.state.servers.put(replace(server, status=status))


def change(cloud: Cloud, server_id: int, **changes: Any) -> None:
    """Change a server as it is now, which other requests may have changed since it was read."""
    server = cloud.state.servers.get(server_id)
    if server is not None:
        cloud.state.servers.put(replace(server, **changes))


def plan(server: Server, command: str, **params: Any) -> Plan:
    """An action on a server alone."""
    return Plan(
        command=command,
        resources=(("server", server.id),),
        params={"server": server.id, **params},
    )


def _list(call: Call) -> Reply:
    statuses = chosen(call.query, "status", STATUSES)
    servers = wanted(call, call.cloud.state.servers)
    if statuses is not None:
        servers = [server for server in servers if server.status in statuses]
    return many(call, "servers", servers, view)


def _update(call: Call) -> Reply:
    server, body, cloud = own(call), call.body(UpdateServer), call.cloud
    name = server.name if body.name is None else body.name
    check_hostname(name)
    check_name_free(cloud.state.servers, server, call.project, name)
    changed = replace(server, name=name, labels=labelled(body.labels, server))
    cloud.state.servers.put(changed)
    if changed.labels != server.labels:
        cloud.enforcement.server_changed(changed)
    if changed.name != server.name and server.status != "initializing":
        cloud.engine.work(plan(server, "tell_metadata"))
    return one(call, "server", changed, view)


def _delete(call: Call) -> Reply:
    server = own(call)
    if server.protected:
        raise protected("server deletion is protected")
    check_unlocked(call.cloud.state, "server", server.id)
    action = call.begin(plan(server, "delete_server", status=server.status))
    with_status(call, server, "deleting")
    return acted(call, action, 200)


async def _run_delete(cloud: Cloud, action: Action) -> None:
    server = cloud.state.servers.get(action.params["server"])
    if server is None:
        return
    attached = cloud.state.volumes.where("server", server.id)
    for volume in attached:
        await cloud.machines.detach_volume(volume.id, server.id)
    await cloud.machines.delete(server.id)
    with cloud.state.rows.together():
        _forget(cloud, server)


def _forget(cloud: Cloud, server: Server) -> None:
    """Take a server whose machine is gone out of everything."""
    state = cloud.state
    firewalls.forget_server(cloud, server)
    for volume in state.volumes.where("server", server.id):
        state.volumes.put(replace(volume, server=None))
    for ip in state.primary_ips.where("server", server.id):
        if ip.auto_delete:
            primary_ips.release(cloud, ip)
        else:
            state.primary_ips.put(replace(ip, assignee=None))
    for floating in state.floating_ips.where("server", server.id):
        state.floating_ips.put(replace(floating, server=None))
    for backup in state.images.where("bound_to", server.id):
        images.discard(cloud, backup)
    state.servers.delete(server.id)


def _undo_delete(cloud: Cloud, action: Action) -> None:
    change(cloud, action.params["server"], status=action.params["status"])


async def _run_metadata(cloud: Cloud, action: Action) -> None:
    server = cloud.state.servers.get(action.params["server"])
    if server is not None:
        await cloud.machines.set_metadata(machine_spec(cloud, server))


EFFECTS = {
    "delete_server": Effect(_run_delete, _undo_delete, seconds=4),
    "tell_metadata": Effect(_run_metadata, seconds=0),
}
ROUTES = [
    Route("GET", PATH, _list),
    Route("GET", f"{PATH}/{{id}}", lambda call: one(call, "server", own(call), view)),
    Route("PUT", f"{PATH}/{{id}}", _update),
    Route("DELETE", f"{PATH}/{{id}}", _delete),
    *action_routes(PATH, "server", lambda call: own(call).id),
]
