"""Hetzner's published error codes against the table, and headers against their value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tenant_operator.cloud.port import FAULT_OF_CODE, fault
from tenant_operator.core.faults import Busy, RateLimited, Refused
from tenant_operator.providers.hetzner_api import budget_of, field_names

PUBLISHED = (
    "unauthorized",
    "token_readonly",
    "forbidden",
    "maintenance",
    "resource_limit_exceeded",
    "not_found",
    "uniqueness_error",
    "conflict",
    "resource_unavailable",
    "service_error",
    "locked",
    "protected",
    "rate_limit_exceeded",
    "server_error",
    "bad_gateway",
    "unavailable",
    "timeout",
)
WRONG_REQUESTS = ("json_error", "invalid_input", "unsupported_error", "method_not_allowed")


@pytest.mark.parametrize("code", PUBLISHED)
def test_every_general_code_has_a_decision_of_its_own(code: str) -> None:
    assert code in FAULT_OF_CODE


@pytest.mark.parametrize("code", [*WRONG_REQUESTS, "a_code_of_tomorrow"])
def test_a_wrong_or_unknown_request_waits_for_a_person(code: str) -> None:
    assert type(fault(code, "no")) is Refused


@pytest.mark.parametrize("code", ["500", "502", "503"])
def test_a_status_without_an_error_body_is_worth_another_try(code: str) -> None:
    assert isinstance(fault(code, "no"), Busy)


def test_the_rate_limit_says_until_when() -> None:
    reset = datetime(2026, 11, 20, tzinfo=UTC)
    error = fault("rate_limit_exceeded", "no", reset_at=reset)
    assert isinstance(error, RateLimited)
    assert error.until == reset


def test_the_budget_is_read_from_whole_headers_only() -> None:
    headers = {"RateLimit-Limit": "3600", "RateLimit-Remaining": "3599", "RateLimit-Reset": "1"}
    budget = budget_of(headers)
    assert budget is not None
    assert (budget.limit, budget.remaining) == (3600, 3599)
    for name in headers:
        assert budget_of({**headers, name: "soon"}) is None
        assert budget_of({key: value for key, value in headers.items() if key != name}) is None


@pytest.mark.parametrize(
    ("details", "suffix"),
    [
        (None, ""),
        ("text", ""),
        ({"fields": [{"name": "size"}, {"name": "name"}]}, " [size, name]"),
        ({"limits": [{"name": "server_limit"}]}, " [server_limit]"),
        ({"fields": None}, ""),
    ],
)
def test_details_name_the_fields(details: object, suffix: str) -> None:
    assert field_names(details) == suffix
