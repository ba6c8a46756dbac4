"""The gate keeps to the provider's limits; the inventory believes in no absence too early."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from tenant_operator.cloud.budget import BACKGROUND, URGENT, USER, Gate, Purpose, stretched
from tenant_operator.cloud.inventory import Inventory, Shelf
from tenant_operator.core.case import UNKNOWN
from tenant_operator.core.faults import RateLimited
from tenant_operator.core.world import DnsRecord, RateBudget, Volume
from tenant_operator.store import Key
from tenant_operator.watch_proof import WatchProof

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Provider:
    """A provider that answers, or is at its limit."""

    now: datetime = NOON
    remaining: int = 3600
    limited_until: datetime | None = None
    calls: list[int] = field(default_factory=list)

    def gate(self) -> Gate:
        budget = RateBudget(
            limit=3600, remaining=self.remaining, reset_at=self.now + timedelta(hours=1)
        )
        return Gate("cloud", lambda: self.now, lambda: budget)

    async def answer(self) -> str:
        self.calls.append(1)
        if self.limited_until:
            raise RateLimited("limit", until=self.limited_until)
        return "yes"


@pytest.mark.parametrize(
    ("remaining", "lane", "sent"),
    [
        (3600, BACKGROUND, True), (1000, BACKGROUND, False), (1000, USER, True),
        (300, USER, False), (300, URGENT, True), (0, URGENT, True),
    ],
)  # fmt: skip
async def test_lanes_leave_something_for_the_more_urgent(
    remaining: int, lane: int, sent: bool
) -> None:
    provider = Provider(remaining=remaining)
    gate = provider.gate()
    if sent:
        assert await gate.call("x", provider.answer, Purpose(lane=lane)) == "yes"
    else:
        with pytest.raises(RateLimited):
            await gate.call("x", provider.answer, Purpose(lane=lane))
    assert len(provider.calls) == int(sent)


async def test_nothing_is_sent_before_the_reset() -> None:
    provider = Provider(limited_until=NOON + timedelta(minutes=5))
    gate = provider.gate()
    for _ in range(3):
        with pytest.raises(RateLimited):
            await gate.call("x", provider.answer, Purpose(lane=URGENT))
    assert len(provider.calls) == 1
    provider.now, provider.limited_until = NOON + timedelta(minutes=6), None
    assert await gate.call("x", provider.answer, Purpose(lane=URGENT)) == "yes"


def test_sweeps_never_take_more_than_their_share() -> None:
    budget = RateBudget(limit=3600, remaining=3600, reset_at=NOON)
    usual = timedelta(seconds=285)
    assert stretched(usual, budget, requests=3) == usual
    assert stretched(usual, budget, requests=400) == timedelta(seconds=1333.333333)
    assert stretched(usual, None, requests=400) == usual


def volume(size: int = 10) -> Volume:
    return Volume(
        id=1, name="t-a", size_gib=size, location="fsn1", status="available", device="", labels={}
    )


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_unknown_before_the_first_sweep_and_absent_after() -> None:
    shelf: Shelf[Volume] = Shelf()
    assert shelf.get("u") is UNKNOWN
    shelf.sweep({}, started=NOON)
    assert shelf.get("u") is None


def test_an_answer_newer_than_the_sweep_wins() -> None:
    shelf: Shelf[Volume] = Shelf()
    shelf.put("u", volume(20), at(5))
    assert shelf.sweep({"u": volume(10)}, started=at(0)) == set()
    assert shelf.get("u") == volume(20)


def test_gone_only_after_two_direct_looks() -> None:
    shelf: Shelf[Volume] = Shelf()
    shelf.sweep({"u": volume()}, started=at(0))
    assert shelf.sweep({}, started=at(300)) == {"u"}
    assert shelf.get("u") == volume()
    assert shelf.in_doubt("u", at(301))
    shelf.not_found("u", at(301))
    assert shelf.get("u") == volume()
    assert not shelf.in_doubt("u", at(302))
    shelf.not_found("u", at(307))
    assert shelf.get("u") is None


def test_found_again_ends_the_doubt() -> None:
    shelf: Shelf[Volume] = Shelf()
    shelf.sweep({"u": volume()}, started=at(0))
    shelf.sweep({}, started=at(300))
    shelf.sweep({"u": volume()}, started=at(600))
    assert not shelf.in_doubt("u", at(601))


def test_mistrust_asks_again() -> None:
    shelf: Shelf[Volume] = Shelf()
    shelf.put("u", volume(), at(0))
    shelf.mistrust("u")
    assert shelf.get("u") is UNKNOWN
    shelf.put("u", None, at(1))
    assert shelf.get("u") is None


def test_records_and_orphans() -> None:
    inventory = Inventory()
    record = DnsRecord(hostname="a.example", type="A", values=("192.0.2.1",), owner="c/u")
    assert inventory.records_of("u") is UNKNOWN
    assert inventory.sweep_records([record], started=at(0)) == {"u"}
    assert inventory.records_of("u") == (record,)
    assert inventory.sweep_records([], started=at(300)) == {"u"}
    inventory.volumes.sweep({"x": volume()}, started=at(0))
    assert inventory.orphans({"u"}) == ["Volume t-a"]


def test_a_frozen_watch_is_noticed() -> None:
    proof, key = WatchProof(), Key("tenant", "n", "a")
    proof.wrote(key, "10", at(0))
    assert proof.overdue(at(60)) is None
    assert proof.overdue(at(130)) is not None
    proof.seen(key, "11")
    assert proof.overdue(at(500)) is None
    proof.wrote(key, "11", at(0))
    assert proof.overdue(at(500)) is None
