"""API tokens: who may read or change which zones, and how often they may ask.

A token names zones (`*`: all) and permissions (`dns:read`, `dns:edit`, `zone:read`, `zone:edit`).
The limit is Cloudflare's: 1200 requests per 5 minutes and token; the first request over it blocks
all that follow for 5 minutes (developers.cloudflare.com/fundamentals/api/reference/limits, April
2026).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from localcloud.clock import Clock
from localcloud.cloudflare import errors
from localcloud.records import Zone
from localcloud.rows import Rows

KIND = "cloudflare_token"
PERMISSIONS = ("dns:read", "dns:edit", "zone:read", "zone:edit")
LIMIT = 1200
WINDOW = timedelta(minutes=5)
SECRET_LENGTH = 40


@dataclass(frozen=True, kw_only=True)
class Token:
    """One token; `secret` is what clients send."""

    id: str
    secret: str = field(repr=False)
    name: str = ""
    zones: tuple[str, ...] = ("*",)
    permissions: tuple[str, ...] = PERMISSIONS
    status: str = "active"

    def may(self, permission: str, zone: Zone | None) -> bool:
        """Whether the token grants this on this zone (`None`: on any zone at all)."""
        if permission not in self.permissions:
            return False
        return zone is None or "*" in self.zones or zone.name in self.zones


class Tokens:
    """All tokens of the instance."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known = {secret: _read(document) for secret, document in rows.load(KIND)}

    def add(
        self,
        *,
        secret: str = "",
        name: str = "",
        zones: Sequence[str] = ("*",),
        permissions: Sequence[str] = PERMISSIONS,
    ) -> Token:
        """Make a token, or replace the one of that secret."""
        unknown = sorted(set(permissions) - set(PERMISSIONS))
        if unknown:
            raise errors.BAD_RECORD.refused(f"no such permission: {', '.join(unknown)}")
        token = Token(
            id=secrets.token_hex(16),
            secret=secret or secrets.token_urlsafe(SECRET_LENGTH)[:SECRET_LENGTH],
            name=name,
            zones=tuple(zones),
            permissions=tuple(permissions),
        )
        self._known[token.secret] = token
        self._rows.put(KIND, token.secret, asdict(token))
        return token

    def of(self, headers: Mapping[str, str]) -> Token:
        """The token that a request shows.

        Raises:
            RefusedError: none is shown, or nobody knows it.
        """
        shown = headers.get("Authorization", "")
        if not shown:
            raise errors.NO_HEADER.refused()
        scheme, _, secret = shown.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise errors.BAD_HEADER.refused()
        token = self._known.get(secret.strip())
        if token is None or token.status != "active":
            raise errors.BAD_TOKEN.refused()
        return token


def _read(document: Mapping[str, Any]) -> Token:
    lists = {name: tuple(document[name]) for name in ("zones", "permissions")}
    return Token(**{**document, **lists})


@dataclass
class _Window:
    """Requests of five minutes; the one that is over the limit makes it last five minutes more."""

    ends: datetime
    used: int = 0
    blocked: bool = False


class Throttle:
    """Counts requests per token and window, and blocks tokens that ask too often."""

    def __init__(self, clock: Clock, limit: int = LIMIT) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self.limit = limit

    def count(self, key: str) -> dict[str, str]:
        """Count one request; returns the headers that say what is left.

        A refused request has the header `retry-after`.
        """
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._windows[key] = _Window(now + WINDOW)
        window.used += 1
        if window.used > self.limit and not window.blocked:
            window.blocked, window.ends = True, now + WINDOW
        reset = math.ceil((window.ends - now).total_seconds())
        left = max(0, self.limit - window.used)
        headers = {
            "Ratelimit": f'"default";r={left};t={reset}',
            "Ratelimit-Policy": f'"default";q={self.limit};w={int(WINDOW.total_seconds())}',
        }
        return {**headers, "retry-after": str(reset)} if window.blocked else headers

    def forget(self) -> None:
        """Start every window anew."""
        self._windows.clear()
