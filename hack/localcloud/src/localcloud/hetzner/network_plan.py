"""Address plans of networks, as pure functions.

Rules from Hetzner's document ("Networks"): ranges are private IPv4 (RFC 1918) of /24 at least,
subnets of /30 at least lie in the range and overlap neither each other nor the destination of a
route, the range grows only by its netmask, the first address of the range is the gateway and
`172.31.1.1`, the gateway of the public interfaces, is never given out or routed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from localcloud.hetzner import catalogue, cidr
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.model import Network, Subnet

_PRIVATE = tuple(IPv4Network(x) for x in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_PUBLIC_GATEWAY = "172.31.1.1"
_EVERYWHERE = IPv4Network("0.0.0.0/0")
_SMALLEST_NETWORK, _SMALLEST_SUBNET, _AUTOMATIC_PREFIX = 24, 30, 24
_MOST_SUBNETS, _MOST_ROUTES = 50, 100


@dataclass(frozen=True)
class Wish:
    """A subnet that a client asks for."""

    type: str
    network_zone: str
    ip_range: str | None
    vswitch_id: int | None


def _network(text: str, field: str, smallest: int = 32) -> IPv4Network:
    """The network that a text names; `smallest` is the longest prefix that it may have."""
    try:
        parsed = cidr.parsed(text)
    except ValueError as error:
        raise invalid(field, f"'{text}' is not a network with empty host bits") from error
    if not isinstance(parsed, IPv4Network):
        raise invalid(field, f"'{text}' is not an IPv4 network")
    if parsed.prefixlen > smallest:
        raise invalid(field, f"must be /{smallest} or larger")
    return parsed


def _address(text: str, field: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError as error:
        raise invalid(field, f"'{text}' is not an IPv4 address") from error


def check_range(ip_range: str) -> IPv4Network:
    """The network's range; raises `invalid_input` unless it is a private one."""
    parsed = _network(ip_range, "ip_range", _SMALLEST_NETWORK)
    if not _private(parsed):
        raise invalid("ip_range", "must be within a private range (RFC 1918)")
    return parsed


def _private(network: IPv4Network) -> bool:
    return any(network.subnet_of(private) for private in _PRIVATE)


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
    whole, taken = IPv4Network(network.ip_range), [*_subnets(network), *_destinations(network)]
    if wish.ip_range is None:
        return _free_range(whole, taken)
    asked = _network(wish.ip_range, "ip_range", _SMALLEST_SUBNET)
    if not asked.subnet_of(whole):
        raise invalid("ip_range", f"must be within {whole}")
    if any(asked.overlaps(other) for other in taken):
        raise invalid("ip_range", "overlaps with an existing subnet or a route's destination")
    return asked


def _subnets(network: Network) -> list[IPv4Network]:
    return [IPv4Network(subnet.ip_range) for subnet in network.subnets]


def _destinations(network: Network) -> list[IPv4Network]:
    """Where routes lead to; the default route is for what lies outside and overlaps nothing."""
    found = [IPv4Network(destination) for destination, _ in network.routes]
    return [destination for destination in found if destination != _EVERYWHERE]


def _free_range(whole: IPv4Network, taken: list[IPv4Network]) -> IPv4Network:
    for candidate in whole.subnets(new_prefix=_AUTOMATIC_PREFIX):
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
    _check_destination(network, _network(route[0], "destination"))
    _check_gateway(network, _address(route[1], "gateway"))
    if len(network.routes) >= _MOST_ROUTES:
        raise invalid("routes", f"must not be more than {_MOST_ROUTES}")
    return replace(network, routes=(*network.routes, route))


def _check_destination(network: Network, destination: IPv4Network) -> None:
    if any(IPv4Network(other) == destination for other, _ in network.routes):
        raise invalid("destination", "has a route already")
    if destination == _EVERYWHERE:
        return
    if not _private(destination):
        raise invalid("destination", f"must be within a private range (RFC 1918) or {_EVERYWHERE}")
    if IPv4Address(_PUBLIC_GATEWAY) in destination:
        raise invalid("destination", f"must not hold {_PUBLIC_GATEWAY}")
    if any(destination.overlaps(other) for other in _subnets(network)):
        raise invalid("destination", "overlaps with a subnet")
    if any(destination.overlaps(other) for other in _destinations(network)):
        raise invalid("destination", "overlaps with another route's destination")


def _check_gateway(network: Network, via: IPv4Address) -> None:
    if via not in IPv4Network(network.ip_range) or str(via) == gateway(network):
        raise invalid("gateway", "must be an address of the network that is not its first one")
    if str(via) == _PUBLIC_GATEWAY:
        raise invalid("gateway", f"must not be {_PUBLIC_GATEWAY}")
    coupled = (subnet for subnet in network.subnets if subnet.type == "vswitch")
    if any(inside(str(via), subnet.ip_range) for subnet in coupled):
        raise invalid("gateway", "must not be behind a vSwitch")


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
    """An address for a server in `zone`, in the subnet `within`; raises `no_subnet_available`."""
    blocked = {*used, gateway(network), _PUBLIC_GATEWAY}
    for subnet in _subnets_for(network, zone, within):
        for host in IPv4Network(subnet.ip_range).hosts():
            if str(host) not in blocked:
                return str(host)
    raise ApiError("no_subnet_available", "no subnet or IP is available in the network")


def check_address(
    network: Network, zone: str, used: Iterable[str], ip: str, within: str | None = None
) -> str:
    """`ip`, when a server in `zone` can have it in the subnet `within`.

    Raises:
        ApiError: `ip_not_available`, or `invalid_input` for an address outside of `within`.
    """
    address = _address(ip, "ip")
    if within is not None and address not in _network(within, "ip_range"):
        raise invalid("ip", f"must be within {within}")
    blocked = {*used, gateway(network), _PUBLIC_GATEWAY}
    subnets = _subnets_for(network, zone, within)
    if not any(inside(ip, subnet.ip_range) for subnet in subnets):
        raise ApiError("ip_not_available", f"IP {ip} is in no subnet of the server's zone")
    if ip in blocked:
        raise ApiError("ip_not_available", f"IP {ip} is not available")
    return ip


def _subnets_for(network: Network, zone: str, within: str | None) -> list[Subnet]:
    """The subnets that servers of a zone can be in; `within` is the range of the only one."""
    asked = None if within is None else str(_network(within, "ip_range"))
    found = (s for s in network.subnets if s.network_zone == zone and s.type != "vswitch")
    return [subnet for subnet in found if asked in (None, subnet.ip_range)]
