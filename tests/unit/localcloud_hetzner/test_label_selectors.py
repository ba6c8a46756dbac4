"""The selector language, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.label_selectors import check_labels, parse

LABELS = {"env": "prod", "tier": "web", "empty": "", "example.com/my": "label"}


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("", True),
        ("env==prod", True),
        ("env=prod", True),
        ("env = prod", True),
        ("env=test", False),
        ("env!=prod", False),
        ("env!=test", True),
        ("absent!=x", True),
        ("env", True),
        ("absent", False),
        ("!env", False),
        ("!absent", True),
        ("! absent", True),
        ("env in (prod,test)", True),
        ("env in ( test , prod )", True),
        ("env in (test)", False),
        ("env notin (test)", True),
        ("env notin (prod)", False),
        ("absent notin (x)", True),
        ("absent in (x)", False),
        ("empty=", True),
        ("empty", True),
        ("empty!=", False),
        ("example.com/my=label", True),
        ("!example.com/other", True),
        ("env=prod,tier=web", True),
        ("env=prod,tier=db", False),
        ("env in (prod,test),!absent,tier!=db", True),
        ("hetzner.cloud/x=1", False),
    ],
)
def test_a_selector_fits_labels(selector: str, fits: bool) -> None:
    assert parse(selector)(LABELS) is fits
    candidates = parse(selector).one_of.items()
    assert not fits or all(LABELS.get(key, "") in values for key, values in candidates)


@pytest.mark.parametrize(
    "selector",
    [
        "=",
        "=prod",
        "env=prod,",
        ",env",
        "env in prod",
        "env in (prod",
        "env notin",
        "env prod",
        "env=a=b",
        "env>1",
        "!env=prod",
        "en v",
        "-env",
        "env=-prod",
        "a//b",
        "UPPER.example/x y",
        "Ex ample.com/x",
    ],
)
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(ApiError) as error:
        parse(selector)
    assert error.value.code == "invalid_input"


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {"-a": "x"},
        {"a-": "x"},
        {"x" * 64: ""},
        {"a": "x" * 64},
        {"a": "with space"},
        {"Upper.example/a": ""},
        {"/a": ""},
        {"a.example/": ""},
        {"hetzner.cloud/a": ""},
        {f"{'a' * 254}/x": ""},
    ],
)
def test_labels_that_break_the_rules_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ApiError) as error:
        check_labels(labels)
    assert error.value.code == "invalid_input"


def test_labels_that_keep_the_rules_are_taken() -> None:
    check_labels({**LABELS, "x" * 63: "y" * 63, "A.b_c-D": "v.1_2-3"})
    check_labels({"node.hetzner.cloud/a": "", "nothetzner.cloud/a": "", "hetzner.cloud": ""})


NAMES = st.from_regex(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,8}[A-Za-z0-9])?", fullmatch=True)


@given(st.dictionaries(NAMES, NAMES), NAMES, NAMES)
def test_equal_and_not_equal_are_opposites(labels: dict[str, str], key: str, value: str) -> None:
    assert parse(f"{key}={value}")(labels) is not parse(f"{key}!={value}")(labels)
    assert parse(f"{key} in ({value})")(labels) is not parse(f"{key} notin ({value})")(labels)
    assert parse(key)(labels) is not parse(f"!{key}")(labels)
