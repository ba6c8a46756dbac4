"""What a firewall rule and a firewall target may look like.

Limits from Hetzner's document and docs.hetzner.com/cloud/firewalls/overview: 50 rules, 500
effective ones (a rule counts once for each of its networks), 100 networks per rule with empty
host bits, ports only (and always) with tcp and udp.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from localcloud.hetzner import cidr
from localcloud.hetzner.bodies import Id, Strict
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.model import Rule, Target

MOST_RULES, MOST_EFFECTIVE, MOST_NETWORKS = 50, 500, 100
_PORT = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?")


class RuleBody(Strict):
    """One rule of a request."""

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    port: str | None = None
    source_ips: list[str] = Field(default_factory=list)
    destination_ips: list[str] = Field(default_factory=list)
    description: str | None = Field(default=None, max_length=255)


Rules = list[RuleBody]


class SetRules(Strict):
    """`POST …/actions/set_rules`."""

    rules: Rules


class ServerReference(Strict):
    """A server as a target."""

    id: Id


class SelectorBody(Strict):
    """A selector as a target."""

    selector: str


class TargetBody(Strict):
    """What a firewall is applied to."""

    type: Literal["server", "label_selector"]
    server: ServerReference | None = None
    label_selector: SelectorBody | None = None


def target_of(body: TargetBody) -> Target:
    """The target that a request names; raises `invalid_input`."""
    if body.type == "server":
        if body.server is None:
            raise invalid("server", "is required for type server")
        return Target(server=body.server.id)
    if body.label_selector is None:
        raise invalid("label_selector", "is required for type label_selector")
    return Target(selector=body.label_selector.selector)


def rules_from(bodies: Sequence[RuleBody]) -> tuple[Rule, ...]:
    """The rules of a request; raises `invalid_input`."""
    if len(bodies) > MOST_RULES:
        raise invalid("rules", f"must not be more than {MOST_RULES}")
    rules = tuple(_rule(body, f"rules.{number}") for number, body in enumerate(bodies))
    effective = sum(max(1, len(rule.source_ips) + len(rule.destination_ips)) for rule in rules)
    if effective > MOST_EFFECTIVE:
        raise invalid("rules", f"must not be more than {MOST_EFFECTIVE} effective rules")
    return rules


def _rule(body: RuleBody, field: str) -> Rule:
    _check_port(body, field)
    used, unused = (
        ("source_ips", "destination_ips")
        if body.direction == "in"
        else ("destination_ips", "source_ips")
    )
    if getattr(body, unused):
        raise invalid(f"{field}.{unused}", f"must be empty for direction {body.direction}")
    networks = getattr(body, used)
    if not 1 <= len(networks) <= MOST_NETWORKS:
        raise invalid(f"{field}.{used}", f"must have 1 to {MOST_NETWORKS} entries")
    return Rule(
        direction=body.direction,
        protocol=body.protocol,
        port=body.port,
        source_ips=tuple(_network(text, f"{field}.source_ips") for text in body.source_ips),
        destination_ips=tuple(
            _network(text, f"{field}.destination_ips") for text in body.destination_ips
        ),
        description=body.description,
    )


def _network(text: str, field: str) -> str:
    """A network in its canonical form."""
    try:
        return str(cidr.parsed(text))
    except ValueError as error:
        problem = f"'{text}' is not a network in CIDR notation with empty host bits"
        raise invalid(field, problem) from error


def _check_port(body: RuleBody, field: str) -> None:
    if body.protocol not in ("tcp", "udp"):
        if body.port:
            raise invalid(f"{field}.port", f"must not be given for protocol {body.protocol}")
        return
    found = _PORT.fullmatch(body.port or "")
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= low <= high <= 65535:
        raise invalid(f"{field}.port", "must be a port such as 80 or a range such as 1024-5000")
