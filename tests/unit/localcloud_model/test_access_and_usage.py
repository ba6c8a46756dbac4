"""Keys, rates, prefix cache and fault counting."""

from __future__ import annotations

import pytest
from localcloud.model.access import RateLimit, authenticate
from localcloud.model.errors import ApiError
from localcloud.model.faults import Fault, FaultList
from localcloud.model.settings import ModelSettings
from localcloud.model.usage import PrefixCache, Usage

SETTINGS = ModelSettings(keys=["good"], revoked_keys=["leaked"])


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({}, {}, 403),
        ({"x-goog-api-key": "bad"}, {}, 400),
        ({}, {"key": "bad"}, 400),
        ({"x-goog-api-key": "leaked"}, {}, 403),
        ({"Authorization": "Bearer x"}, {}, 401),
    ],
)
def test_refused(headers: dict[str, str], query: dict[str, str], code: int) -> None:
    with pytest.raises(ApiError) as refused:
        authenticate(headers, query, SETTINGS)
    assert refused.value.code == code
    assert "bad" not in refused.value.message


def test_accepted_by_header_and_query() -> None:
    assert authenticate({"x-goog-api-key": "good"}, {}, SETTINGS) == "good"
    assert authenticate({}, {"key": "good"}, SETTINGS) == "good"


def test_the_window_moves() -> None:
    moment = 0.0
    limit = RateLimit(lambda: moment)
    limit.spend("k", 2)
    moment = 20
    limit.spend("k", 2)
    with pytest.raises(ApiError) as refused:
        limit.spend("k", 2)
    details = refused.value.envelope()["error"]["details"]
    assert details[-1] == {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": "40s",
    }
    limit.spend("other", 2)
    moment = 60.5
    limit.spend("k", 2)


def test_prompt_includes_cached_and_candidates_leave_out_thoughts() -> None:
    document = Usage(prompt=100, cached=60, thoughts=7, candidates=5).document()
    assert document["promptTokenCount"] == 100
    assert document["cachedContentTokenCount"] == 60
    assert document["thoughtsTokenCount"] == 7
    assert document["totalTokenCount"] == 112


def test_the_longest_prefix_seen_before_is_cached() -> None:
    cache = PrefixCache()
    assert cache.cached("k", ["system", "first"], [10, 5]) == 0
    assert cache.cached("k", ["system", "second"], [10, 6]) == 10
    assert cache.cached("k", ["system", "first", "more"], [10, 5, 1]) == 15
    assert cache.cached("other", ["system"], [10]) == 0


def test_a_fault_strikes_as_often_as_it_says() -> None:
    faults = FaultList()
    faults.add(Fault(kind="error", path="embed", times=2))
    assert faults.strike("POST", "/v1beta/models/x:generateContent") is None
    assert faults.strike("POST", "/v1beta/models/x:embedContent") is not None
    assert faults.strike("POST", "/v1beta/models/x:embedContent") is not None
    assert faults.strike("POST", "/v1beta/models/x:embedContent") is None
