"""Which interface gets the edge's address."""

from __future__ import annotations

import json

from localcloud.edge.interface import interface_of

GATEWAY = "198.18.0.1"


def link(name: str, address: str, kind: str) -> dict[str, object]:
    return {
        "ifname": name,
        "addr_info": [{"local": "fe80::1"}, {"local": address}],
        "linkinfo": {"info_kind": kind},
    }


def test_the_gateways_own_link_comes_before_a_machines() -> None:
    links = [link("machine1", GATEWAY, "veth"), link("gateway", GATEWAY, "dummy")]
    assert interface_of(GATEWAY, json.dumps(links)) == "gateway"
    assert interface_of(GATEWAY, json.dumps(links[:1])) == "machine1"


def test_no_interface_has_it() -> None:
    links = [{"ifname": "lo", "addr_info": []}, link("other", "198.18.9.1", "bridge")]
    assert interface_of(GATEWAY, json.dumps(links)) == ""
