"""Words and numbers as they are compared."""

from __future__ import annotations

import pytest
from tenant_agent.agent.words import numbers


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1.234", "1,234"),
        ("1.234,50 Euro", "1,234.5 Euro"),
        ("1\u2019250", "1250"),
        ("3,50", "3.5"),
        ("12,00", "12"),
        ("1.234.567", "1,234,567"),
        ("0,125", "0.125"),
    ],
)
def test_one_number_written_two_ways(left: str, right: str) -> None:
    assert numbers(left) == numbers(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3,5 %", "35 %"),
        ("1.5", "15"),
        ("0,8", "08"),
        ("0,125", "125"),
        ("1.234,50", "123450"),
        ("12.05.2024", "12052024"),
        ("1.2.3", "123"),
    ],
)
def test_two_numbers(left: str, right: str) -> None:
    assert not numbers(left) & numbers(right)
