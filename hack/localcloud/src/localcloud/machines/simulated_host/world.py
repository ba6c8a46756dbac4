"""All simulated machines of a back end by address, with the clock they share."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from datetime import datetime, timedelta

from localcloud.machines.simulated_host import cloudinit, jobs
from localcloud.machines.simulated_host.host import Host, Pace


class World:
    """Finds the machine a connection means; `on_change` is told about each machine that changed."""

    def __init__(
        self, *, now: Callable[[], datetime], pace: Pace, on_change: Callable[[Host], None]
    ) -> None:
        self.now = now
        self.pace = pace
        self._on_change = on_change
        self._by_address: dict[str, Host] = {}

    def add(self, host: Host) -> None:
        """Make a machine reachable under its address."""
        if host.address:
            self._by_address[host.address] = host

    def remove(self, host: Host) -> None:
        """Take its address away, unless another machine has it by now."""
        if host.address and self._by_address.get(host.address) is host:
            del self._by_address[host.address]

    def touched(self, host: Host) -> None:
        """Note that a machine's state changed."""
        self._on_change(host)

    def reached(self, sock: socket.socket, port: int) -> Host | None:
        """The machine behind a connection; None when it is off, booting or shut by its firewall."""
        host = self._by_address.get(sock.getsockname()[0])
        if host is None or not host.answers(self.now(), self.pace):
            return None
        if not lets_in(host, sock.getpeername()[0], port):
            return None
        self.settle(host)
        return host

    def settle(self, host: Host) -> None:
        """Let everything happen that was due: first boot, cloud-init's end, ends of jobs."""
        now = self.now()
        ready = host.ready_at(self.pace)
        if host.power != "running" or ready is None:
            return
        if host.fresh:
            cloudinit.first_boot(host)
            self.touched(host)
        if now < ready + timedelta(seconds=self.pace.cloud_init):
            host.files.remove(cloudinit.RESULT)
        elif host.files.read(cloudinit.RESULT) is None:
            cloudinit.later_boot(host)
        if jobs.advance(host, now):
            self.touched(host)


def lets_in(host: Host, client: str, port: int) -> bool:
    """Whether the cloud's firewall lets a client reach a TCP port (22, 80 or 443)."""
    if host.firewall is None:
        return True
    return any(_fits(rule, client, port) for rule in host.firewall)


def _fits(rule: dict[str, object], client: str, port: int) -> bool:
    if rule["direction"] != "in" or rule["protocol"] != "tcp":
        return False
    low, _, high = str(rule["port"] or "any").partition("-")
    inside = low == "any" or int(low) <= port <= int(high or low)
    address = ipaddress.ip_address(client)
    networks = rule["networks"]
    listed = networks if isinstance(networks, (list, tuple)) else ()
    return inside and any(address in ipaddress.ip_network(n, strict=False) for n in listed)
