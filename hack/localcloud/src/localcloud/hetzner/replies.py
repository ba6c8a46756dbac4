"""Answers that every family gives: one object, a list of them, an action, the actions' routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from localcloud.hetzner.actions import progress
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, not_found
from localcloud.hetzner.label_selectors import parse
from localcloud.hetzner.listing import (
    MAX_PER_PAGE,
    Keys,
    by_labels,
    chosen,
    first,
    ordered,
    paged,
)
from localcloud.hetzner.model import Action, Resource
from localcloud.hetzner.routing import Call, Handler, Reply, Route
from localcloud.hetzner.state import Table, id_of

R = TypeVar("R", bound=Resource)
T = TypeVar("T")
View = Callable[[Cloud, Any], dict[str, Any]]

RESOURCE_KEYS: Keys = {
    "id": lambda item: item.id,
    "name": lambda item: item.name,
    "created": lambda item: item.created,
}
ACTION_KEYS: Keys = {
    "id": lambda action: action.id,
    "command": lambda action: action.command,
    "status": lambda action: action.status,
    "started": lambda action: action.started,
    "finished": lambda action: action.finished or "",
}
STATUSES = ("running", "success", "error")


def one(call: Call, root: str, item: Any, view: View, status: int = 200) -> Reply:
    """One object under its root."""
    return Reply(status, {root: view(call.cloud, item)})


def many(
    call: Call, root: str, items: Sequence[Any], view: View, keys: Keys = RESOURCE_KEYS
) -> Reply:
    """A page of objects, sorted as asked."""
    page = paged(ordered(items, call.query, keys), call.query, MAX_PER_PAGE)
    rendered = [view(call.cloud, item) for item in page.items]
    return Reply(200, {root: rendered, "meta": page.meta()}, page)


def wanted(call: Call, table: Table[R]) -> Sequence[R]:
    """The project's objects that fit the parameters `name` and `label_selector`."""
    name = first(call.query, "name")
    if name is not None:
        return by_labels(table.where("name", (call.project, name)), call.query)
    selector = parse(first(call.query, "label_selector") or "")
    found = _candidates(table, call.project, selector.one_of)
    return [item for item in found if selector(item.labels)]


def _candidates(table: Table[R], project: str, one_of: Mapping[str, frozenset[str]]) -> Sequence[R]:
    """All of the project, or those that have one of the values of the rarest label asked for."""
    looked_up = [[(project, key, value) for value in values] for key, values in one_of.items()]
    if not looked_up:
        return table.where("project", project)
    sizes = [sum(table.count("label", key) for key in keys) for keys in looked_up]
    return table.any_of("label", looked_up[sizes.index(min(sizes))])


def action_view(cloud: Cloud, action: Action) -> dict[str, Any]:
    """An action as the API answers it."""
    return {
        "id": action.id,
        "command": action.command,
        "status": action.status,
        "progress": progress(action, cloud.seconds_of(action.command), cloud.clock.now()),
        "started": action.started,
        "finished": action.finished,
        "resources": [{"id": item_id, "type": kind} for kind, item_id in action.resources],
        "error": action.error,
    }


def acted(call: Call, action: Action, status: int = 201, **more: object) -> Reply:
    """An action, and what else belongs to the answer."""
    return Reply(status, {"action": action_view(call.cloud, action), **more})


def labelled(labels: Mapping[str, str] | None, item: Resource) -> dict[str, str]:
    """New labels replace the old ones; none given leaves them."""
    return dict(item.labels if labels is None else labels)


def _action_list(call: Call, found: Sequence[Action]) -> Reply:
    statuses = chosen(call.query, "status", STATUSES)
    ids = frozenset(text for text in call.query.get("id") or () if text)
    kept = [
        action
        for action in found
        if (statuses is None or action.status in statuses) and (not ids or str(action.id) in ids)
    ]
    return many(call, "actions", kept, action_view, ACTION_KEYS)


def _found_action(call: Call, action_id: int, kind: str | None) -> Action:
    action = call.cloud.state.actions.get(action_id)
    fits = action is not None and action.project == call.project and not action.hidden
    if action is None or not fits or (kind and kind not in dict(action.resources)):
        raise not_found("action", action_id)
    return action


def action_routes(path: str, kind: str, known: Callable[[Call], int]) -> list[Route]:
    """The routes below `path` that read actions; `known` gives the id or raises `not_found`."""

    def all_of_kind(call: Call) -> Reply:
        return _action_list(call, call.cloud.state.actions.where("kind", (call.project, kind)))

    def by_id(call: Call) -> Reply:
        return one(call, "action", _found_action(call, call.id, kind), action_view)

    def of_one(call: Call) -> Reply:
        key = (kind, known(call))
        return _action_list(call, call.cloud.state.actions.where("resource", key))

    def one_of_one(call: Call) -> Reply:
        action = _found_action(call, int(call.path["action_id"]), kind)
        if (kind, known(call)) not in action.resources:
            raise not_found("action", action.id)
        return one(call, "action", action, action_view)

    base = f"{path}/{{id_or_name}}" if kind == "zone" else f"{path}/{{id}}"
    return [
        Route("GET", f"{path}/actions", all_of_kind),
        Route("GET", f"{path}/actions/{{id}}", by_id),
        Route("GET", f"{base}/actions", of_one),
        Route("GET", f"{base}/actions/{{action_id}}", one_of_one),
    ]


def _actions_by_id(call: Call) -> Reply:
    """Several actions at once; clients fail when fewer come back than they asked for."""
    asked = [number for text in call.query.get("id") or () if (number := id_of(text))]
    if not asked:
        details = {
            "announcement": "https://docs.hetzner.cloud/changelog"
            "#2023-07-20-actions-list-endpoint-is-deprecated"
        }
        raise ApiError("deprecated_api_endpoint", "API functionality was removed", details)
    found = (call.cloud.state.actions.get(number) for number in dict.fromkeys(asked))
    own = [a for a in found if a is not None and a.project == call.project and not a.hidden]
    in_order = ordered(own, call.query, ACTION_KEYS)
    return Reply(200, {"actions": [action_view(call.cloud, action) for action in in_order]})


def _action_by_id(call: Call) -> Reply:
    return one(call, "action", _found_action(call, call.id, None), action_view)


def action_route(path: str, name: str, handler: Handler) -> Route:
    """The route of one action on an object."""
    return Route("POST", f"{path}/actions/{name}", handler)


ROUTES = [
    Route("GET", "/actions", _actions_by_id),
    Route("GET", "/actions/{id}", _action_by_id),
]
