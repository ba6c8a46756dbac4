"""What a firewall's rules can be, and how they are kept."""

from __future__ import annotations

from typing import Any

import pytest
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.firewall_rules import RuleBody, rules_from


def rule(*networks: str, port: str | None = "22", **more: Any) -> RuleBody:
    body = {"direction": "in", "protocol": "tcp", "port": port, "source_ips": list(networks)}
    return RuleBody(**{**body, **more})


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2001:DB8:0:0:0:0:0:0/32", "2001:db8::/32"),
        ("2001:0db8:ff00:0042::/64", "2001:db8:ff00:42::/64"),
        ("0:0:0:0:0:0:0:0/0", "::/0"),
        ("2001:db8:0:1:1:1:1:1/128", "2001:db8:0:1:1:1:1:1/128"),
        ("10.0.1.1/32", "10.0.1.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_kept_in_their_canonical_form(written: str, kept: str) -> None:
    assert rules_from([rule(written)])[0].source_ips == (kept,)
    out = rule(direction="out", destination_ips=[written])
    assert rules_from([out])[0].destination_ips == (kept,)


@pytest.mark.parametrize(
    "written",
    ["10.0.0.0/255.0.0.0", "10.0.0.0/0.255.255.255", "10.0.0.0/08", "10.0.0.0", "10.0.0.1/8",
     "fe80::%eth0/64", "2001:db8::1/64", "2001:db8::/129", "1/8", "/8", ""],
)  # fmt: skip
def test_a_network_that_is_none_is_refused(written: str) -> None:
    with pytest.raises(ApiError, match="source_ips"):
        rules_from([rule(written)])


@pytest.mark.parametrize("port", ["00022", "022", "0", "80-080", "65536", "1-", "-1", "٣"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ApiError, match="port"):
        rules_from([rule("0.0.0.0/0", port=port)])


def test_a_rule_counts_once_for_each_of_its_networks() -> None:
    many = [f"10.0.{number}.0/24" for number in range(100)]
    full = [rule(*many) for _ in range(5)]
    assert len(rules_from(full)) == 5
    with pytest.raises(ApiError, match="500 effective rules"):
        rules_from([*full, rule("0.0.0.0/0")])
