"""Rights to open a server's console: an address with a token, good for a minute, and a password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from localcloud.hetzner.names import password

PATH = "/_console"
GOOD_FOR = timedelta(minutes=1)


@dataclass(frozen=True)
class Ticket:
    """The right to open one server's console until a moment."""

    server_id: int
    password: str = field(repr=False)
    until: datetime


class Tickets:
    """The rights that were given out; those that are over are forgotten at the next one."""

    def __init__(self) -> None:
        self._given: dict[str, Ticket] = {}
        self.url = ""
        """Where the consoles are reached; known once the service listens."""

    def give(self, server_id: int, now: datetime) -> tuple[str, Ticket]:
        """A new right: its address and what is in it."""
        self._given = {key: kept for key, kept in self._given.items() if kept.until > now}
        token, ticket = secrets.token_urlsafe(32), Ticket(server_id, password(), now + GOOD_FOR)
        self._given[token] = ticket
        query = urlencode({"server_id": server_id, "token": token})
        return f"{self.url}{PATH}?{query}", ticket

    def find(self, token: str, now: datetime) -> Ticket | None:
        """The right that a token stands for, while it lasts."""
        ticket = self._given.get(token)
        return ticket if ticket is not None and ticket.until > now else None
