"""Whose request it is, when proxies stand between.

`X-Forwarded-For` is read from the right, because anybody can write its left part: one entry for
each proxy that is known to stand there, and none for the same proxy twice. An edge's networks are
no proof that the edge wrote the entry before: its customers' programs come from there as well.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _valid(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def client_address(peer: str, forwarded: Sequence[str], layers: Sequence[Sequence[Network]]) -> str:
    """Return the address of the visitor.

    Args:
        peer: who opened the connection.
        forwarded: the `X-Forwarded-For` headers.
        layers: the networks of each proxy, the one that connects to us first.
    """
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    address = peer
    for networks in layers:
        if not (hops and _is_in(address, networks) and _valid(hops[-1])):
            break
        address = hops.pop()
    return address
