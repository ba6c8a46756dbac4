"""Where a proxied name's requests go: the addresses of its records, which the DNS does not tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localcloud.cloudflare.directory import PROVIDER
from localcloud.dns.zones import Zones, never_proxied


@dataclass(frozen=True)
class Origin:
    """The machine behind a name; `mode` is the zone's `ssl` setting."""

    address: str
    mode: str


class Origins:
    """Looks behind proxied names."""

    def __init__(self, zones: Zones) -> None:
        self._shown = zones
        self._behind = replace(zones, proxied=never_proxied)

    def is_proxied(self, name: str) -> bool:
        """Whether the DNS answers this name with the edge's address."""
        return self._shown.proxy_address in self._shown.addresses(name)

    def of(self, name: str) -> Origin | None:
        """The origin of a proxied name; `None` when the name is not proxied or leads nowhere."""
        addresses = self._behind.addresses(name) if self.is_proxied(name) else ()
        zone = self._shown.store.authority(name)
        if not addresses or zone is None or zone.provider != PROVIDER:
            return None
        return Origin(addresses[0], str(zone.meta.get("ssl", "full")))
