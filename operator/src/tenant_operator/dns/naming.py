"""Host names against zones: the name a provider stores a record set under. Pure."""

from __future__ import annotations

from tenant_operator.core.faults import Refused


def relative(hostname: str, zone: str) -> str:
    """A host name without its zone; `@` for the zone itself.

    Raises:
        Refused: the name lies outside the zone.
    """
    host, suffix = hostname.rstrip(".").lower(), f".{zone.rstrip('.').lower()}"
    if host == suffix[1:]:
        return "@"
    if not host.endswith(suffix):
        raise Refused(f"{hostname} is not in the zone {zone}: choose a name below it")
    return host.removesuffix(suffix)


def absolute(name: str, zone: str) -> str:
    """The host name of a record set stored as `name`."""
    return zone if name == "@" else f"{name}.{zone}"
