"""What can go wrong at a provider, sorted by what the operator does about it.

    ProviderError              anything a cloud or DNS provider refused or failed to do
    ├── Ambiguous              no answer: it may or may not have happened; look before repeating
    ├── Busy                   locked, conflict, maintenance, 5xx: the same request works later
    ├── RateLimited            nothing is sent before `until`
    ├── Taken                  the name exists: look it up, adopt it only if it is ours
    ├── OutOfStock             not here and now: another type or another location
    ├── CredentialsRefused     the token is wrong, read-only or not allowed: wait for the Secret
    ├── LimitReached           the project's quota is full: a person must raise it
    ├── Refused                the request itself is wrong: wait for the spec to change
    ├── Protected              somebody switched protection on: a person must switch it off
    └── Gone                   the object does not exist; for a delete that is success

    Obstacle                   not a provider: something in the cluster or in the operator itself

Adapters raise ProviderErrors and nothing else. The mapping from a provider's code to its class is
data beside each port, so that a test can hold it against the provider's published list.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class ProviderError(Exception):
    """A provider did not do what it was asked.

    `message` is cut and redacted by the adapter: Hetzner's 429 text holds the start of the token.
    """

    reason: ClassVar[str] = "ProviderFailed"

    def __init__(self, message: str, *, code: str = "", correlation_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.correlation_id = correlation_id

    def __str__(self) -> str:
        """The message followed by the provider's code and correlation id, as far as known."""
        marks = ", ".join(mark for mark in (self.code, self.correlation_id) if mark)
        return f"{self.message} ({marks})" if marks else self.message


class Ambiguous(ProviderError):
    """The connection broke or timed out: the effect may have happened."""

    reason = "ProviderUnreachable"


class Busy(ProviderError):
    """Locked, in conflict, under maintenance or failing: the same request can succeed soon."""

    reason = "ProviderBusy"


class RateLimited(ProviderError):
    """The project's or account's budget is used up until `until` (None when not stated)."""

    reason = "RateLimited"

    def __init__(
        self, message: str, *, code: str = "", correlation_id: str = "", until: datetime | None
    ) -> None:
        super().__init__(message, code=code, correlation_id=correlation_id)
        self.until = until


class Taken(ProviderError):
    """An object of that name, address or key exists already."""

    reason = "NameConflict"


class OutOfStock(ProviderError):
    """The provider has no capacity for this type in this location."""

    reason = "OutOfStock"


class CredentialsRefused(ProviderError):
    """The token is missing, wrong, read-only or lacks a right."""

    reason = "CredentialsRefused"


class LimitReached(ProviderError):
    """A quota of the project is exhausted."""

    reason = "QuotaExceeded"


class Refused(ProviderError):
    """The request is not valid and will not become valid by being repeated."""

    reason = "RequestRefused"


class Protected(ProviderError):
    """The object carries the provider's own protection."""

    reason = "ObjectProtected"


class Gone(ProviderError):
    """The object does not exist."""

    reason = "ObjectGone"


class Obstacle(Exception):
    """Something in the management cluster stands in the way; the reason is a condition's."""

    def __init__(self, reason: str, message: str, *, person_needed: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.person_needed = person_needed
