"""Lists: filter, sort, page, and the links between pages.

Parameters as Hetzner's document has them. Beyond it: a `per_page` over the maximum is cut to the
maximum, and a `sort` by a field that the list does not know is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from localcloud.hetzner import label_selectors
from localcloud.hetzner.errors import invalid

T = TypeVar("T")
Query = Mapping[str, Sequence[str]]
Keys = Mapping[str, Callable[[Any], Any]]

PER_PAGE = 25
MAX_PER_PAGE = 50


@dataclass(frozen=True)
class Page(Generic[T]):
    """A piece of a list."""

    items: Sequence[T]
    page: int
    per_page: int
    total: int

    @property
    def last(self) -> int:
        """Number of the last page; an empty list has one page."""
        return max(1, math.ceil(self.total / self.per_page))

    @property
    def next(self) -> int | None:
        """Number of the page that follows."""
        return self.page + 1 if self.page < self.last else None

    @property
    def previous(self) -> int | None:
        """Number of the page before, as far as it exists."""
        return min(self.page - 1, self.last) if self.page > 1 else None

    def meta(self) -> dict[str, Any]:
        """The `meta` object of the answer."""
        return {
            "pagination": {
                "page": self.page,
                "per_page": self.per_page,
                "previous_page": self.previous,
                "next_page": self.next,
                "last_page": self.last,
                "total_entries": self.total,
            }
        }


def first(query: Query, name: str) -> str | None:
    """The first value of a parameter; an empty one counts as not given."""
    values = query.get(name) or ()
    return values[0] if values and values[0] != "" else None


def chosen(query: Query, name: str, allowed: Sequence[str]) -> frozenset[str] | None:
    """The values of a repeatable parameter, or `None` when it is not given."""
    values = frozenset(value for value in query.get(name) or () if value)
    unknown = sorted(values - set(allowed))
    if unknown:
        raise invalid(name, f"'{unknown[0]}' is none of {', '.join(allowed)}")
    return values or None


def number(query: Query, name: str, default: int) -> int:
    """A parameter that is a number from 1."""
    text = first(query, name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 15 or int(text) < 1:
        raise invalid(name, "must be a number from 1")
    return int(text)


def by_labels(items: Sequence[T], query: Query) -> Sequence[T]:
    """Those whose `labels` fit the `label_selector` parameter."""
    selector = first(query, "label_selector")
    if selector is None:
        return items
    fits = label_selectors.parse(selector)
    return [item for item in items if fits(item.labels)]  # type: ignore[attr-defined]


def ordered(items: Sequence[T], query: Query, keys: Keys) -> Sequence[T]:
    """Sorted by the `sort` parameters, the first one weighing most; by default as they are."""
    wanted = [text for text in query.get("sort") or () if text]
    for text in reversed(wanted):
        name, _, direction = text.partition(":")
        if name not in keys or direction not in ("", "asc", "desc"):
            raise invalid("sort", f"'{text}' is not a field to sort by")
        items = sorted(items, key=keys[name], reverse=direction == "desc")
    return items


def paged(items: Sequence[T], query: Query, maximum: int = MAX_PER_PAGE) -> Page[T]:
    """The page that the parameters ask for."""
    page = number(query, "page", 1)
    per_page = min(number(query, "per_page", PER_PAGE), maximum)
    start = (page - 1) * per_page
    return Page(items[start : start + per_page], page, per_page, len(items))
