"""The page of bad inputs and faults: every proof exists, every reason of an obstacle has a row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tenant_operator.api.conditions import REASONS
from tenant_operator.core import faults
from tenant_operator.core.host_jobs import FAILURE_REASONS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/what-happens-when.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
PROOF = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
OF_PROVIDERS = {
    kind.reason
    for kind in vars(faults).values()
    if isinstance(kind, type) and issubclass(kind, faults.ProviderError)
}


def body_rows() -> list[str]:
    """Rows without the heads of their tables."""
    return [row for row in ROWS if not row.startswith("| what is wrong")]


@pytest.mark.parametrize("row", body_rows(), ids=lambda row: row[2:50])
def test_every_row_names_tests_that_exist(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    assert len(cells) == 4
    assert all(cells)
    proofs = PROOF.findall(cells[3])
    assert proofs
    for file, name in proofs:
        texts = [path.read_text() for path in (ROOT / "tests").rglob(file)]
        assert any(re.search(rf"def {name}\(", text) for text in texts), f"{file}::{name}"


def test_every_reason_named_is_a_reason() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", PAGE))
    assert len(named) > 40
    assert named <= set(REASONS)


def test_every_reason_that_stops_something_has_a_row() -> None:
    helped = {name for name, reason in REASONS.items() if reason.help}
    wanted = helped | (OF_PROVIDERS - {"ProviderFailed"}) | set(FAILURE_REASONS.values())
    text = "\n".join(body_rows())
    assert sorted(name for name in wanted if f"`{name}`" not in text) == []
