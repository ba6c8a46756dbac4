"""What kinds of resources have in common: found by id, listed, renamed, protected, shown.

A family says how its kind is called and where it is kept; `routes` gives the operations that every
kind has, with the handlers in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from localcloud.hetzner.actions import Plan
from localcloud.hetzner.bodies import Body, LabelMap, Strict
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.model import Resource
from localcloud.hetzner.names import check_name
from localcloud.hetzner.replies import View, acted, action_routes, labelled, many, one, wanted
from localcloud.hetzner.routing import Call, Handler, Reply, Route
from localcloud.hetzner.state import State, Table, check_name_free, owned

R = TypeVar("R", bound=Resource)


class Rename(Body):
    """`PUT /<kind>/{id}` of a kind that has no more than a name and labels."""

    name: str | None = None
    labels: LabelMap | None = None


class RenameStrictly(Rename, Strict):
    """The same where the document refuses what it does not know."""


class Protect(Body):
    """`POST …/actions/change_protection`."""

    delete: bool | None = None


class ProtectStrictly(Protect, Strict):
    """The same where the document refuses what it does not know."""


class ProtectSurely(Protect):
    """The same where the document requires the answer."""

    delete: bool


@dataclass(frozen=True, kw_only=True)
class Family(Generic[R]):
    """A kind of resource; `what` is its name in sentences."""

    path: str
    kind: str
    what: str
    table: Callable[[State], Table[R]]
    view: View
    check_name: Callable[[str], None] = check_name
    protection: type[Protect] = Protect

    def own(self, call: Call) -> R:
        """The one that the path names; raises `not_found`."""
        return owned(self.table(call.cloud.state), call.project, call.id, self.what)

    def put(self, call: Call, item: R) -> R:
        """Keep it."""
        return self.table(call.cloud.state).put(item)

    def check_new(self, call: Call, name: str | None) -> None:
        """Raise unless the project can have one more of that name."""
        table = self.table(call.cloud.state)
        if name is not None:
            self.check_name(name)
            check_name_free(table, None, call.project, name)
        check_limit(call.cloud.limits, self.kind, table.count("project", call.project) + 1)

    def page(self, call: Call) -> Reply:
        """A page of those that fit name and labels."""
        return self.listed(call, wanted(call, self.table(call.cloud.state)))

    def listed(self, call: Call, items: Iterable[R]) -> Reply:
        """A page of these."""
        return many(call, self.path.removeprefix("/"), list(items), self.view)

    def shown(self, call: Call, item: R, status: int = 200) -> Reply:
        """This one."""
        return one(call, self.kind, item, self.view, status)

    def renamed(self, call: Call, item: R, body: Any, **changes: Any) -> Reply:
        """Change name and labels as a body asks, and what else is given."""
        name = item.name if body.name is None else body.name
        self.check_name(name)
        check_name_free(self.table(call.cloud.state), item, call.project, name)
        labels = labelled(body.labels, item)
        return self.shown(call, self.put(call, replace(item, name=name, labels=labels, **changes)))

    def rename(self, call: Call) -> Reply:
        """The handler of `PUT` where there is no more than a name and labels."""
        return self.renamed(call, self.own(call), call.body(Rename))

    def protect(self, call: Call) -> Reply:
        """The handler of `change_protection`."""
        item, delete = self.own(call), call.body(self.protection).delete
        return self.protected(call, item, item.protected if delete is None else delete)

    def protected(self, call: Call, item: R, delete: bool) -> Reply:
        """Set the protection."""
        return self.noted(
            call, self.put(call, replace(item, protected=delete)), "change_protection"
        )

    def noted(self, call: Call, item: R, command: str) -> Reply:
        """Answer with an action that is over: the change is made."""
        plan = Plan(command=command, resources=((self.kind, item.id),), params={})
        return acted(call, call.record(plan))

    def acts(self, name: str, handler: Handler) -> Route:
        """The route of an action on one of them."""
        return Route("POST", f"{self.path}/{{id}}/actions/{name}", handler)

    def routes(
        self,
        *,
        create: Handler,
        delete: Handler,
        update: Handler | None = None,
        listing: Handler | None = None,
    ) -> list[Route]:
        """The five operations that every kind has."""
        single = f"{self.path}/{{id}}"
        return [
            Route("GET", self.path, listing or self.page),
            Route("POST", self.path, create),
            Route("GET", single, lambda call: self.shown(call, self.own(call))),
            Route("PUT", single, update or self.rename),
            Route("DELETE", single, delete),
        ]

    def action_routes(self) -> list[Route]:
        """The routes that read actions on them."""
        return action_routes(self.path, self.kind, lambda call: self.own(call).id)
