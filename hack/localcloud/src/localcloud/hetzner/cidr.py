"""Networks as Hetzner's document wants them written: an address and the length of its prefix."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

_NOTATION = re.compile(r"[0-9A-Fa-f:.]+/(?:0|[1-9][0-9]{0,2})")


def parsed(text: str) -> IPv4Network | IPv6Network:
    """The network that a text in CIDR notation names; as text it is canonical (RFC 5952).

    Python's own reading also takes masks (`10.0.0.0/255.0.0.0`), zones and bare addresses.

    Raises:
        ValueError: it is not in CIDR notation, or has host bits.
    """
    if not _NOTATION.fullmatch(text):
        raise ValueError(f"'{text}' is not in CIDR notation")
    return ip_network(text, strict=True)
