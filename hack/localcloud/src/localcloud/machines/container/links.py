"""The machines' network: a point-to-point link for each machine, no switch between them.

Like the real cloud's, a machine has a /32 address and reaches everything, its neighbours too,
through its gateway. So every packet is routed by the host, and the host's firewall sees it. With a
bridge it would not: bridged packets of two machines bypass the IP hooks unless br_netfilter is on
for the whole host, and bridge-family connection tracking is not in every kernel.

Private networks are switches in a network namespace of the instance: their address ranges may
overlap with each other and with the host's. Pure but for `Links`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from localcloud.machines.container.host import run, succeeds
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.metadata import ipv6_host, public_mac
from localcloud.machines.port import MachineError, MachineSpec, NetworkInterface

IPV6_GATEWAY = "fe80::1"
_MTU = 1500
_ALIAS = "localcloud-network-"


def _digest(server_id: int, network_id: int) -> bytes:
    return hashlib.sha256(f"{server_id}/{network_id}".encode()).digest()


def ipv6_network(ipv6: str) -> str:
    """The network routed to a machine."""
    return str(ipaddress.IPv6Network(ipv6, strict=False))


def gateway_commands(settings: ContainerSettings) -> list[str]:
    """`ip` lines that give the host the gateway's address."""
    link = settings.gateway_link
    return [
        f"link add {link} type bridge",
        f"addr add {settings.gateway}/32 dev {link}",
        f"link set {link} up",
    ]


def plug_commands(link: str, pid: int, server_id: int) -> list[str]:
    """`ip` lines that make a machine's public link."""
    peer = f"name eth0 address {public_mac(server_id)} mtu {_MTU} netns {pid}"
    return [
        f"link add {link} mtu {_MTU} type veth peer {peer}",
        f"link set {link} up",
    ]


def host_commands(link: str, gateway: str, spec: MachineSpec) -> list[str]:
    """`ip` lines that route a machine's addresses to its link."""
    lines = [f"addr flush dev {link} scope global"]
    if spec.ipv4:
        lines.append(f"addr add {gateway}/32 dev {link}")
        lines.append(f"route replace {spec.ipv4}/32 dev {link} src {gateway}")
    if spec.ipv6:
        lines.append(f"addr replace {IPV6_GATEWAY}/64 dev {link} nodad")
        lines.append(f"route replace {ipv6_network(spec.ipv6)} dev {link}")
    return lines


def machine_commands(gateway: str, spec: MachineSpec) -> list[str]:
    """`ip` lines for inside the machine: its public addresses and the way out."""
    lines = [
        "link set lo up",
        "addr flush dev eth0 scope global",
        "link set eth0 up",
    ]
    if spec.ipv4:
        lines.append(f"addr add {spec.ipv4}/32 dev eth0")
        lines.append(f"route replace {gateway}/32 dev eth0")
        lines.append(f"route replace default via {gateway} dev eth0")
    if spec.ipv6:
        lines.append(f"addr add {ipv6_host(spec.ipv6)}/64 dev eth0 nodad")
        lines.append(f"route replace default via {IPV6_GATEWAY} dev eth0")
    return lines


def switch(network_id: int) -> str:
    """Name of a private network's switch."""
    return f"n{network_id}"


def private_link(server_id: int, network_id: int) -> str:
    """The switch's end of a machine's private link."""
    return f"v{_digest(server_id, network_id).hex()[:12]}"


def private_commands(name: str, network: NetworkInterface) -> list[str]:
    """`ip` lines for inside the machine: the addresses of one private network."""
    prefix = ipaddress.ip_network(network.ip_range, strict=False).prefixlen
    aliases = [f"addr add {alias}/32 dev {name}" for alias in network.alias_ips]
    return [
        f"addr flush dev {name} scope global",
        f"link set {name} up",
        f"addr add {network.ip}/{prefix} dev {name}",
        *aliases,
    ]


def free_name(taken: Sequence[str]) -> str:
    """The first of `eth1`, `eth2`, ... that is not taken."""
    number = 1
    while f"eth{number}" in taken:
        number += 1
    return f"eth{number}"


def link_counters(link: str) -> dict[str, int]:
    """What passed the host's end of a link: received is what the machine sent."""
    folder = Path("/sys/class/net") / link / "statistics"
    names = ("rx_bytes", "rx_packets", "tx_bytes", "tx_packets")
    return {name: int((folder / name).read_text()) if folder.exists() else 0 for name in names}


