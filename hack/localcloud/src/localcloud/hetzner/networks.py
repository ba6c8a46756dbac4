"""Networks, their subnets and routes. Calculation with addresses is in `network_plan`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import network_plan as plans
from localcloud.hetzner.actions import Effect, Plan, check_unchanged
from localcloud.hetzner.bodies import Body, Id, LabelMap, Strict
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, protected
from localcloud.hetzner.family import Family, ProtectStrictly, Rename
from localcloud.hetzner.listing import chosen
from localcloud.hetzner.model import Action, Network, PrivateNet, Server
from localcloud.hetzner.replies import acted, many
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.server_networks import used_addresses
from localcloud.hetzner.specs import subnet_of, tell_networks

PATH = "/networks"
_CHANGES = ("add_subnet", "delete_subnet", "add_route", "delete_route", "change_ip_range")
_MEMBER_STATUS = {
    "attach_to_network": "attaching",
    "detach_from_network": "detaching",
    "change_alias_ips": "updating",
}
_MEMBER_KEYS = {
    name: (lambda member, name=name: member[name]) for name in ("id", "type", "status", "ip")
}


class SubnetBody(Body):
    """A subnet of a request, also `POST …/actions/add_subnet`.

    Not strict, although the document says so: Go clients send back the `gateway` they read.
    """

    type: Literal["cloud", "server", "vswitch"]
    network_zone: str
    ip_range: str | None = None
    vswitch_id: Id | None = None


class RouteBody(Strict):
    """A route of a request, also `POST …/actions/add_route` and `delete_route`."""

    destination: str
    gateway: str


class CreateNetwork(Strict):
    """`POST /networks`."""

    name: str
    ip_range: str
    labels: LabelMap = Field(default_factory=dict)
    subnets: list[SubnetBody] = Field(default_factory=list)
    routes: list[RouteBody] = Field(default_factory=list)
    expose_routes_to_vswitch: bool | None = None


class UpdateNetwork(Rename, Strict):
    """`PUT /networks/{id}`."""

    expose_routes_to_vswitch: bool | None = None


class RangeBody(Strict):
    """`POST …/actions/change_ip_range` and `delete_subnet`."""

    ip_range: str


def view(cloud: Cloud, network: Network) -> dict[str, Any]:
    """A network as the API answers it."""
    return {
        "id": network.id,
        "name": network.name,
        "ip_range": network.ip_range,
        "subnets": [vars(subnet) for subnet in network.subnets],
        "routes": [{"destination": to, "gateway": via} for to, via in network.routes],
        "servers": [server.id for server in cloud.state.servers.where("network", network.id)],
        "load_balancers": [],
        "protection": {"delete": network.protected},
        "labels": network.labels,
        "created": network.created,
        "expose_routes_to_vswitch": network.expose_routes_to_vswitch,
    }


NETWORKS = Family(
    path=PATH,
    kind="network",
    what="network",
    table=lambda state: state.networks,
    view=view,
    protection=ProtectStrictly,
)


def _mine_unchanged(call: Call) -> Network:
    network = NETWORKS.own(call)
    check_unchanged(call.cloud.state, "network", network.id, (*_CHANGES, *_MEMBER_STATUS))
    return network


def _asked(body: SubnetBody) -> plans.Wish:
    return plans.Wish(body.type, body.network_zone, body.ip_range, body.vswitch_id)


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateNetwork), call.cloud
    NETWORKS.check_new(call, body.name)
    plans.check_range(body.ip_range)
    network = Network(
        id=0,
        project=call.project,
        name=body.name,
        created=cloud.now(),
        labels=body.labels,
        ip_range=body.ip_range,
        expose_routes_to_vswitch=bool(body.expose_routes_to_vswitch),
    )
    for subnet in body.subnets:
        network = plans.with_subnet(network, _asked(subnet))
    for route in body.routes:
        network = plans.with_route(network, (route.destination, route.gateway))
    network = replace(network, id=cloud.state.next_id())
    return NETWORKS.shown(call, NETWORKS.put(call, network), 201)


def _update(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(UpdateNetwork)
    exposed = body.expose_routes_to_vswitch
    exposed = network.expose_routes_to_vswitch if exposed is None else exposed
    return NETWORKS.renamed(call, network, body, expose_routes_to_vswitch=exposed)


def _delete(call: Call) -> Reply:
    network, cloud = _mine_unchanged(call), call.cloud
    if network.protected:
        raise protected("network is delete protected")
    for server in cloud.state.servers.where("network", network.id):
        kept = tuple(net for net in server.private_nets if net.network != network.id)
        cloud.state.servers.put(replace(server, private_nets=kept))
        plan = Plan(command="tell_networks", resources=(), params={"server": server.id})
        cloud.engine.work(plan)
    cloud.state.networks.delete(network.id)
    return Reply(204, None)


def _changed(call: Call, network: Network, command: str) -> Reply:
    """Keep the network, which is changed at once, and begin the action that spreads the word."""
    call.cloud.state.networks.put(network)
    params = {"network": network.id}
    plan = Plan(command=command, resources=(("network", network.id),), params=params)
    return acted(call, call.begin(plan))


def _add_subnet(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(SubnetBody)
    return _changed(call, plans.with_subnet(network, _asked(body)), "add_subnet")


def _delete_subnet(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(RangeBody)
    if any(plans.inside(ip, body.ip_range) for ip in used_addresses(call.cloud, network)):
        raise ApiError("service_error", "subnet still has resources attached")
    return _changed(call, plans.without_subnet(network, body.ip_range), "delete_subnet")


def _add_route(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(RouteBody)
    changed = plans.with_route(network, (body.destination, body.gateway))
    return _changed(call, changed, "add_route")


def _delete_route(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(RouteBody)
    changed = plans.without_route(network, (body.destination, body.gateway))
    return _changed(call, changed, "delete_route")


def _change_ip_range(call: Call) -> Reply:
    network, body = _mine_unchanged(call), call.body(RangeBody)
    return _changed(call, plans.extended(network, body.ip_range), "change_ip_range")


def _changing(cloud: Cloud, network: Network) -> dict[int, str]:
    """The status of the servers whose place in the network is being changed, by their ids."""
    running = cloud.state.actions.where("running", ("network", network.id))
    places = [action for action in running if action.command in _MEMBER_STATUS]
    return {action.params["server"]: _MEMBER_STATUS[action.command] for action in places}


def _all_members(cloud: Cloud, network: Network) -> list[dict[str, Any]]:
    changing = _changing(cloud, network)
    return [
        _member_view(network, server, net, changing.get(server.id, "ok"))
        for server in cloud.state.servers.where("network", network.id)
        for net in server.private_nets
        if net.network == network.id
    ]


def _member_view(network: Network, server: Server, net: PrivateNet, status: str) -> dict[str, Any]:
    subnet = subnet_of(network, net.ip)
    return {
        "id": server.id,
        "type": "server",
        "ip": net.ip,
        "alias_ips": list(net.alias_ips),
        "subnet": subnet.ip_range if subnet else network.ip_range,
        "status": status,
    }


def _members(call: Call) -> Reply:
    network, cloud, query = NETWORKS.own(call), call.cloud, call.query
    types = chosen(query, "type", ("server", "load_balancer"))
    statuses = chosen(query, "status", ("ok", "attaching", "detaching", "updating", "error"))
    subnets = frozenset(text for text in query.get("subnet") or () if text)
    fits = [
        member
        for member in _all_members(cloud, network)
        if (types is None or member["type"] in types)
        and (statuses is None or member["status"] in statuses)
        and (not subnets or member["subnet"] in subnets)
    ]
    return many(call, "members", fits, lambda _, member: dict(member), _MEMBER_KEYS)


async def _run_tell(cloud: Cloud, action: Action) -> None:
    await tell_networks(cloud, action.params["server"])


async def _run_spread(cloud: Cloud, action: Action) -> None:
    for server in cloud.state.servers.where("network", action.params["network"]):
        await tell_networks(cloud, server.id)


EFFECTS = {
    "tell_networks": Effect(_run_tell, seconds=0),
    **{command: Effect(_run_spread, seconds=1) for command in _CHANGES},
}
ROUTES = [
    *NETWORKS.routes(create=_create, update=_update, delete=_delete),
    Route("GET", f"{PATH}/{{id}}/members", _members),
    NETWORKS.acts("add_subnet", _add_subnet),
    NETWORKS.acts("delete_subnet", _delete_subnet),
    NETWORKS.acts("add_route", _add_route),
    NETWORKS.acts("delete_route", _delete_route),
    NETWORKS.acts("change_ip_range", _change_ip_range),
    NETWORKS.acts("change_protection", NETWORKS.protect),
    *NETWORKS.action_routes(),
]
