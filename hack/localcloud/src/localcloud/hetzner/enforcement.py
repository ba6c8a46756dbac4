"""Which firewalls reach which servers, and their rules on the machines.

A firewall reaches a server by its id or by a selector that fits the server's labels; five at most
reach one server. Who is reached is kept as an index that follows every change; a worker then gives
each machine concerned the union of its rules, so a change shows as `pending` until its machine has
it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from localcloud.hetzner import label_selectors
from localcloud.hetzner.model import Firewall, Rule, Server, Target
from localcloud.hetzner.state import State
from localcloud.machines.port import FirewallRule, MachineError, Machines

log = logging.getLogger(__name__)

MOST_PER_SERVER = 5


def fits(target: Target, server: Server) -> bool:
    """Whether a target means that server."""
    if target.selector is None:
        return target.server == server.id
    return label_selectors.parse(target.selector)(server.labels)


def reaches(firewall: Firewall, server: Server, public: bool) -> bool:
    """Whether a firewall applies to a server; it needs a public interface."""
    own = firewall.project == server.project
    return own and public and any(fits(target, server) for target in firewall.targets)


def reaching(firewalls: Iterable[Firewall], server: Server, public: bool) -> frozenset[int]:
    """The firewalls that apply to a server, as far as the limit goes.

    "Resources added directly are taking precedence" (Hetzner's document); of those that labels
    bring, the older ones are kept, which the document leaves open.
    """
    directly = Target(server=server.id)
    found = [firewall for firewall in firewalls if reaches(firewall, server, public)]
    found.sort(key=lambda firewall: (directly not in firewall.targets, firewall.id))
    return frozenset(firewall.id for firewall in found[:MOST_PER_SERVER])


def machine_rules(firewalls: Iterable[Firewall]) -> tuple[FirewallRule, ...]:
    """The union of the firewalls' rules as machines take them."""
    rules = [_machine_rule(rule) for firewall in firewalls for rule in firewall.rules]
    return tuple(dict.fromkeys(rules))


def _machine_rule(rule: Rule) -> FirewallRule:
    return FirewallRule(
        direction=rule.direction,
        protocol=rule.protocol,
        networks=rule.source_ips if rule.direction == "in" else rule.destination_ips,
        port=rule.port,
    )


class Enforcement:
    """The index of who is reached, and the worker behind it."""

    def __init__(self, state: State, machines: Machines) -> None:
        self._state = state
        self._machines = machines
        self._members: dict[int, set[int]] = {}
        self._of_server: dict[int, set[int]] = {}
        self._dirty: set[int] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Find out who is reached and enforce it on every machine."""
        for server in self._state.servers:
            self._reindex(server)
            if server.status not in ("initializing", "deleting"):
                self._mark(server.id)
        self._wake.set()
        self._worker = asyncio.create_task(self._work(), name="firewalls")

    async def close(self) -> None:
        """Stop the worker."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def members(self, firewall_id: int) -> list[int]:
        """The servers a firewall reaches, in order of their ids."""
        return sorted(self._members.get(firewall_id, ()))

    def of_server(self, server_id: int) -> list[int]:
        """The firewalls that reach a server, in order of their ids."""
        return sorted(self._of_server.get(server_id, ()))

    def pending(self, server_id: int) -> bool:
        """Whether the machine does not have its latest rules yet."""
        return server_id in self._dirty

    def rules_for(self, server_id: int) -> tuple[FirewallRule, ...] | None:
        """What the machine is to enforce; `None` without any firewall."""
        found = [self._state.firewalls.get(x) for x in self.of_server(server_id)]
        firewalls = [firewall for firewall in found if firewall is not None]
        return machine_rules(firewalls) if firewalls else None

    def server_changed(self, server: Server) -> None:
        """A server came, or its labels or addresses changed."""
        if self._reindex(server):
            self._mark(server.id)

    def server_gone(self, server_id: int) -> None:
        """A server was deleted."""
        for firewall_id in self._of_server.pop(server_id, set()):
            self._members[firewall_id].discard(server_id)
        self._dirty.discard(server_id)

    def firewall_changed(self, firewall: Firewall, *, rules: bool) -> None:
        """A firewall's targets (or, with `rules`, its rules) changed."""
        before = set(self._members.get(firewall.id, ()))
        for server in self._candidates(firewall, before):
            if self._follows(firewall, server) or (rules and server.id in before):
                self._mark(server.id)

    def firewall_gone(self, firewall_id: int) -> None:
        """A firewall was deleted; it reached nobody any more."""
        self._members.pop(firewall_id, None)

    async def caught_up(self) -> None:
        """Return once every machine that could be told has its latest rules."""
        await self._idle.wait()

    async def enforce(self, server_id: int) -> None:
        """Give the machine its rules now; raises `MachineError`."""
        rules = self.rules_for(server_id)
        await self._machines.set_firewall(server_id, rules)
        if rules == self.rules_for(server_id):
            self._dirty.discard(server_id)
        else:
            self._mark(server_id)

    def _candidates(self, firewall: Firewall, before: set[int]) -> list[Server]:
        """Servers that are or may be reached; all of the project only if a selector asks."""
        if any(target.selector is not None for target in firewall.targets):
            return self._state.servers.where("project", firewall.project)
        named = before | {t.server for t in firewall.targets if t.server is not None}
        found = [self._state.servers.get(server_id) for server_id in sorted(named)]
        return [server for server in found if server is not None]

    def _follows(self, firewall: Firewall, server: Server) -> bool:
        """Index a server anew if a change of this firewall can have an effect on it."""
        known = self._of_server.get(server.id, set())
        reached = reaches(firewall, server, self._public(server))
        if reached == (firewall.id in known) and len(known) < MOST_PER_SERVER:
            return False
        return self._reindex(server)

    def _reindex(self, server: Server) -> bool:
        firewalls = self._state.firewalls.where("project", server.project)
        reached = reaching(firewalls, server, self._public(server))
        before = self._of_server.get(server.id, set())
        for gone in before - reached:
            self._members[gone].discard(server.id)
        for come in reached - before:
            self._members.setdefault(come, set()).add(server.id)
        self._of_server[server.id] = set(reached)
        return reached != before

    def _public(self, server: Server) -> bool:
        return self._state.primary_ips.count("server", server.id) > 0

    def _mark(self, server_id: int) -> None:
        self._dirty.add(server_id)
        self._idle.clear()
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for server_id in sorted(self._dirty):
                await self._enforce_quietly(server_id)
            if not self._wake.is_set():
                self._idle.set()

    async def _enforce_quietly(self, server_id: int) -> None:
        server = self._state.servers.get(server_id)
        if server is None or server.status == "initializing":
            return  # a machine that is being made gets its rules when it is made
        try:
            await self.enforce(server_id)
        except MachineError as failure:
            log.warning("firewall of server %s is not enforced: %s", server_id, failure)
        except Exception:
            log.exception("the back end broke on the firewall of server %s", server_id)
