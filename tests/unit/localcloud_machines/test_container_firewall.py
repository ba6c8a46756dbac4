"""Firewall rules as nftables lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from localcloud.machines.container.firewall import Guarded, render, rule_lines, verdict_lines
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.port import FirewallRule

SETTINGS = ContainerSettings(directory=Path("/srv"), instance="one", subnet="198.18.4.0/24")
SSH = FirewallRule(direction="in", protocol="tcp", networks=("192.0.2.0/24",), port="22")
OUT = FirewallRule(direction="out", protocol="udp", networks=("0.0.0.0/0",), port="53")


def guarded(server_id: int, rules: tuple[FirewallRule, ...] | None) -> Guarded:
    return Guarded(
        server_id=server_id,
        link=SETTINGS.machine_link(server_id),
        ipv4=f"198.18.4.{server_id}",
        ipv6=f"2001:db8:{server_id}::/64",
        rules=rules,
    )


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        (SSH, ["ip saddr { 192.0.2.0/24 } tcp dport 22 accept"]),
        (OUT, ["meta nfproto ipv4 udp dport 53 accept"]),
        (
            FirewallRule(
                direction="in", protocol="tcp", networks=("0.0.0.0/0", "::/0"), port="1024-5000"
            ),
            [
                "meta nfproto ipv4 tcp dport 1024-5000 accept",
                "meta nfproto ipv6 tcp dport 1024-5000 accept",
            ],
        ),
        (
            FirewallRule(direction="out", protocol="icmp", networks=("10.0.0.0/8", "::/0")),
            [
                "ip daddr { 10.0.0.0/8 } meta l4proto icmp accept",
                "meta nfproto ipv6 meta l4proto ipv6-icmp accept",
            ],
        ),
        (
            FirewallRule(direction="in", protocol="gre", networks=("10.1.0.0/16", "10.0.0.0/8")),
            ["ip saddr { 10.0.0.0/8 } meta l4proto gre accept"],
        ),
        (
            FirewallRule(direction="in", protocol="tcp", networks=("2001:db8::/32",), port="any"),
            ["ip6 saddr { 2001:db8::/32 } meta l4proto tcp accept"],
        ),
        (FirewallRule(direction="in", protocol="esp", networks=()), []),
    ],
)
def test_a_rule_becomes_one_line_per_address_family(rule: FirewallRule, lines: list[str]) -> None:
    assert rule_lines(rule) == lines


def test_no_in_rule_admits_nothing_and_no_out_rule_hinders_nothing() -> None:
    assert verdict_lines((), "in")[-1] == "drop"
    assert verdict_lines((SSH,), "out") == []
    assert verdict_lines((SSH, OUT), "out")[-1] == "drop"


def test_only_servers_with_a_firewall_are_dispatched() -> None:
    text = render(SETTINGS, 4000, [guarded(7, (SSH,)), guarded(8, None)])
    assert f'oifname vmap {{ "{SETTINGS.machine_link(7)}" : jump in_7 }}' in text
    assert "in_8" not in text
    assert f'iifname "{SETTINGS.machine_link(8)}" ip saddr 198.18.4.8 return' in text


def test_the_table_is_replaced_in_one_step() -> None:
    lines = render(SETTINGS, 4000, []).splitlines()
    table = f"table inet {SETTINGS.table}"
    assert lines[:3] == [f"{table} {{ }}", f"delete {table}", f"{table} {{"]


def test_a_reply_passes_before_the_sources_of_others_are_refused_entry() -> None:
    text = render(SETTINGS, 4000, [guarded(7, ())])
    forward = text[text.index("chain forward") : text.index("chain output")]
    assert forward.index("from_owner") < forward.index("established") < forward.index("vmap")
