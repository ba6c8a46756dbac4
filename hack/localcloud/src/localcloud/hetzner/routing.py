"""From a request to the function that answers it, without any web framework in between.

Known from the live API: the path is looked up before the token, the method after it. Paths of
Hetzner's document that the local cloud does not serve have routes too, so that they are told
apart from paths that never existed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel

from localcloud.hetzner import bodies
from localcloud.hetzner.actions import Plan
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.listing import Page, Query
from localcloud.hetzner.model import Action

B = TypeVar("B", bound=BaseModel)

_PATTERNS = {
    "id": r"[0-9]{1,16}",
    "action_id": r"[0-9]{1,16}",
    "id_or_name": r"[^/]+",
    "rr_name": r"[^/]+",
    "rr_type": r"[^/]+",
}


@dataclass(frozen=True)
class Reply:
    """An answer: `body` is `None` for 204; `page` gives the `Link` header."""

    status: int
    body: dict[str, Any] | None
    page: Page[Any] | None = None


@dataclass(frozen=True)
class Call:
    """A request that passed the door: whose it is and what it asks."""

    cloud: Cloud
    project: str
    path: Mapping[str, str]
    query: Query = field(default_factory=dict)
    payload: Any = None
    fate: str | None = None

    @property
    def id(self) -> int:
        """The `{id}` of the path."""
        return int(self.path["id"])

    def body(self, shape: type[B]) -> B:
        """The JSON body, checked against its shape; raises `invalid_input`."""
        return bodies.checked(shape, self.payload)

    def begin(self, plan: Plan) -> Action:
        """Begin an action in the request's project, under the fate that a fault gave it."""
        return self.cloud.engine.begin(self.project, plan, fate=self.fate)

    def record(self, plan: Plan) -> Action:
        """Write down an action that is over at once; a fault can keep even that from it."""
        return self.begin(plan) if self.fate else self.cloud.engine.record(self.project, plan)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One operation; `path` is written as in Hetzner's document."""

    method: str
    path: str
    handler: Handler

    @property
    def operation(self) -> str:
        """The operation as the README lists it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Found:
    """A path that exists: its operations by method and what stood in its braces."""

    template: str
    methods: Mapping[str, Handler]
    values: Mapping[str, str]


class Router:
    """All routes, looked up by path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._methods: dict[str, dict[str, Handler]] = {}
        for route in routes:
            self._methods.setdefault(route.path, {})[route.method] = route.handler
        # fixed words win over braces: /zones/actions is not the zone called "actions"
        in_order = sorted(self._methods, key=_specificity)
        self._patterns = [(re.compile(_pattern(path)), path) for path in in_order]

    def find(self, path: str) -> Found | None:
        """The operations of a raw path below `/v1`, or `None` when there is no such path."""
        for pattern, template in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                return Found(template, self._methods[template], values)
        return None


def _specificity(path: str) -> tuple[bool, ...]:
    return tuple(part.startswith("{") for part in path.split("/"))


def _pattern(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{_PATTERNS[m[1]]})", path)
