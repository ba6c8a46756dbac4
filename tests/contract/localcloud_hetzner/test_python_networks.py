"""Networks and firewalls as hcloud-python handles them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hcloud import APIException
from hcloud.firewalls import (
    FirewallResource,
    FirewallResourceLabelSelector,
    FirewallRule,
)
from hcloud.networks import NetworkRoute, NetworkSubnet
from hcloud.servers import ServerCreatePublicNetwork
from localcloud.machines.port import FirewallRule as MachineRule
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import finished, order_server

SSH = FirewallRule(
    direction="in", protocol="tcp", port="22", source_ips=["0.0.0.0/0", "::/0"], description="ssh"
)
WEB = FirewallRule(direction="in", protocol="tcp", port="443", source_ips=["0.0.0.0/0"])
OPEN_SSH = MachineRule(direction="in", protocol="tcp", port="22", networks=("0.0.0.0/0", "::/0"))
OPEN_WEB = MachineRule(direction="in", protocol="tcp", port="443", networks=("0.0.0.0/0",))


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(APIException) as error:
        call()
    return str(error.value.code)


def labelled(selector: str) -> FirewallResource:
    chosen = FirewallResourceLabelSelector(selector=selector)
    return FirewallResource(type="label_selector", label_selector=chosen)


def on(server: Any) -> FirewallResource:
    return FirewallResource(type="server", server=server)


def on_machine(api: HetznerApi, server: Any) -> tuple[MachineRule, ...] | None:
    api.settle()
    api.run(api.cloud.enforcement.caught_up())
    return api.machines.machines[server.id].firewall


@pytest.fixture
def network(hetzner_client: Any) -> Any:
    return hetzner_client.networks.create(
        name="net",
        ip_range="10.0.0.0/16",
        subnets=[NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24")],
        routes=[NetworkRoute(destination="10.100.0.0/16", gateway="10.0.1.9")],
    )


def test_a_network_is_changed(hetzner_client: Any, network: Any) -> None:
    finished(
        network.add_subnet(
            NetworkSubnet(type="cloud", network_zone="us-east", ip_range="10.0.2.0/24")
        )
    )
    finished(network.add_route(NetworkRoute(destination="10.101.0.0/16", gateway="10.0.1.9")))
    finished(network.delete_route(NetworkRoute(destination="10.100.0.0/16", gateway="10.0.1.9")))
    finished(network.change_ip_range("10.0.0.0/15"))
    network.reload()
    assert network.ip_range == "10.0.0.0/15"
    assert [s.ip_range for s in network.subnets] == ["10.0.1.0/24", "10.0.2.0/24"]
    assert {s.gateway for s in network.subnets} == {"10.0.0.1"}
    assert [r.destination for r in network.routes] == ["10.101.0.0/16"]
    finished(network.delete_subnet(network.subnets[1]))
    network.update(name="renamed", labels={"a": "b"}, expose_routes_to_vswitch=True)
    finished(network.change_protection(delete=True))
    with pytest.raises(APIException, match="network is delete protected"):
        network.delete()
    finished(network.change_protection(delete=False))
    network.delete()
    assert hetzner_client.networks.get_all() == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("change_ip_range", {"ip_range": "10.0.0.0/17"}, "invalid_input"),
        ("change_ip_range", {"ip_range": "10.1.0.0/15"}, "invalid_input"),
        ("add_subnet", {"type": "cloud", "network_zone": "moon"}, "invalid_input"),
        (
            "add_subnet",
            {"type": "cloud", "network_zone": "eu-central", "ip_range": "10.0.1.128/25"},
            "invalid_input",
        ),
        ("add_subnet", {"type": "vswitch", "network_zone": "eu-central"}, "invalid_input"),
        ("delete_subnet", {"ip_range": "10.0.7.0/24"}, "invalid_input"),
        ("add_route", {"destination": "10.100.0.0/16", "gateway": "10.0.1.9"}, "invalid_input"),
        ("add_route", {"destination": "10.9.0.0/16", "gateway": "10.0.0.1"}, "invalid_input"),
        ("add_route", {"destination": "10.9.0.0/16", "gateway": "192.168.0.1"}, "invalid_input"),
        ("delete_route", {"destination": "10.9.0.0/16", "gateway": "10.0.1.9"}, "invalid_input"),
    ],
)
def test_a_change_of_a_network_that_cannot_be_is_refused(
    hetzner_api: HetznerApi, network: Any, path: str, body: dict[str, str], code: str
) -> None:
    answer = hetzner_api.ask("POST", f"/networks/{network.id}/actions/{path}", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_servers_join_and_leave_a_network(
    hetzner_api: HetznerApi, hetzner_client: Any, network: Any
) -> None:
    server = order_server(hetzner_client)
    finished(server.attach_to_network(network, ip="10.0.1.7", alias_ips=["10.0.1.8"]))
    assert code_of(lambda: server.attach_to_network(network)) == "server_already_attached"
    other = order_server(hetzner_client, "other")
    assert code_of(lambda: other.attach_to_network(network, ip="10.0.1.7")) == "ip_not_available"
    assert code_of(lambda: other.attach_to_network(network, ip="10.0.2.7")) == "ip_not_available"
    finished(other.attach_to_network(network))
    members = network.get_member_all(sort=["id:desc"])
    assert [(m.id, m.type, m.ip, m.status) for m in members] == [
        (other.id, "server", "10.0.1.1", "ok"),
        (server.id, "server", "10.0.1.7", "ok"),
    ]
    assert network.get_member_all(subnet=["10.0.9.0/24"]) == []
    finished(server.change_alias_ips(network, ["10.0.1.20", "10.0.1.21"]))
    server.reload()
    assert server.private_net[0].alias_ips == ["10.0.1.20", "10.0.1.21"]
    interface = hetzner_api.machines.machines[server.id].spec.networks[0]
    assert (interface.ip, interface.alias_ips) == ("10.0.1.7", ("10.0.1.20", "10.0.1.21"))
    subnet = network.subnets[0]
    assert code_of(lambda: network.delete_subnet(subnet)) == "service_error"
    finished(server.detach_from_network(network))
    assert hetzner_api.machines.machines[server.id].spec.networks == ()
    network.delete()
    hetzner_api.settle()
    assert hetzner_api.machines.machines[other.id].spec.networks == ()


def test_networks_of_a_server_do_not_overlap(hetzner_client: Any, network: Any) -> None:
    server = order_server(hetzner_client, networks=[network])
    other = hetzner_client.networks.create(name="other", ip_range="10.0.0.0/8")
    assert code_of(lambda: server.attach_to_network(other)) == "networks_overlap"
    empty = hetzner_client.networks.create(name="empty", ip_range="192.168.0.0/16")
    assert code_of(lambda: server.attach_to_network(empty)) == "no_subnet_available"


def test_a_private_server_needs_a_network_and_takes_no_firewall(
    hetzner_client: Any, network: Any
) -> None:
    private = ServerCreatePublicNetwork(ipv4=None, ipv6=None, enable_ipv4=False, enable_ipv6=False)
    assert code_of(lambda: order_server(hetzner_client, public_net=private)) == "invalid_input"
    server = order_server(hetzner_client, public_net=private, networks=[network])
    assert (server.public_net.ipv4, server.public_net.ipv6) == (None, None)
    wall = hetzner_client.firewalls.create("wall").firewall
    assert code_of(lambda: wall.apply_to_resources([on(server)])) == "private_net_only_server"


def test_a_firewall_reaches_machines_by_id(hetzner_api: HetznerApi, hetzner_client: Any) -> None:
    server = order_server(hetzner_client)
    assert on_machine(hetzner_api, server) is None
    made = hetzner_client.firewalls.create("wall", rules=[SSH], resources=[on(server)])
    assert [a.command for a in made.actions] == ["set_firewall_rules", "apply_firewall"]
    finished(made.actions)
    wall = made.firewall
    assert on_machine(hetzner_api, server) == (OPEN_SSH,)
    other = hetzner_client.firewalls.create("web", rules=[WEB], resources=[on(server)]).firewall
    assert on_machine(hetzner_api, server) == (OPEN_SSH, OPEN_WEB)
    finished(wall.set_rules([]))
    assert on_machine(hetzner_api, server) == (OPEN_WEB,)
    with pytest.raises(APIException, match=f"firewall with ID {wall.id} is still in use"):
        wall.delete()
    assert code_of(lambda: wall.apply_to_resources([on(server)])) == "firewall_already_applied"
    finished(wall.remove_from_resources([on(server)]))
    assert code_of(lambda: wall.remove_from_resources([on(server)])) == (
        "firewall_resource_not_found"
    )
    wall.delete()
    finished(server.delete())
    other.reload()
    assert other.applied_to == []
    other.delete()


def test_a_firewall_follows_labels(hetzner_api: HetznerApi, hetzner_client: Any) -> None:
    made = hetzner_client.firewalls.create(
        "wall", rules=[SSH], resources=[labelled("tier in (web,api)")]
    )
    wall: Any = made.firewall
    server = order_server(hetzner_client, labels={"tier": "web"})
    assert on_machine(hetzner_api, server) == (OPEN_SSH,)
    wall.reload()
    target = wall.applied_to[0]
    assert [x.server.id for x in target.applied_to_resources] == [server.id]
    assert code_of(lambda: wall.remove_from_resources([on(server)])) == (
        "firewall_managed_by_label_selector"
    )
    server.update(labels={"tier": "db"})
    assert on_machine(hetzner_api, server) is None
    server.update(labels={"tier": "api"})
    assert on_machine(hetzner_api, server) == (OPEN_SSH,)
    server.reload()
    assert [(f.firewall.id, f.status) for f in server.public_net.firewalls] == [
        (wall.id, "applied")
    ]
    finished(wall.remove_from_resources([labelled("tier in (web,api)")]))
    assert on_machine(hetzner_api, server) is None
    wall.delete()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"port": None}, "rules.0.port"),
        ({"port": "70000"}, "rules.0.port"),
        ({"port": "90-80"}, "rules.0.port"),
        ({"protocol": "icmp"}, "rules.0.port"),
        ({"protocol": "http"}, "rules.0.protocol"),
        ({"direction": "both"}, "rules.0.direction"),
        ({"source_ips": []}, "rules.0.source_ips"),
        ({"source_ips": ["10.0.0.1/8"]}, "rules.0.source_ips"),
        ({"source_ips": ["10.0.0.1"]}, "rules.0.source_ips"),
        ({"destination_ips": ["10.0.0.0/8"]}, "rules.0.destination_ips"),
        ({"description": "x" * 256}, "rules.0.description"),
        ({"surprise": 1}, "rules.0.surprise"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    hetzner_api: HetznerApi, change: dict[str, object], field: str
) -> None:
    rule = {"direction": "in", "protocol": "tcp", "port": "80", "source_ips": ["0.0.0.0/0"]}
    given = {k: v for k, v in {**rule, **change}.items() if v is not None}
    answer = hetzner_api.ask("POST", "/firewalls", {"name": "wall", "rules": [given]})
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["fields"][0]["name"] == field


def test_firewalls_have_limits(hetzner_api: HetznerApi, hetzner_client: Any) -> None:
    server = order_server(hetzner_client)
    for number in range(5):
        finished(hetzner_client.firewalls.create(f"w{number}", resources=[on(server)]).actions)
    assert code_of(lambda: hetzner_client.firewalls.create("w5", resources=[on(server)])) == (
        "invalid_input"
    )
    assert code_of(lambda: hetzner_client.firewalls.create("many", rules=[SSH] * 51)) == (
        "invalid_input"
    )
    answer = hetzner_api.ask(
        "POST",
        "/firewalls",
        {"name": "x", "apply_to": [{"type": "server", "server": {"id": 999}}]},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        422,
        "firewall_resource_not_found",
    )
