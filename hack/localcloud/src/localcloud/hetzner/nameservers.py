"""The nameservers that a secondary zone is transferred from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Literal

from localcloud.hetzner.bodies import Body, Whole
from localcloud.hetzner.errors import invalid

PORTS = range(1, 65536)
_FIELD = "primary_nameservers"
_NOT_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8")),
    *map(IPv4Network, ("169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3")),
    *map(IPv6Network, ("::/127", "::ffff:0:0/96", "fc00::/7", "fe80::/10", "ff00::/8")),
)
"""What no resolver outside can reach. Networks for documentation and measurements are public here:
they are what a local cloud gives out (RFC 5737, RFC 2544)."""


class Nameserver(Body):
    """A primary nameserver of a secondary zone."""

    address: str
    port: Whole = 53
    tsig_key: str | None = None
    tsig_algorithm: Literal["hmac-md5", "hmac-sha1", "hmac-sha256"] | None = None


def nameservers_of(bodies: Sequence[Nameserver]) -> list[dict[str, Any]]:
    """The nameservers of a request as they are kept; raises `invalid_input`."""
    if not bodies:
        raise invalid(_FIELD, "must not be empty")
    kept = [_nameserver(body, f"{_FIELD}.{number}") for number, body in enumerate(bodies)]
    if len({each["address"] for each in kept}) != len(kept):
        raise invalid(_FIELD, "must have distinct addresses")
    return kept


def _nameserver(body: Nameserver, field: str) -> dict[str, Any]:
    if body.port not in PORTS:
        raise invalid(f"{field}.port", f"must be between {PORTS[0]} and {PORTS[-1]}")
    address = _public(body.address, f"{field}.address")
    return {**body.model_dump(exclude_none=True), "address": str(address)}


def _public(text: str, field: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise invalid(field, f"'{text}' is not an IP address") from error
    if "%" in text or any(address in network for network in _NOT_PUBLIC):
        raise invalid(field, f"'{text}' is not a public address")
    return address
