"""How much a project may ask for: requests per hour, and how many of each resource.

The bucket fills up again evenly (Hetzner's document, "Rate Limiting": 3600 per hour give one per
second). Hetzner publishes no numbers for resources; ours are wide and can be set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from localcloud.hetzner.errors import ApiError, limit_exceeded

REQUESTS_PER_HOUR = 3600
_HOUR = 3600.0

RESOURCE_TEXT = {
    "server": ("server limit reached", "server_limit"),
    "dedicated_cores": ("dedicated core limit exceeded", "dedicated_core_limit"),
    "primary_ip": ("Primary IP limit exceeded", "primary_ip_limit"),
    "volume": ("volume limit exceeded", "volume_limit"),
    "firewall": ("firewall limit exceeded", "firewall_limit"),
    "floating_ip": ("Floating IP limit exceeded", "floating_ip_limit"),
    "network": ("network limit exceeded", "network_limit"),
    "snapshot": ("snapshot limit exceeded", "snapshot_limit"),
    "placement_group": ("placement group limit exceeded", "placement_group_limit"),
    "ssh_key": ("SSH key limit exceeded", "ssh_key_limit"),
    "zone": ("zone limit exceeded", "zone_limit"),
}
DEFAULT_LIMITS: Mapping[str, int] = {"firewall": 50, "placement_group": 50, "network": 100}


def check_limit(limits: Mapping[str, int], resource: str, total: int) -> None:
    """Raise `resource_limit_exceeded` when `total` of a resource is more than allowed."""
    allowed = limits.get(resource)
    if allowed is not None and total > allowed:
        raise limit_exceeded(*RESOURCE_TEXT[resource])


@dataclass(frozen=True)
class Allowance:
    """What the rate limit says after a request."""

    limit: int
    remaining: int
    reset: int
    allowed: bool

    def headers(self) -> dict[str, str]:
        """The three headers that every answer carries."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }

    def check(self) -> None:
        """Raise `rate_limit_exceeded` when the request came too early."""
        if not self.allowed:
            text = f"limit of {self.limit} requests per hour reached"
            raise ApiError("rate_limit_exceeded", text)


class Bucket:
    """Requests that are left to one project."""

    def __init__(self, limit: int, now: datetime) -> None:
        self.limit = limit
        self._level = float(limit)
        self._at = now

    def take(self, now: datetime) -> Allowance:
        """Count one request."""
        rate = self.limit / _HOUR
        gained = (now - self._at).total_seconds() * rate
        self._level, self._at = min(float(self.limit), self._level + gained), now
        allowed = self._level >= 1
        self._level -= 1 if allowed else 0
        full = now + timedelta(seconds=(self.limit - self._level) / rate)
        return Allowance(self.limit, math.floor(self._level), math.ceil(full.timestamp()), allowed)
