"""Labels and the selector language over them, in full.

Grammar (Hetzner's API document, "Label Selector"): requirements joined by commas, each one of
`k==v`, `k=v`, `k!=v`, `k`, `!k`, `k in (a,b)`, `k notin (a,b)`. `!=` and `notin` also fit objects
that lack the key, as in Kubernetes, whose language this is; the document does not say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from localcloud.hetzner.errors import ApiError, invalid

Labels = Mapping[str, str]
Matcher = Callable[[Labels], bool]

RESERVED_PREFIX = "hetzner.cloud"
_NAME = r"[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_NAME_ONLY = re.compile(_NAME)
_KEY = r"(?P<key>[A-Za-z0-9][-_./A-Za-z0-9]*)"
_REQUIREMENTS = (
    ("absent", re.compile(rf"!\s*{_KEY}")),
    ("set", re.compile(rf"{_KEY}\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")),
    ("equal", re.compile(rf"{_KEY}\s*(?P<op>==|=|!=)\s*(?P<value>[-_.A-Za-z0-9]*)")),
    ("present", re.compile(_KEY)),
)


def key_problem(key: str) -> str | None:
    """What is wrong with a label key, or `None`."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        return f"label key '{key}' has a prefix that is no DNS subdomain"
    if prefix == RESERVED_PREFIX:
        return f"label key '{key}' uses the reserved prefix '{RESERVED_PREFIX}/'"
    return None if _NAME_ONLY.fullmatch(name) else f"label key '{key}' is not correctly formatted"


def value_problem(value: str) -> str | None:
    """What is wrong with a label value, or `None`."""
    good = value == "" or _NAME_ONLY.fullmatch(value)
    return None if good else f"label value '{value}' is not correctly formatted"


def check_labels(labels: Labels) -> None:
    """Raise `invalid_input` unless every key and value keeps the rules."""
    found = [key_problem(key) or value_problem(value) for key, value in labels.items()]
    problems = [problem for problem in found if problem]
    if problems:
        raise invalid("labels", *problems)


@dataclass(frozen=True)
class Selector:
    """A selector that was read: called with labels it says whether they fit.

    `one_of` are its requirements that name the values a key must have, for who can look those up.
    """

    requirements: tuple[Matcher, ...]
    one_of: Mapping[str, frozenset[str]]

    def __call__(self, labels: Labels) -> bool:
        return all(fits(labels) for fits in self.requirements)


@lru_cache(maxsize=1024)
def parse(selector: str) -> Selector:
    """The test that a selector stands for; raises `invalid_input` when it is no selector."""
    one_of: dict[str, frozenset[str]] = {}
    parts = _split(selector)
    requirements = tuple(_requirement(part.strip(), selector, one_of) for part in parts)
    return Selector(requirements, one_of)


def _split(selector: str) -> list[str]:
    """Cut at the commas that are outside of parentheses."""
    return re.split(r",(?![^()]*\))", selector) if selector.strip() else []


def _requirement(text: str, selector: str, one_of: dict[str, frozenset[str]]) -> Matcher:
    for kind, pattern in _REQUIREMENTS:
        found = pattern.fullmatch(text)
        if found and not _foreign_key(found["key"]):
            return _matcher(kind, found, one_of)
    raise _malformed(selector)


def _foreign_key(key: str) -> bool:
    """Whether a key could never be one; the reserved prefix may be asked for, only not set."""
    problem = key_problem(key)
    return problem is not None and "reserved" not in problem


def _matcher(kind: str, found: re.Match[str], one_of: dict[str, frozenset[str]]) -> Matcher:
    key = found["key"]
    if kind == "present":
        return lambda labels: key in labels
    if kind == "absent":
        return lambda labels: key not in labels
    values = _values(found, kind)
    if found["op"] in ("!=", "notin"):
        return lambda labels: labels.get(key) not in values
    one_of[key] = one_of.get(key, values) & values
    return lambda labels: labels.get(key) in values


def _values(found: re.Match[str], kind: str) -> frozenset[str]:
    raw = found["values"].split(",") if kind == "set" else [found["value"]]
    values = frozenset(value.strip() for value in raw)
    if any(value_problem(value) for value in values):
        raise _malformed(found.string)
    return values


def _malformed(selector: str) -> ApiError:
    return invalid("label_selector", f"'{selector}' is not a label selector")