class Links:
    """Makes and removes links on this host."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings

    async def open(self) -> None:
        """Give the host the gateway's address and the instance its namespace; repeatable."""
        settings = self._settings
        if not await succeeds(["ip", "link", "show", settings.gateway_link]):
            await self._refuse_taken_subnet()
            await _batch(gateway_commands(settings))
        if not await succeeds(["ip", "-n", settings.mark, "link", "show", "lo"]):
            await run(["ip", "netns", "add", settings.mark])
        await run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])

    async def close(self) -> None:
        """Remove the gateway, the namespace and every link of the instance."""
        settings = self._settings
        await succeeds(["ip", "netns", "delete", settings.mark])
        for link in await self._own_links():
            await succeeds(["ip", "link", "delete", link])

    async def plug(self, pid: int, spec: MachineSpec) -> None:
        """Give the machine whose first process is `pid` its public link; repeatable."""
        link = self._settings.machine_link(spec.server_id)
        if not await succeeds(
            ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link", "show", "eth0"]
        ):
            await succeeds(["ip", "link", "delete", link])
            await _batch(plug_commands(link, pid, spec.server_id))
        if spec.ipv6:
            await self._allow_ipv6(pid, link)
        await _batch(host_commands(link, self._settings.gateway, spec))
        await _inside(pid, machine_commands(self._settings.gateway, spec))
        await self.join_networks(pid, spec)

    async def join_networks(self, pid: int, spec: MachineSpec) -> None:
        """Make the machine's private links equal to `spec`."""
        present = await self._private_names(pid)
        wanted = {network.network_id: network for network in spec.networks}
        for network_id in present.keys() - wanted.keys():
            await _inside(pid, [f"link delete {present.pop(network_id)}"])
        for network_id, network in sorted(wanted.items()):
            if network_id not in present:
                present[network_id] = free_name(list(present.values()))
                await self._join(pid, spec.server_id, network, present[network_id])
            await _inside(pid, private_commands(present[network_id], network))

    async def _join(self, pid: int, server_id: int, network: NetworkInterface, name: str) -> None:
        network_id, mark = network.network_id, self._settings.mark
        link = private_link(server_id, network_id)
        if not await succeeds(["ip", "-n", mark, "link", "show", switch(network_id)]):
            await _batch(
                [
                    f"link add {switch(network_id)} type bridge",
                    f"link set {switch(network_id)} up",
                ],
                namespace=mark,
            )
        await succeeds(["ip", "-n", mark, "link", "delete", link])
        peer = f"name {name} address {network.mac_address} netns {pid}"
        await _batch(
            [
                f"link add {link} type veth peer {peer}",
                f"link set {link} master {switch(network_id)} up",
            ],
            namespace=mark,
        )
        await _inside(pid, [f"link set {name} alias {_ALIAS}{network_id}"])

    async def _private_names(self, pid: int) -> dict[int, str]:
        namespace = f"--net=/proc/{pid}/ns/net"
        listing = json.loads(await run(["nsenter", namespace, "ip", "-json", "link", "show"]))
        return {
            int(link["ifalias"].removeprefix(_ALIAS)): link["ifname"]
            for link in listing
            if link.get("ifalias", "").startswith(_ALIAS)
        }

    async def _allow_ipv6(self, pid: int, link: str) -> None:
        """Switch IPv6 on in the machine and let its packets pass this host.

        Only this link may forward (Linux 6.17 and later): to forward on all would make the host
        ignore router advertisements and might take its own IPv6 away.
        """
        enable = "net.ipv6.conf.all.disable_ipv6=0"
        await succeeds(["nsenter", f"--net=/proc/{pid}/ns/net", "sysctl", "-q", "-w", enable])
        await succeeds(["sysctl", "-q", "-w", f"net.ipv6.conf.{link}.force_forwarding=1"])

    async def _own_links(self) -> list[str]:
        listing = await run(["ip", "-o", "link", "show"])
        names = [line.split(": ")[1].split("@")[0] for line in listing.splitlines()]
        return [name for name in names if name.startswith(self._settings.mark)]

    async def _refuse_taken_subnet(self) -> None:
        taken = await run(["ip", "-o", "-4", "addr", "show", "to", self._settings.subnet])
        if taken.strip():
            raise MachineError(
                f"subnet {self._settings.subnet} is in use on this host "
                f"({' '.join(taken.split()[1:4])}); choose another one for this instance"
            )


async def _batch(lines: Sequence[str], *, namespace: str | None = None) -> None:
    where = ["-n", namespace] if namespace else []
    await run(["ip", *where, "-batch", "-"], stdin="\n".join(lines) + "\n")


async def _inside(pid: int, lines: Sequence[str]) -> None:
    await run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        stdin="\n".join(lines) + "\n",
    )
