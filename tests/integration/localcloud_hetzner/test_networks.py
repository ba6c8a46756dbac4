"""Networks while servers come and go: what their members show, and what has to wait."""

from __future__ import annotations

from typing import Any

import pytest
from localcloud.clock import ManualClock
from localcloud.hetzner.cloud import Settings
from plugins.fix_hetzner import HetznerApi, StartHetzner

ORDER = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
ROUTE = {"destination": "10.9.0.0/16", "gateway": "10.0.0.9"}


def subnet(ip_range: str) -> dict[str, str]:
    return {"type": "cloud", "network_zone": "eu-central", "ip_range": ip_range}


@pytest.fixture
def api(start_hetzner_api: StartHetzner) -> HetznerApi:
    """An API whose actions take Hetzner's time, on a clock that the test moves."""
    return start_hetzner_api(clock=ManualClock(), settings=Settings(pace=1.0))


def posted(api: HetznerApi, path: str, body: object) -> dict[str, Any]:
    answer = api.ask("POST", path, body)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def network(api: HetznerApi, name: str, *ranges: str) -> str:
    body = {"name": name, "ip_range": ranges[0], "subnets": [subnet(each) for each in ranges[1:]]}
    return f"/networks/{posted(api, '/networks', body)['network']['id']}"


@pytest.fixture
def home(api: HetznerApi) -> str:
    return network(api, "home", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24")


@pytest.fixture
def server(api: HetznerApi) -> str:
    made = posted(api, "/servers", ORDER)["server"]["id"]
    api.advance(60)
    return f"/servers/{made}"


def acts(api: HetznerApi, server: str, action: str, home: str, **more: object) -> None:
    posted(api, f"{server}/actions/{action}", {"network": int(home.split("/")[-1]), **more})


def statuses(api: HetznerApi, home: str) -> list[str]:
    members = api.ask("GET", f"{home}/members").json()["members"]
    return [member["status"] for member in members]


def test_members_show_what_is_done_to_their_place(api: HetznerApi, home: str, server: str) -> None:
    other = network(api, "other", "192.168.0.0/16", "192.168.0.0/24")
    acts(api, server, "attach_to_network", other)
    api.advance(10)
    acts(api, server, "attach_to_network", home)
    assert (statuses(api, home), statuses(api, other)) == (["attaching"], ["ok"])
    api.advance(10)
    acts(api, server, "change_alias_ips", home, alias_ips=["10.0.0.7"])
    assert (statuses(api, home), statuses(api, other)) == (["updating"], ["ok"])
    api.advance(10)
    acts(api, server, "detach_from_network", home)
    assert (statuses(api, home), statuses(api, other)) == (["detaching"], ["ok"])
    api.advance(10)
    assert (statuses(api, home), statuses(api, other)) == ([], ["ok"])


@pytest.mark.parametrize("action", ["attach_to_network", "detach_from_network"])
def test_a_network_waits_for_servers_that_come_or_go(
    api: HetznerApi, home: str, server: str, action: str
) -> None:
    if action == "detach_from_network":
        acts(api, server, "attach_to_network", home)
        api.advance(10)
    acts(api, server, action, home)
    wishes: list[tuple[str, str, object]] = [
        ("DELETE", home, None),
        ("PUT", home, {"name": "renamed"}),
        ("POST", f"{home}/actions/add_subnet", subnet("10.0.2.0/24")),
        ("POST", f"{home}/actions/delete_subnet", {"ip_range": "10.0.1.0/24"}),
        ("POST", f"{home}/actions/add_route", ROUTE),
        ("POST", f"{home}/actions/change_ip_range", {"ip_range": "10.0.0.0/15"}),
    ]
    refused = [api.ask(*wish) for wish in wishes]
    assert {(r.status_code, r.json()["error"]["code"]) for r in refused} == {(409, "conflict")}
    api.advance(10)
    assert api.ask("DELETE", home).status_code == 204


def test_a_subnet_with_an_alias_is_not_deleted(api: HetznerApi, home: str, server: str) -> None:
    acts(api, server, "attach_to_network", home, ip="10.0.0.5", alias_ips=["10.0.1.5"])
    api.advance(10)
    gone = {"ip_range": "10.0.1.0/24"}
    refused = api.ask("POST", f"{home}/actions/delete_subnet", gone)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "service_error")
    acts(api, server, "change_alias_ips", home, alias_ips=[])
    api.advance(10)
    posted(api, f"{home}/actions/delete_subnet", gone)


def test_an_address_outside_of_the_subnet_asked_for_is_refused(
    api: HetznerApi, home: str, server: str
) -> None:
    body = {"network": int(home.split("/")[-1]), "ip": "10.0.0.5", "ip_range": "10.0.1.0/24"}
    refused = api.ask("POST", f"{server}/actions/attach_to_network", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_input")
