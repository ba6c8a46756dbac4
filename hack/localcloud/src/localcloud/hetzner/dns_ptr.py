"""Reverse names of addresses, as every kind of address and the server have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TypeVar

from localcloud.hetzner.bodies import Body
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.family import Family
from localcloud.hetzner.model import FloatingIp, PrimaryIp
from localcloud.hetzner.names import check_hostname
from localcloud.hetzner.routing import Call, Reply

R = TypeVar("R", PrimaryIp, FloatingIp)


class ChangePtr(Body):
    """`POST …/actions/change_dns_ptr`; `null` puts the default back."""

    ip: str
    dns_ptr: str | None = None


def default_ptr(ip: str) -> dict[str, str]:
    """What an address has before anyone sets a name: an IPv6 network has none."""
    if ":" in ip:
        return {}
    return {ip: f"static.{'.'.join(reversed(ip.split('.')))}.clients.your-server.de"}


def ptr_list(names: Mapping[str, str]) -> list[dict[str, str]]:
    """Names by address as a list, as most resources show them."""
    return [{"ip": ip, "dns_ptr": name} for ip, name in names.items()]


def belonging(ip: str, own: str) -> str | None:
    """`ip` in its canonical form, if it is the address `own` or one of the network `own`."""
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    return str(address) if "%" not in ip and address in ip_network(own) else None


def changed_ptr(own: str, names: Mapping[str, str], body: ChangePtr) -> dict[str, str]:
    """The names after the change.

    Raises:
        ApiError: `invalid_input` for an address of somebody else, or a name that is none.
    """
    address = belonging(body.ip, own)
    if address is None:
        raise invalid("ip", f"does not belong to {own}")
    kept = {ip: name for ip, name in names.items() if ip != address}
    if body.dns_ptr is None:
        return {**kept, **{ip: name for ip, name in default_ptr(own).items() if ip == address}}
    check_hostname(body.dns_ptr, "dns_ptr")
    return {**kept, address: body.dns_ptr}


def change_ptr(family: Family[R], call: Call) -> Reply:
    """The handler of `change_dns_ptr` of a kind of address."""
    ip, body = family.own(call), call.body(ChangePtr)
    names = changed_ptr(ip.ip, ip.dns_ptr, body)
    return family.noted(call, family.put(call, replace(ip, dns_ptr=names)), "change_dns_ptr")
