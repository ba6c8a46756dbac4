"""Address plans of networks, as pure functions.

Rules from Hetzner's document ("Networks"): ranges are private IPv4 (RFC 1918), subnets lie in the
range and do not overlap, the range grows only by its netmask, the first address of the range is
the gateway and `172.31.1.1` is never given out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from localcloud.hetzner import catalogue
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.model import Network, Subnet

_PRIVATE = tuple(IPv4Network(x) for x in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_PUBLIC_GATEWAY = "172.31.1.1"
_AUTOMATIC_PREFIX = 24
_MOST_SUBNETS, _MOST_ROUTES = 50, 100


@dataclass(frozen=True)
class Wish:
    """A subnet that a client asks for."""

    type: str
    network_zone: str
    ip_range: str | None
    vswitch_id: int | None


def _network(text: str, field: str) -> IPv4Network:
    try:
        parsed = IPv4Network(text)
    except ValueError as error:
        raise invalid(field, f"'{text}' is not an IPv4 network with empty host bits") from error
    if "/" not in text:
        raise invalid(field, f"'{text}' has no prefix length")
    return parsed


def _address(text: str, field: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise invalid(field, f"'{text}' is not an IPv4 address") from error


def check_range(ip_range: str) -> IPv4Network:
    """The network's range; raises `invalid_input` unless it is a private one."""
    parsed = _network(ip_range, "ip_range")
    if not any(parsed.subnet_of(private) for private in _PRIVATE):
        raise invalid("ip_range", "must be within a private range (RFC 1918)")
    return parsed


def inside(ip: str, ip_range: str) -> bool:
    """Whether an address lies in a range; a range that is none holds nothing."""
    try:
        return IPv4Address(ip) in IPv4Network(ip_range)
    except ValueError:
        return False


def gateway(network: Network) -> str:
    """The first address of the range."""
    return str(IPv4Network(network.ip_range)[1])


def with_subnet(network: Network, wish: Wish) -> Network:
    """The network with one more subnet; raises `invalid_input`."""
    if not catalogue.known_zone(wish.network_zone):
        raise invalid("network_zone", f"'{wish.network_zone}' is not a network zone")
    if (wish.type == "vswitch") != (wish.vswitch_id is not None):
        raise invalid("vswitch_id", "belongs to subnets of type vswitch, and only to them")
    if len(network.subnets) >= _MOST_SUBNETS:
        raise invalid("subnets", f"must not be more than {_MOST_SUBNETS}")
    chosen = _chosen_range(network, wish)
    subnet = Subnet(
        type=wish.type,
        ip_range=str(chosen),
        network_zone=wish.network_zone,
        gateway=gateway(network),
        vswitch_id=wish.vswitch_id,
    )
    return replace(network, subnets=(*network.subnets, subnet))


def _chosen_range(network: Network, wish: Wish) -> IPv4Network:
    whole = IPv4Network(network.ip_range)
    taken = [IPv4Network(subnet.ip_range) for subnet in network.subnets]
    if wish.ip_range is None:
        return _free_range(whole, taken)
    asked = _network(wish.ip_range, "ip_range")
    if not asked.subnet_of(whole):
        raise invalid("ip_range", f"must be within {whole}")
    if any(asked.overlaps(other) for other in taken):
        raise invalid("ip_range", "overlaps with an existing subnet")
    return asked


def _free_range(whole: IPv4Network, taken: list[IPv4Network]) -> IPv4Network:
    prefix = max(whole.prefixlen, _AUTOMATIC_PREFIX)
    for candidate in whole.subnets(new_prefix=prefix):
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    raise invalid("ip_range", "has no free range for a subnet")


def without_subnet(network: Network, ip_range: str) -> Network:
    """The network without a subnet; raises `invalid_input` when there is none of that range."""
    kept = tuple(subnet for subnet in network.subnets if subnet.ip_range != ip_range)
    if len(kept) == len(network.subnets):
        raise invalid("ip_range", "is no subnet of the network")
    return replace(network, subnets=kept)


def with_route(network: Network, route: tuple[str, str]) -> Network:
    """The network with one more route; raises `invalid_input`."""
    destination, via = _network(route[0], "destination"), _address(route[1], "gateway")
    if via not in IPv4Network(network.ip_range) or str(via) == gateway(network):
        raise invalid("gateway", "must be an address of the network that is not its first one")
    if any(IPv4Network(other) == destination for other, _ in network.routes):
        raise invalid("destination", "has a route already")
    if len(network.routes) >= _MOST_ROUTES:
        raise invalid("routes", f"must not be more than {_MOST_ROUTES}")
    return replace(network, routes=(*network.routes, route))


def without_route(network: Network, route: tuple[str, str]) -> Network:
    """The network without a route; raises `invalid_input` when there is no such route."""
    if route not in network.routes:
        raise invalid("destination", "is no route of the network")
    return replace(network, routes=tuple(other for other in network.routes if other != route))


def extended(network: Network, ip_range: str) -> Network:
    """The network with a larger range of the same start; raises `invalid_input`."""
    before, after = IPv4Network(network.ip_range), check_range(ip_range)
    if after.network_address != before.network_address or after.prefixlen > before.prefixlen:
        raise invalid("ip_range", "can only be extended, by a shorter prefix of the same start")
    return replace(network, ip_range=ip_range)


def free_address(
    network: Network, zone: str, used: Iterable[str], within: str | None = None
) -> str:
    """An address for a server in `zone`; raises `no_subnet_available`."""
    blocked = {*used, gateway(network), _PUBLIC_GATEWAY}
    for subnet in _subnets_for(network, zone):
        if within in (None, subnet.ip_range):
            for host in IPv4Network(subnet.ip_range).hosts():
                if str(host) not in blocked:
                    return str(host)
    raise ApiError("no_subnet_available", "no subnet or IP is available in the network")


def check_address(network: Network, zone: str, used: Iterable[str], ip: str) -> str:
    """`ip`, when a server in `zone` can have it; raises `ip_not_available`."""
    _address(ip, "ip")
    blocked = {*used, gateway(network), _PUBLIC_GATEWAY}
    if not any(inside(ip, subnet.ip_range) for subnet in _subnets_for(network, zone)):
        raise ApiError("ip_not_available", f"IP {ip} is in no subnet of the server's zone")
    if ip in blocked:
        raise ApiError("ip_not_available", f"IP {ip} is not available")
    return ip


def _subnets_for(network: Network, zone: str) -> list[Subnet]:
    return [s for s in network.subnets if s.network_zone == zone and s.type != "vswitch"]
