"""Firewalls: rules, and the servers they are applied to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from localcloud.hetzner import label_selectors
from localcloud.hetzner.actions import Effect, Plan, check_unchanged
from localcloud.hetzner.bodies import LabelMap, Strict
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.enforcement import MOST_PER_SERVER, fits
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.family import Family, RenameStrictly
from localcloud.hetzner.firewall_rules import Rules, SetRules, TargetBody, rules_from, target_of
from localcloud.hetzner.model import Action, Firewall, Rule, Server, Target
from localcloud.hetzner.replies import action_view
from localcloud.hetzner.routing import Call, Reply

PATH = "/firewalls"
_CHANGES = ("apply_firewall", "remove_firewall", "set_firewall_rules")


class CreateFirewall(Strict):
    """`POST /firewalls`."""

    name: str
    labels: LabelMap = Field(default_factory=dict)
    rules: Rules = Field(default_factory=list)
    apply_to: list[TargetBody] = Field(default_factory=list)


class Apply(Strict):
    """`POST …/actions/apply_to_resources`."""

    apply_to: list[TargetBody]


class Remove(Strict):
    """`POST …/actions/remove_from_resources`."""

    remove_from: list[TargetBody]


def view(cloud: Cloud, firewall: Firewall) -> dict[str, Any]:
    """A firewall as the API answers it."""
    return {
        "id": firewall.id,
        "name": firewall.name,
        "labels": firewall.labels,
        "created": firewall.created,
        "rules": [_rule_view(rule) for rule in firewall.rules],
        "applied_to": [_target_view(cloud, firewall, target) for target in firewall.targets],
    }


def _rule_view(rule: Rule) -> dict[str, Any]:
    return {
        "description": rule.description,
        "direction": rule.direction,
        "source_ips": list(rule.source_ips),
        "destination_ips": list(rule.destination_ips),
        "protocol": rule.protocol,
        "port": rule.port,
    }


def _server_view(server_id: int) -> dict[str, Any]:
    return {"type": "server", "server": {"id": server_id}}


def _target_view(cloud: Cloud, firewall: Firewall, target: Target) -> dict[str, Any]:
    if target.server is not None:
        return _server_view(target.server)
    members = (cloud.state.servers.get(x) for x in cloud.enforcement.members(firewall.id))
    reached = [s.id for s in members if s is not None and fits(target, s)]
    return {
        "type": "label_selector",
        "label_selector": {"selector": target.selector},
        "applied_to_resources": [_server_view(server_id) for server_id in reached],
    }


def check_applicable(
    call: Call, targets: Sequence[Target], missing: str, own: int | None = None
) -> None:
    """Raise unless every target exists, has a public interface and has room for a firewall.

    Arguments: missing: the code for a server that does not exist.
    own: the firewall's id, as far as there is one already.
    """
    if len(set(targets)) != len(targets):
        raise ApiError("server_already_added", "a resource is named more than once")
    for target in targets:
        if target.selector is None:
            _check_server(call, target, missing)
        for server in _meant(call, target):
            _check_room(call, server, own)


def _meant(call: Call, target: Target) -> list[Server]:
    """The servers that a target brings; raises `invalid_input` for what is no selector."""
    state = call.cloud.state
    if target.selector is None:
        server = state.servers.get(target.server)
        return [server] if server is not None else []
    chosen = label_selectors.parse(target.selector)
    return [s for s in state.servers.where("project", call.project) if chosen(s.labels)]


def _check_server(call: Call, target: Target, missing: str) -> None:
    server = call.cloud.state.servers.get(target.server)
    if server is None or server.project != call.project:
        # on create the document wants 422 for the code that is 404 on apply and remove
        text = f"resource with ID '{target.server}' not found"
        raise ApiError(missing, text) if missing != "create" else _not_found_on_create(text)
    if call.cloud.state.primary_ips.count("server", server.id) == 0:
        raise ApiError("private_net_only_server", "server has no public network interface")


def _check_room(call: Call, server: Server, own: int | None) -> None:
    others = [x for x in call.cloud.enforcement.of_server(server.id) if x != own]
    if len(others) >= MOST_PER_SERVER:
        text = f"server {server.id} has its maximum of {MOST_PER_SERVER} firewalls"
        raise invalid("apply_to", text)


class _Unprocessable(ApiError):
    """An error that is answered with 422 whatever its code is elsewhere."""

    @property
    def status(self) -> int:
        return 422


def _not_found_on_create(text: str) -> ApiError:
    return _Unprocessable("firewall_resource_not_found", text)


FIREWALLS = Family(
    path=PATH, kind="firewall", what="firewall", table=lambda state: state.firewalls, view=view
)


def _unchanged(call: Call) -> Firewall:
    firewall = FIREWALLS.own(call)
    check_unchanged(call.cloud.state, "firewall", firewall.id, _CHANGES)
    return firewall


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateFirewall), call.cloud
    rules, targets = rules_from(body.rules), [target_of(target) for target in body.apply_to]
    FIREWALLS.check_new(call, body.name)
    check_applicable(call, targets, "create")
    firewall = Firewall(
        id=cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=cloud.now(),
        labels=body.labels,
        rules=rules,
        targets=tuple(targets),
    )
    store(cloud, firewall, rules=False)
    actions = [_set_rules_action(call, firewall)]
    actions += [_apply_action(call, firewall, target) for target in targets]
    return _with_actions(call, actions, firewall=view(cloud, firewall))


def store(cloud: Cloud, firewall: Firewall, *, rules: bool) -> None:
    """Keep a firewall and enforce what changed."""
    cloud.state.firewalls.put(firewall)
    cloud.enforcement.firewall_changed(firewall, rules=rules)


def _with_actions(call: Call, actions: Sequence[Action], **more: object) -> Reply:
    return Reply(201, {**more, "actions": [action_view(call.cloud, action) for action in actions]})


def _set_rules_action(call: Call, firewall: Firewall) -> Action:
    plan = Plan(command="set_firewall_rules", resources=(("firewall", firewall.id),), params={})
    return call.record(plan)


def _apply_action(call: Call, firewall: Firewall, target: Target) -> Action:
    return _server_action(call, firewall, target, "apply_firewall")


def _server_action(call: Call, firewall: Firewall, target: Target, command: str) -> Action:
    """One action per resource; those on a selector are over once the worker knows of them."""
    resources: tuple[tuple[str, int], ...] = (("firewall", firewall.id),)
    if target.server is None:
        return call.record(Plan(command=command, resources=resources, params={}))
    resources = (("server", target.server), *resources)
    params = {"server": target.server}
    return call.begin(Plan(command=command, resources=resources, params=params))


def _update(call: Call) -> Reply:
    return FIREWALLS.renamed(call, _unchanged(call), call.body(RenameStrictly))


def _delete(call: Call) -> Reply:
    firewall, cloud = FIREWALLS.own(call), call.cloud
    if firewall.targets:
        text = f"firewall with ID {firewall.id} is still in use"
        raise ApiError("resource_in_use", text)
    cloud.state.firewalls.delete(firewall.id)
    cloud.enforcement.firewall_gone(firewall.id)
    return Reply(204, None)


def _set_rules(call: Call) -> Reply:
    firewall, body = _unchanged(call), call.body(SetRules)
    changed = replace(firewall, rules=rules_from(body.rules))
    store(call.cloud, changed, rules=True)
    actions = [_set_rules_action(call, changed)]
    reached = call.cloud.enforcement.members(firewall.id)
    actions += [_apply_action(call, changed, Target(server=server_id)) for server_id in reached]
    return _with_actions(call, actions)


def _apply(call: Call) -> Reply:
    firewall, body = _unchanged(call), call.body(Apply)
    targets = [target_of(target) for target in body.apply_to]
    check_applicable(call, targets, "firewall_resource_not_found", firewall.id)
    if set(targets) & set(firewall.targets):
        raise ApiError("firewall_already_applied", "firewall is already applied to resource")
    changed = replace(firewall, targets=(*firewall.targets, *targets))
    store(call.cloud, changed, rules=False)
    return _with_actions(call, [_apply_action(call, changed, target) for target in targets])


def _check_removable(call: Call, firewall: Firewall, target: Target) -> None:
    if target in firewall.targets:
        return
    if target.server in call.cloud.enforcement.members(firewall.id):
        text = "firewall is applied via a label selector and cannot be removed manually"
        raise ApiError("firewall_managed_by_label_selector", text)
    raise ApiError("firewall_resource_not_found", "firewall is not applied to the resource")


def _remove(call: Call) -> Reply:
    firewall, body = _unchanged(call), call.body(Remove)
    targets = [target_of(target) for target in body.remove_from]
    for target in targets:
        _check_removable(call, firewall, target)
    kept = tuple(target for target in firewall.targets if target not in targets)
    changed = replace(firewall, targets=kept)
    store(call.cloud, changed, rules=False)
    actions = [_server_action(call, changed, target, "remove_firewall") for target in targets]
    return _with_actions(call, actions)


def forget_server(cloud: Cloud, server: Server) -> None:
    """Take a deleted server out of every firewall."""
    for firewall in cloud.state.firewalls.where("project", server.project):
        if Target(server=server.id) in firewall.targets:
            kept = tuple(t for t in firewall.targets if t.server != server.id)
            cloud.state.firewalls.put(replace(firewall, targets=kept))
    cloud.enforcement.server_gone(server.id)


async def _run_enforce(cloud: Cloud, action: Action) -> None:
    server_id = action.params["server"]
    server = cloud.state.servers.get(server_id)
    if server is not None and server.status != "initializing":
        await cloud.enforcement.enforce(server_id)


async def _run_nothing(_cloud: Cloud, _action: Action) -> None:
    """The change is made already; only a fault makes this an action that runs."""


EFFECTS = {
    "apply_firewall": Effect(_run_enforce, seconds=1),
    "remove_firewall": Effect(_run_enforce, seconds=1),
    "set_firewall_rules": Effect(_run_nothing, seconds=0),
}
ROUTES = [
    *FIREWALLS.routes(create=_create, update=_update, delete=_delete),
    FIREWALLS.acts("set_rules", _set_rules),
    FIREWALLS.acts("apply_to_resources", _apply),
    FIREWALLS.acts("remove_from_resources", _remove),
    *FIREWALLS.action_routes(),
]
