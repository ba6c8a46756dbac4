"""Whose request it is, when proxies stand between.

`X-Forwarded-For` is believed from right to left for as long as the next address belongs to a
trusted proxy, because anybody can write the left part.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def _trusted(address: str, networks: Sequence[Network]) -> bool:
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


def client_address(peer: str, forwarded: Sequence[str], networks: Sequence[Network]) -> str:
    """Return the right-most address that is not a trusted proxy's; `peer` when there is none."""
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    address = peer
    while hops and _trusted(address, networks):
        candidate = hops.pop()
        if not _valid(candidate):
            break
        address = candidate
    return address
