"""Moments as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def written(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def read(text: str) -> datetime:
    """The moment that `written` wrote."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
