"""Small parts on their own: addresses, clock, limits, faults, lists, address plans."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from localcloud.addresses import AddressPool, PoolExhausted
from localcloud.clock import ManualClock
from localcloud.hetzner import network_plan as plans
from localcloud.hetzner.errors import STATUS, ApiError
from localcloud.hetzner.faults import Fault, FaultList, fate, shortened
from localcloud.hetzner.limits import Allowance, Bucket
from localcloud.hetzner.listing import ordered, paged
from localcloud.hetzner.model import Network

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NETWORK = Network(id=1, project="p", name="n", created="", ip_range="10.0.0.0/24")


def test_addresses_come_around_only_after_all_others() -> None:
    pool = AddressPool("198.51.100.0/29")
    taken = [pool.take_ipv4() for _ in range(5)]
    assert taken == [f"198.51.100.{n}" for n in (2, 3, 4, 5, 6)]
    with pytest.raises(PoolExhausted, match="larger subnet"):
        pool.take_ipv4()
    pool.release(taken[3])
    pool.release(taken[0])
    assert [pool.take_ipv4(), pool.take_ipv4()] == [taken[0], taken[3]]


def test_a_freed_address_waits_its_turn() -> None:
    pool = AddressPool("198.51.100.0/24")
    first = pool.take_ipv4()
    pool.release(first)
    assert pool.take_ipv4() != first


def test_networks_of_ipv6_are_distinct_and_claims_hold() -> None:
    pool = AddressPool()
    pool.claim("2001:db8:0:1::/64")
    assert [pool.take_ipv6(), pool.take_ipv6()] == ["2001:db8:0:2::/64", "2001:db8:0:3::/64"]
    assert pool.gateway == "198.18.0.1"


async def test_a_manual_clock_wakes_in_order() -> None:
    clock, woken = ManualClock(NOON), list[tuple[str, datetime]]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleeper(n, s)) for n, s in (("late", 9), ("soon", 2), ("at", 5))]
    await clock.advance(5)
    assert woken == [("soon", NOON + timedelta(seconds=2)), ("at", NOON + timedelta(seconds=5))]
    await clock.jump(100)
    await asyncio.gather(*tasks)
    assert woken[-1] == ("late", NOON + timedelta(seconds=105))


def test_a_bucket_fills_one_per_second() -> None:
    bucket = Bucket(3600, NOON)
    for _ in range(3600):
        assert bucket.take(NOON).allowed
    assert not bucket.take(NOON).allowed
    later = bucket.take(NOON + timedelta(seconds=2))
    assert (later.allowed, later.remaining) == (True, 1)
    with pytest.raises(ApiError, match="limit of 3600 requests per hour reached"):
        Allowance(3600, 0, 0, allowed=False).check()


def test_faults_meet_by_kind_once_and_leave_when_spent() -> None:
    faults = FaultList()
    faults.add(Fault(kind="delay", path="/servers*", seconds=1))
    faults.add(Fault(kind="error", method="POST", path="/servers", code="locked", skip=1))
    faults.add(Fault(kind="error", path="*", code="conflict", times=None))
    assert [f.kind for f in faults.meet("GET", "/servers/1")] == ["delay", "error"]
    assert [f.code for f in faults.meet("POST", "/servers")] == ["conflict"]
    assert [f.code for f in faults.meet("POST", "/servers")] == ["locked"]
    assert [x.fault.code for x in faults.all()] == ["conflict"]


def test_the_fate_of_actions_is_the_first_that_says_so() -> None:
    fails = Fault(kind="action_fails", code="x", message="y: z")
    assert fate([Fault(kind="delay"), fails]) == "x:y: z"
    assert fate([Fault(kind="action_sticks")]) == "sticks"
    assert fate([Fault(kind="delay")]) is None


def test_a_shortened_list_hides_that_it_is() -> None:
    body = {"things": [1, 2, 3], "meta": paged([1, 2, 3], {"per_page": ["2"]}).meta()}
    cut = shortened(body, 1)
    assert (cut["things"], cut["meta"]["pagination"]["next_page"]) == ([1], None)
    assert shortened({"thing": 1}, 0) == {"thing": 1}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [3, 1, 2]),
        ({"sort": ["n"]}, [1, 2, 3]),
        ({"sort": ["n:desc"]}, [3, 2, 1]),
        ({"sort": ["odd", "n:desc"]}, [2, 3, 1]),
    ],
)
def test_sorting_takes_fields_in_their_order(
    query: dict[str, list[str]], expected: list[int]
) -> None:
    keys = {"n": lambda n: n, "odd": lambda n: n % 2}
    assert list(ordered([3, 1, 2], query, keys)) == expected


def test_addresses_of_a_network_are_given_once() -> None:
    network = plans.with_subnet(NETWORK, plans.Wish("cloud", "eu-central", "10.0.0.0/29", None))
    used: set[str] = set()
    for expected in ("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"):
        used.add(plans.free_address(network, "eu-central", used))
        assert expected in used
    with pytest.raises(ApiError, match="no_subnet_available"):
        plans.free_address(network, "eu-central", used)
    with pytest.raises(ApiError, match="no_subnet_available"):
        plans.free_address(network, "us-east", set())
    with pytest.raises(ApiError, match="ip_not_available"):
        plans.check_address(network, "eu-central", set(), "10.0.0.1")


def test_every_code_of_the_document_has_its_status() -> None:
    published = {
        "json_error": 400, "unauthorized": 401, "token_readonly": 401, "forbidden": 403,
        "maintenance": 403, "resource_limit_exceeded": 403, "not_found": 404,
        "method_not_allowed": 405, "uniqueness_error": 409, "conflict": 409,
        "deprecated_api_endpoint": 410, "resource_unavailable": 412, "invalid_input": 422,
        "service_error": 422, "unsupported_error": 422, "locked": 423, "protected": 423,
        "rate_limit_exceeded": 429, "server_error": 500, "bad_gateway": 502,
        "unavailable": 503, "timeout": 504,
    }  # fmt: skip
    assert {code: ApiError(code, "").status for code in published} == published
    assert set(STATUS) - set(published) == {
        "firewall_resource_not_found",
        "primary_ip_version_mismatch",
        "not_implemented",
    }
