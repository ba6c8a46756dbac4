"""Publishing host names, whoever runs the zone.

Common to every method: one or two requests, 30 s at most, raising only
`core.faults.ProviderError`s. A record is ours when it carries our owner mark (a label on the
record set at Hetzner, the comment at Cloudflare); nothing without that mark is ever changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from tenant_operator.core.faults import (
    Busy,
    CredentialsRefused,
    Gone,
    ProviderError,
    RateLimited,
    Refused,
    Taken,
)
from tenant_operator.core.world import ActionRef, DnsRecord, RecordType


class ZoneNotFound(Refused):
    """The zone does not exist in the account the token belongs to."""

    reason = "ZoneNotFound"


class Dns(Protocol):
    """One zone at one DNS provider."""

    async def list_records(self, installation: str) -> tuple[DnsRecord, ...]:
        """Every record set whose owner mark starts with `<installation>/`; complete or raises.

        Raises `ZoneNotFound` when there is no such zone.
        """
        ...

    async def find(self, hostname: str, kind: RecordType) -> DnsRecord | None:
        """The record set of that name and type, whoever made it."""
        ...

    async def publish(self, record: DnsRecord) -> ActionRef | None:
        """Make the record set exist with exactly these values; idempotent.

        One request when it is new; when it exists with our mark it is overwritten. Raises `Taken`
        when it exists without our mark or with another tenant's, and `ZoneNotFound`.
        """
        ...

    async def withdraw(self, record: DnsRecord) -> ActionRef | None:
        """Remove the record set if its owner mark equals `record.owner`; otherwise do nothing.

        Absent is success (None).
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


CLOUDFLARE_FAULTS: Final[Mapping[int, type[ProviderError]]] = {
    1001: ZoneNotFound,
    7000: ZoneNotFound,
    7003: ZoneNotFound,
    6003: CredentialsRefused,
    9106: CredentialsRefused,
    9109: CredentialsRefused,
    10000: CredentialsRefused,
    10100: RateLimited,
    81044: Gone,
    81053: Taken,
    81054: Taken,
    81055: Taken,
    81056: Taken,
    81057: Taken,
    81058: Taken,
    971: RateLimited,
}
"""Cloudflare's error code → what the operator does; otherwise the HTTP status decides."""

HTTP_FAULTS: Final[Mapping[int, type[ProviderError]]] = {
    400: Refused,
    401: CredentialsRefused,
    403: CredentialsRefused,
    404: Gone,
    409: Busy,
    429: RateLimited,
    500: Busy,
    502: Busy,
    503: Busy,
    504: Busy,
}
