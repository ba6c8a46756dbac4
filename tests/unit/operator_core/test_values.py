"""Small pure parts: durations, names, schema, redaction, merge patches, conditions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from tenant_operator.api.base import ApiModel
from tenant_operator.api.conditions import CONDITION_TYPES, REASONS
from tenant_operator.api.schema import NotStructural, structural
from tenant_operator.cluster.objects import merge_difference
from tenant_operator.core.durations import parse_duration, spoken
from tenant_operator.core.fleet_steps import FLEET_STEPS
from tenant_operator.core.names import Identity, cloud_name, fleet_name, tenant_labels
from tenant_operator.core.steps import STEPS
from tenant_operator.log import HIDDEN, LIMIT, Redactor

SOURCE = Path(__file__).resolve().parents[3] / "operator/src/tenant_operator"


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90m", 5400), ("1d12h", 129600), ("30d", 2592000)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


def test_a_duration_beyond_every_calendar_still_gives_a_date() -> None:
    for text in ("99999d", "999999999999h", "9" * 31 + "d"):
        assert datetime(2026, 11, 20, tzinfo=UTC) + parse_duration(text) > datetime(
            2126, 1, 1, tzinfo=UTC
        )


@pytest.mark.parametrize("text", ["", "30", "d", "1 d", "-1d", "1w"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 s"), (720, "12 min"), (10800, "3 h"), (2592000, "30 d")]
)
def test_spoken(seconds: int, words: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == words


@given(name=st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True))
def test_names_and_labels_fit_the_cloud(name: str) -> None:
    owner = Identity(
        installation="c-1",
        namespace="n" * 63,
        name=name,
        uid="12345678-90ab-cdef-1234-567890abcdef",
    )
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", cloud_name(owner))
    assert all(len(value) <= 63 for value in tenant_labels(owner, fleet_uid=owner.uid).values())


def test_a_long_fleet_name_is_cut() -> None:
    owner = Identity(installation="c", namespace="n", name="a.b" * 60, uid="12345678-x")
    assert re.fullmatch(r"[a-z0-9][-a-z0-9]{0,62}", fleet_name(owner))


class Inner(ApiModel):
    """Inner."""

    size: Annotated[int, Field(ge=1)]
    """Size."""


class Good(ApiModel):
    """Good."""

    inner_part: Inner | None = None
    """Part."""
    names: dict[str, str] = Field(default_factory=dict)
    """Names."""


def test_a_model_becomes_a_structural_schema() -> None:
    schema = structural(Good)
    part = schema["properties"]["innerPart"]
    assert part["properties"]["size"] == {
        "description": "Size.", "type": "integer", "format": "int64", "minimum": 1,
    }  # fmt: skip
    assert schema["properties"]["names"]["additionalProperties"] == {"type": "string"}
    assert "default" not in part


class Union(ApiModel):
    """Union."""

    value: int | str
    """Value."""


class Anything(ApiModel):
    """Anything."""

    value: dict[str, object]
    """Value."""


class Loop(ApiModel):
    """Loop."""

    next: Loop | None = None
    """Next."""


@pytest.mark.parametrize("model", [Union, Anything, Loop])
def test_what_a_crd_cannot_express_is_refused(model: type[ApiModel]) -> None:
    with pytest.raises(NotStructural):
        structural(model)


def test_the_name_of_a_secret_stays_readable() -> None:
    told = "The Secret acme-model lacks it; tombstone-0123-4567 is kept; database_password vanished"
    assert Redactor().clean(told) == told
    assert "AbCdEf" not in Redactor().clean("limit for token AbCdEf1234567890AbCdEf reached")
    assert "hidden-value" not in Redactor().clean('{"secret": "hidden-value"} secret=hidden-value')


def test_redaction() -> None:
    redactor = Redactor()
    redactor.learn(["s3cr3t-value", "short"])
    text = redactor.clean(
        "limit for token s3cr3t-value reached, short, Authorization: Bearer abcdefghijk"
    )
    assert "s3cr3t" not in text
    assert "abcdefghijk" not in text
    assert "short" in text
    assert "abcdefgh1" not in redactor.clean("limit for token abcdefgh1 reached")
    assert "abcdefgh" not in redactor.clean('{"api_key": "abcdefgh"}, secret=abcdefgh')
    pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    assert redactor.clean(f"x {pem} y") == f"x {HIDDEN} y"


@given(
    secrets=st.lists(st.text("ab", min_size=8, max_size=12), min_size=1, max_size=8),
    words=st.lists(st.text("abc ", max_size=30), max_size=4),
    data=st.data(),
)
def test_no_known_secret_is_left_and_nothing_else_is_taken(
    secrets: list[str], words: list[str], data: st.DataObject
) -> None:
    """Also where one begins or lies in another."""
    redactor = Redactor()
    redactor.learn(secrets)
    text = "".join(word + data.draw(st.sampled_from(["", *secrets])) for word in words)
    cleaned = redactor.clean(text)
    assert not any(secret in cleaned for secret in secrets)
    if not any(secret in text for secret in secrets):
        assert cleaned == text


def test_of_a_long_text_beginning_and_end_stay() -> None:
    """A traceback ends with its cause."""
    cleaned = Redactor().clean("Traceback: " + "x" * 5000 + " ZeroDivisionError: no")
    assert cleaned.startswith("Traceback: ")
    assert cleaned.endswith(" ZeroDivisionError: no")
    assert len(cleaned) <= LIMIT
    assert Redactor().clean("y" * LIMIT) == "y" * LIMIT


def test_the_longest_of_two_secrets_that_begin_alike_is_taken_whole() -> None:
    redactor = Redactor()
    redactor.learn(["key-0123", "key-0123-4567", "key-0123"])
    assert redactor.clean("key-0123-4567 key-0123 key-012") == f"{HIDDEN} {HIDDEN} key-012"


@pytest.mark.parametrize(
    "text",
    [
        "The Secret acme-model does not exist in namespace blueagency.",
        "The provider refused the token: put another one into the Secret hetzner-token.",
        "Generating passwords and keys.",
    ],
)
def test_names_of_secrets_are_no_secrets(text: str) -> None:
    assert Redactor().clean(text) == text


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"b": 2}, {"a": None, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
    ],
)
def test_merge_difference(
    old: dict[str, object], new: dict[str, object], patch: dict[str, object]
) -> None:
    assert merge_difference(old, new) == patch


def test_every_step_has_a_documented_condition() -> None:
    assert {step.condition for step in STEPS} <= set(CONDITION_TYPES)
    assert {step.condition for step in FLEET_STEPS} <= set(CONDITION_TYPES)


def test_every_reason_in_the_code_is_documented() -> None:
    pattern = re.compile(r'(?:Stop|Wait|Obstacle)\(\s*"([A-Z]\w+)"|reason="([A-Z]\w+)"')
    named = {
        first or second
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "api"
        for first, second in pattern.findall(path.read_text())
    }
    assert len(named) > 25
    assert named <= set(REASONS)


def test_no_reason_is_documented_that_nothing_uses() -> None:
    sources = [path for path in SOURCE.rglob("*.py") if path.name != "conditions.py"]
    text = "".join(path.read_text() for path in sources)
    assert [reason for reason in REASONS if f'"{reason}"' not in text] == []
