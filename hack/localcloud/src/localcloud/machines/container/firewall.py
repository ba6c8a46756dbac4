"""The firewall, enforced by the host: one nftables table per instance, replaced in one step.

Rules match the host's end of a machine's link, so nothing a machine does to its own tables or
addresses changes them. Pure but for `Firewall`.

Besides the servers' own rules the table keeps instances apart, drops packets with a forged source,
lets machines reach the host at the gateway's address only, answers 169.254.169.254 and translates
addresses on the way out.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localcloud.machines.container.host import run, succeeds
from localcloud.machines.container.links import ipv6_network
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.port import FirewallRule

METADATA_ADDRESS = "169.254.169.254"
_PRIORITY = "filter - 10"
_PROTOCOLS = {"esp": "esp", "gre": "gre", "tcp": "tcp", "udp": "udp"}
_NEIGHBOURS = (
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } "
    "accept"
)


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """A machine as the firewall sees it; `rules` is None where none is applied."""

    server_id: int
    link: str
    ipv4: str | None
    ipv6: str | None
    rules: tuple[FirewallRule, ...] | None


def render(settings: ContainerSettings, metadata_port: int, machines: Iterable[Guarded]) -> str:
    """The whole ruleset of an instance, for `nft -f`."""
    guarded = sorted(machines, key=lambda machine: machine.server_id)
    body = [
        *_chain("from_owner", _source_lines(guarded)),
        *_rule_chains(guarded),
        *_chain("input", _input_lines(settings, metadata_port, guarded)),
        *_chain("forward", _forward_lines(settings, guarded)),
        *_chain("output", _output_lines(guarded)),
        *_chain("metadata_in", _redirect_lines(settings, metadata_port)),
        *_chain("nat_out", _translate_lines(settings, guarded)),
    ]
    table = f"table inet {settings.table}"
    indented = "\n".join(f"  {line}" for line in body)
    return f"{table} {{ }}\ndelete {table}\n{table} {{\n{indented}\n}}\n"


def rule_lines(rule: FirewallRule) -> list[str]:
    """One rule as nftables expressions, one per address family."""
    side = "saddr" if rule.direction == "in" else "daddr"
    return [
        f"{_family(version, side, networks)} {_matches(rule, version)} accept"
        for version, networks in _by_version(rule.networks).items()
        if networks
    ]


def verdict_lines(rules: Sequence[FirewallRule], direction: str) -> list[str]:
    """A chain for one direction of a server with a firewall.

    Without an `out` rule everything may leave; without an `in` rule nothing may enter.
    """
    chosen = [rule for rule in rules if rule.direction == direction]
    if direction == "out" and not chosen:
        return []
    return [*(line for rule in chosen for line in rule_lines(rule)), _NEIGHBOURS, "drop"]


def _by_version(networks: Iterable[str]) -> dict[int, list[str]]:
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]
    v4 = [network for network in parsed if isinstance(network, ipaddress.IPv4Network)]
    v6 = [network for network in parsed if isinstance(network, ipaddress.IPv6Network)]
    return {
        4: [str(network) for network in ipaddress.collapse_addresses(v4)],
        6: [str(network) for network in ipaddress.collapse_addresses(v6)],
    }


def _family(version: int, side: str, networks: Sequence[str]) -> str:
    if any(network.endswith("/0") for network in networks):
        return f"meta nfproto ipv{version}"
    return f"{'ip' if version == 4 else 'ip6'} {side} {{ {', '.join(networks)} }}"


def _matches(rule: FirewallRule, version: int) -> str:
    if rule.protocol == "icmp":
        return f"meta l4proto {'icmp' if version == 4 else 'ipv6-icmp'}"
    if rule.port and rule.port != "any":
        return f"{rule.protocol} dport {rule.port}"
    return f"meta l4proto {_PROTOCOLS[rule.protocol]}"


def _chain(name: str, lines: Iterable[str]) -> list[str]:
    return [f"chain {name} {{", *(f"  {line}" for line in lines), "}"]


def _hook(kind: str, hook: str, priority: str = _PRIORITY) -> str:
    return f"type {kind} hook {hook} priority {priority}; policy accept;"


def _source_lines(machines: Iterable[Guarded]) -> list[str]:
    lines = []
    for machine in machines:
        if machine.ipv4:
            lines.append(f'iifname "{machine.link}" ip saddr {machine.ipv4} return')
        if machine.ipv6:
            allowed = f"{{ {ipv6_network(machine.ipv6)}, fe80::/10, :: }}"
            lines.append(f'iifname "{machine.link}" ip6 saddr {allowed} return')
    return [*lines, "drop"]


def _rule_chains(machines: Iterable[Guarded]) -> list[str]:
    return [
        line
        for machine in machines
        if machine.rules is not None
        for direction in ("in", "out")
        for line in _chain(
            f"{direction}_{machine.server_id}", verdict_lines(machine.rules, direction)
        )
    ]


def _dispatch(machines: Iterable[Guarded], direction: str) -> list[str]:
    key = "iifname" if direction == "out" else "oifname"
    jumps = [
        f'"{machine.link}" : jump {direction}_{machine.server_id}'
        for machine in machines
        if machine.rules is not None
    ]
    return [f"{key} vmap {{ {', '.join(jumps)} }}"] if jumps else []


def _input_lines(
    settings: ContainerSettings, metadata_port: int, machines: Sequence[Guarded]
) -> list[str]:
    links = settings.machine_links
    return [
        _hook("filter", "input"),
        f'iifname != "{links}" return',
        "jump from_owner",
        "ct state established,related accept",
        f"ip daddr {settings.gateway} tcp dport {metadata_port} accept",
        *_dispatch(machines, "out"),
        f"ip daddr != {settings.subnet} drop",
        "ip6 daddr != { fe80::/10, ff00::/8 } drop",
    ]


def _forward_lines(settings: ContainerSettings, machines: Sequence[Guarded]) -> list[str]:
    links = settings.machine_links
    return [
        _hook("filter", "forward"),
        f'iifname "{links}" jump from_owner',
        f'iifname "{links}" tcp flags syn tcp option maxseg size set rt mtu',
        f'iifname "{links}" oifname "lc*" oifname != "{links}" drop',
        f'iifname "{links}" ct state established,related accept',
        f'oifname "{links}" ct state established,related accept',
        f'iifname != "{links}" oifname "{links}" drop',
        *_dispatch(machines, "out"),
        *_dispatch(machines, "in"),
    ]


def _output_lines(machines: Sequence[Guarded]) -> list[str]:
    return [
        _hook("filter", "output"),
        "ct state established,related accept",
        *_dispatch(machines, "in"),
    ]


def _redirect_lines(settings: ContainerSettings, metadata_port: int) -> list[str]:
    target = f"{settings.gateway}:{metadata_port}"
    return [
        _hook("nat", "prerouting", "dstnat - 10"),
        f'iifname "{settings.machine_links}" ip daddr {METADATA_ADDRESS} tcp dport 80 '
        f"dnat ip to {target}",
    ]


def _translate_lines(settings: ContainerSettings, machines: Sequence[Guarded]) -> list[str]:
    outside = f'oifname != "{settings.machine_links}"'
    networks = [ipv6_network(machine.ipv6) for machine in machines if machine.ipv6]
    return [
        _hook("nat", "postrouting", "srcnat - 10"),
        f"ip saddr {settings.subnet} {outside} masquerade",
        *(f"ip6 saddr {network} {outside} masquerade" for network in networks),
    ]


class Firewall:
    """The table of one instance on this host."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()

    async def apply(self, metadata_port: int, machines: Iterable[Guarded]) -> None:
        """Replace the table; connections that are established stay."""
        async with self._lock:
            await run(["nft", "-f", "-"], stdin=render(self._settings, metadata_port, machines))

    async def open(self) -> None:
        """Let machines pass a host whose own forward policy is to drop, as Docker sets it."""
        for program in ("iptables", "ip6tables"):
            for rule in await self._passes(program):
                if not await succeeds([program, "-w", "-C", *rule]):
                    await run([program, "-w", "-I", *rule])

    async def close(self) -> None:
        """Remove the table and the host's pass rules; absent is fine."""
        await succeeds(["nft", "delete", "table", "inet", self._settings.table])
        for program in ("iptables", "ip6tables"):
            for rule in await self._passes(program):
                while await succeeds([program, "-w", "-D", *rule]):
                    continue

    async def _passes(self, program: str) -> list[list[str]]:
        """Accept rules for both directions, in Docker's chain for others' rules where it is."""
        links = self._settings.machine_links.replace("*", "+")
        for chain in ("DOCKER-USER", "FORWARD"):
            if await _has_chain(program, chain):
                return [[chain, "-i", links, "-j", "ACCEPT"], [chain, "-o", links, "-j", "ACCEPT"]]
        return []


async def _has_chain(program: str, chain: str) -> bool:
    try:
        return await succeeds([program, "-w", "-n", "-L", chain])
    except FileNotFoundError:
        return False
