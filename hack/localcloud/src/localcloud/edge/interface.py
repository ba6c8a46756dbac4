"""An extra address on the interface that holds the machines' gateway, while the edge runs.

The proxied edge needs an address of its own: origins allow its network and no other, so it must not
look like the host. Needs root; gone when the interface is.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass


class InterfaceError(RuntimeError):
    """The address could not be added; the message says what `ip` said."""


@dataclass(frozen=True)
class HeldAddress:
    """An address that was added to an interface."""

    address: str
    interface: str

    def release(self) -> None:
        """Take it off again; an interface that is gone took it along."""
        argv = ["ip", "address", "del", f"{self.address}/32", "dev", self.interface]
        subprocess.run(argv, check=False, capture_output=True)


def held_address(gateway: str, address: str) -> HeldAddress:
    """Put `address` on the interface that has `gateway`.

    Raises:
        InterfaceError: no interface has the gateway, or the address was refused.
    """
    interface = interface_of(gateway, _ip("-details", "-json", "address", "show"))
    if not interface:
        raise InterfaceError(f"no interface holds {gateway}: is the container back end running?")
    _ip("address", "replace", f"{address}/32", "dev", interface)
    return HeldAddress(address, interface)


def interface_of(gateway: str, listing: str) -> str:
    """The interface that has the address, in `ip -details -json address` output; else empty.

    A machine's own link may have it too, but ends with the machine: it is the last choice.
    """
    holders = [
        link
        for link in json.loads(listing)
        if any(item.get("local") == gateway for item in link.get("addr_info", ()))
    ]
    holders.sort(key=lambda link: link.get("linkinfo", {}).get("info_kind") == "veth")
    return str(holders[0]["ifname"]) if holders else ""


def _ip(*arguments: str) -> str:
    argv = ["ip", *arguments]
    result = subprocess.run(argv, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise InterfaceError(f"`{' '.join(argv)}` failed: {result.stderr.strip()}")
    return result.stdout
