"""What ranges, subnets, routes and addresses of networks can be."""

from __future__ import annotations

import pytest
from localcloud.hetzner import network_plan as plans
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.model import Network, Subnet

ZONE = "eu-central"
CLOUD = Subnet(type="cloud", ip_range="10.0.1.0/24", network_zone=ZONE, gateway="10.0.0.1")
COUPLED = Subnet(
    type="vswitch", ip_range="10.0.2.0/24", network_zone=ZONE, gateway="10.0.0.1", vswitch_id=1
)
NETWORK = Network(
    id=1,
    project="p",
    name="n",
    created="",
    ip_range="10.0.0.0/16",
    subnets=(CLOUD, COUPLED),
    routes=(("10.0.0.0/24", "10.0.1.9"), ("0.0.0.0/0", "10.0.1.9")),
)
LINK = Network(id=2, project="p", name="l", created="", ip_range="172.31.0.0/16")


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/25", "10.0.0.0/32", "10.0.0.0/255.255.0.0", "10.0.0.0/0.0.255.255", "10.0.0.0/016",
     "10.0.0.0", "10.0.0.1/16", "8.8.8.0/24", "fd00::/64", ""],
)  # fmt: skip
def test_a_network_is_private_of_24_at_least_and_in_cidr_notation(text: str) -> None:
    with pytest.raises(ApiError, match="ip_range"):
        plans.check_range(text)


def test_the_smallest_network_has_subnets_and_routes() -> None:
    assert str(plans.check_range("192.168.7.0/24")) == "192.168.7.0/24"
    small = Network(id=1, project="p", name="n", created="", ip_range="192.168.7.0/24")
    small = plans.with_subnet(small, plans.Wish("cloud", ZONE, "192.168.7.0/30", None))
    small = plans.with_route(small, ("10.0.0.0/8", "192.168.7.2"))
    assert plans.free_address(small, ZONE, ()) == "192.168.7.2"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("10.0.3.0/31", "must be /30 or larger"),
        ("10.0.3.0/32", "must be /30 or larger"),
        ("10.0.3.0/255.255.255.0", "CIDR|empty host bits"),
        ("10.0.1.128/25", "overlaps"),
        ("10.0.0.128/25", "overlaps"),
        ("10.1.0.0/24", "within"),
    ],
)
def test_a_subnet_that_cannot_be_is_refused(asked: str, why: str) -> None:
    with pytest.raises(ApiError, match=why):
        plans.with_subnet(NETWORK, plans.Wish("cloud", ZONE, asked, None))


def test_a_subnet_without_a_range_leaves_out_where_routes_lead() -> None:
    grown = plans.with_subnet(NETWORK, plans.Wish("cloud", ZONE, None, None))
    assert grown.subnets[-1].ip_range == "10.0.3.0/24"


@pytest.mark.parametrize(
    ("destination", "gateway"),
    [
        ("10.0.1.0/24", "10.0.1.9"),
        ("10.0.1.7/32", "10.0.1.9"),
        ("10.0.0.0/8", "10.0.1.9"),
        ("10.0.0.128/25", "10.0.1.9"),
        ("0.0.0.0/0", "10.0.1.9"),
        ("8.8.8.0/24", "10.0.1.9"),
        ("0.0.0.0/1", "10.0.1.9"),
        ("172.31.1.1/32", "10.0.1.9"),
        ("172.16.0.0/12", "10.0.1.9"),
        ("192.168.0.0/255.255.0.0", "10.0.1.9"),
        ("192.168.0.0/16", "10.0.0.1"),
        ("192.168.0.0/16", "10.0.2.5"),
        ("192.168.0.0/16", "192.168.0.1"),
    ],
)
def test_a_route_that_cannot_be_is_refused(destination: str, gateway: str) -> None:
    with pytest.raises(ApiError, match="invalid_input"):
        plans.with_route(NETWORK, (destination, gateway))


def test_the_gateway_of_the_public_interfaces_routes_nothing() -> None:
    with pytest.raises(ApiError, match="gateway"):
        plans.with_route(LINK, ("10.0.0.0/8", "172.31.1.1"))


@pytest.mark.parametrize("destination", ["192.168.0.0/16", "10.0.9.0/24", "10.1.0.0/16"])
def test_routes_lead_beside_subnets_and_other_routes(destination: str) -> None:
    grown = plans.with_route(NETWORK, (destination, "10.0.3.4"))
    assert grown.routes[-1] == (destination, "10.0.3.4")


@pytest.mark.parametrize(
    ("ip", "within", "code"),
    [
        ("10.0.1.5", "10.0.3.0/24", "invalid_input"),
        ("10.0.1.5", "10.0.1.0/255.255.255.0", "invalid_input"),
        ("10.0.1.5", "10.0.0.0/16", "ip_not_available"),
        ("10.0.2.5", "10.0.2.0/24", "ip_not_available"),
    ],
)
def test_an_address_is_in_the_subnet_asked_for(ip: str, within: str, code: str) -> None:
    assert plans.check_address(NETWORK, ZONE, (), "10.0.1.5", "10.0.1.0/24") == "10.0.1.5"
    with pytest.raises(ApiError, match=code):
        plans.check_address(NETWORK, ZONE, (), ip, within)


def test_a_free_address_is_of_the_subnet_asked_for() -> None:
    assert plans.free_address(NETWORK, ZONE, (), "10.0.1.0/24") == "10.0.1.1"
    with pytest.raises(ApiError, match="no_subnet_available"):
        plans.free_address(NETWORK, ZONE, (), "10.0.2.0/24")
    with pytest.raises(ApiError, match="ip_range"):
        plans.free_address(NETWORK, ZONE, (), "nonsense")
