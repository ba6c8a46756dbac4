"""Who gets a host name that several Tenants want."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tenant_operator.core.hostnames import Claim, rival


def claim(name: str, **what: Any) -> Claim:
    """Of a Tenant; those with later names are younger."""
    created = datetime(2026, 1, ord(name) - ord("a") + 1, tzinfo=UTC)
    return Claim(tenant=name, uid=name, created=created, **what)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (claim("a"), claim("b")),
        (claim("b", published=True), claim("a")),
        (claim("b", served=True), claim("a")),
        (claim("b", published=True), claim("a", served=True)),
        (claim("a", published=True, served=True), claim("b", published=True, served=True)),
        (claim("b"), claim("a", possible=False)),
    ],
)
def test_one_of_two_gets_it(first: Claim, second: Claim) -> None:
    assert rival(first, [second]) is None
    assert rival(second, [first]) == first.tenant


def test_who_has_it_counts_although_its_fleet_was_not_heard_of_yet() -> None:
    assert rival(claim("a"), [claim("b", served=True, possible=False)]) == "b"
    assert rival(claim("a"), [claim("b", published=True, possible=False)]) == "b"


def test_alone_it_is_ones_own() -> None:
    assert rival(claim("a"), []) is None
