"""Servers in networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network

from localcloud.hetzner import catalogue, servers
from localcloud.hetzner import network_plan as plans
from localcloud.hetzner.actions import Effect, Plan, check_unchanged
from localcloud.hetzner.bodies import Body, Id
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, invalid_input
from localcloud.hetzner.model import Action, Network, PrivateNet, Server
from localcloud.hetzner.names import mac_address
from localcloud.hetzner.replies import acted, action_route
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.specs import tell_networks
from localcloud.hetzner.state import referenced

MOST_NETWORKS, MOST_ALIASES = 3, 5
_CHANGES = ("add_subnet", "delete_subnet", "change_ip_range")


class Attach(Body):
    """`POST …/actions/attach_to_network`."""

    network: Id
    ip: str | None = None
    alias_ips: list[str] | None = None
    ip_range: str | None = None


class Detach(Body):
    """`POST …/actions/detach_from_network`."""

    network: Id


class Aliases(Body):
    """`POST …/actions/change_alias_ips`."""

    network: Id
    alias_ips: list[str]


def check_overlap(network: Network, others: Sequence[Network]) -> None:
    """Raise `networks_overlap` when a server cannot be in all of them."""
    mine = IPv4Network(network.ip_range)
    if any(mine.overlaps(IPv4Network(other.ip_range)) for other in others):
        raise ApiError("networks_overlap", "the network overlaps with one of the server's networks")


def used_addresses(cloud: Cloud, network: Network, but: int | None = None) -> set[str]:
    """Addresses of a network that servers (except one) have."""
    return {
        ip
        for server in cloud.state.servers.where("network", network.id)
        if server.id != but
        for net in server.private_nets
        if net.network == network.id
        for ip in (net.ip, *net.alias_ips)
    }


def _zone(server: Server) -> str:
    place = catalogue.location_named(server.location)
    return place.network_zone if place else ""


def attached(cloud: Cloud, server: Server, network: Network, wish: Attach | None = None) -> Server:
    """The server with a place in one more network; raises when it can have none."""
    if any(net.network == network.id for net in server.private_nets):
        raise ApiError("server_already_attached", "server is already attached to the network")
    if len(server.private_nets) >= MOST_NETWORKS:
        raise invalid("network", f"a server can be in at most {MOST_NETWORKS} networks")
    others = [cloud.state.networks.get(net.network) for net in server.private_nets]
    check_overlap(network, [other for other in others if other is not None])
    ip = _address(cloud, server, network, wish)
    aliases = _checked_aliases(cloud, server, network, (ip, (wish and wish.alias_ips) or []))
    net = PrivateNet(
        network=network.id,
        ip=ip,
        mac_address=mac_address(cloud.state.next_id()),
        alias_ips=aliases,
    )
    return replace(server, private_nets=(*server.private_nets, net))


def _address(cloud: Cloud, server: Server, network: Network, wish: Attach | None) -> str:
    used = used_addresses(cloud, network, server.id)
    within = wish.ip_range if wish is not None else None
    if wish is not None and wish.ip is not None:
        return plans.check_address(network, _zone(server), used, wish.ip, within)
    return plans.free_address(network, _zone(server), used, within)


def _checked_aliases(
    cloud: Cloud, server: Server, network: Network, wish: tuple[str, Sequence[str]]
) -> tuple[str, ...]:
    ip, aliases = wish
    if len(aliases) > MOST_ALIASES:
        raise invalid("alias_ips", f"must not be more than {MOST_ALIASES}")
    used = used_addresses(cloud, network, server.id) | {ip}
    for alias in aliases:
        plans.check_address(network, _zone(server), used, alias)
        used.add(alias)
    return tuple(aliases)


def _plan(command: str, server_id: int, network_id: int) -> Plan:
    return Plan(
        command=command,
        resources=(("server", server_id), ("network", network_id)),
        params={"server": server_id, "network": network_id},
    )


def attach_plan(server_id: int, network_id: int) -> Plan:
    """The action that brings the network to the machine."""
    return _plan("attach_to_network", server_id, network_id)


def _network(call: Call, network_id: int) -> Network:
    table = call.cloud.state.networks
    network = referenced(table, call.project, network_id, "network")
    check_unchanged(call.cloud.state, "network", network.id, _CHANGES)
    return network


def _attach(call: Call) -> Reply:
    server, body = servers.unlocked(call), call.body(Attach)
    network = _network(call, body.network)
    call.cloud.state.servers.put(attached(call.cloud, server, network, body))
    return acted(call, call.begin(attach_plan(server.id, network.id)))


def _place(server: Server, network_id: int) -> PrivateNet:
    for net in server.private_nets:
        if net.network == network_id:
            return net
    raise invalid_input("server is not attached to the network")


def _without(server: Server, network_id: int) -> Server:
    kept = tuple(net for net in server.private_nets if net.network != network_id)
    return replace(server, private_nets=kept)


def _detach(call: Call) -> Reply:
    server, body = servers.unlocked(call), call.body(Detach)
    network = _network(call, body.network)
    _place(server, network.id)
    return acted(call, call.begin(_plan("detach_from_network", server.id, network.id)))


def _change_aliases(call: Call) -> Reply:
    server, body = servers.unlocked(call), call.body(Aliases)
    network = _network(call, body.network)
    net = _place(server, network.id)
    aliases = _checked_aliases(call.cloud, server, network, (net.ip, body.alias_ips))
    nets = [replace(n, alias_ips=aliases) if n == net else n for n in server.private_nets]
    call.cloud.state.servers.put(replace(server, private_nets=tuple(nets)))
    return acted(call, call.begin(_plan("change_alias_ips", server.id, network.id)))


async def _run_tell(cloud: Cloud, action: Action) -> None:
    await tell_networks(cloud, action.params["server"])


def _undo_attach(cloud: Cloud, action: Action) -> None:
    server = cloud.state.servers.get(action.params["server"])
    if server is not None:
        cloud.state.servers.put(_without(server, action.params["network"]))


async def _run_detach(cloud: Cloud, action: Action) -> None:
    _undo_attach(cloud, action)
    await tell_networks(cloud, action.params["server"])


EFFECTS = {
    "attach_to_network": Effect(_run_tell, _undo_attach, seconds=2),
    "detach_from_network": Effect(_run_detach, seconds=2),
    "change_alias_ips": Effect(_run_tell, seconds=1),
}
_ONE = f"{servers.PATH}/{{id}}"
ROUTES = [
    action_route(_ONE, "attach_to_network", _attach),
    action_route(_ONE, "detach_from_network", _detach),
    action_route(_ONE, "change_alias_ips", _change_aliases),
]
