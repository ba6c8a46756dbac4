"""Tables in memory that are closed with their test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from localcloud.rows import Rows


@pytest.fixture
def rows() -> Iterator[Rows]:
    """An empty table of documents, in memory."""
    with closing(Rows(None)) as made:
        yield made
