"""Public addresses that the local cloud hands to its machines.

IPv4 addresses come from one subnet, IPv6 networks are /64 of a documentation prefix (RFC 3849).
Given-back addresses are used again only after all others had their turn, so that a client with an
old address in hand meets nobody rather than somebody else's machine. What is in use is told by the
owner of the state after a restart (`claim`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network

_GATEWAY = 1


class PoolExhausted(Exception):
    """Every address of the subnet is in use."""


class AddressPool:
    """IPv4 addresses of `subnet` (its first host is the gateway) and /64 networks of `prefix`."""

    def __init__(
        self,
        subnet: str = "198.18.0.0/24",
        *,
        prefix: str = "2001:db8::/32",
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        self.subnet = IPv4Network(subnet)
        self._prefix = IPv6Network(prefix)
        self._taken: set[str] = set(reserved)
        self._cursor4 = _GATEWAY
        self._cursor6 = 0

    @property
    def gateway(self) -> str:
        """The host as the machines see it."""
        return str(self.subnet[_GATEWAY])

    def take_ipv4(self) -> str:
        """A free IPv4 address; raises `PoolExhausted`."""
        last = self.subnet.num_addresses - 2
        for _ in range(last - 1):
            self._cursor4 = self._cursor4 + 1 if self._cursor4 < last else _GATEWAY + 1
            address = str(IPv4Address(int(self.subnet.network_address) + self._cursor4))
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise PoolExhausted(f"all addresses of {self.subnet} are in use: choose a larger subnet")

    def take_ipv6(self) -> str:
        """A free /64, such as `2001:db8:0:1::/64`; raises `PoolExhausted`."""
        count = 1 << (64 - self._prefix.prefixlen)
        for _ in range(count - 1):
            self._cursor6 = self._cursor6 % (count - 1) + 1
            start = int(self._prefix.network_address) + (self._cursor6 << 64)
            network = str(IPv6Network((start, 64)))
            if network not in self._taken:
                self._taken.add(network)
                return network
        raise PoolExhausted(f"all networks of {self._prefix} are in use: choose a larger prefix")

    def claim(self, address: str) -> None:
        """Note an address (or /64) as in use."""
        self._taken.add(address)

    def release(self, address: str) -> None:
        """Give an address (or /64) back; one that is free already is fine."""
        self._taken.discard(address)
