"""Looking at a tenant the way its customer does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tenant_operator.core.world import Glimpse


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Whom to look at: public name and port, path, resolvers to ask and the roots to trust.

    An empty `resolvers` means the system's; an empty `ca_bundle` the system's roots.
    """

    hostname: str
    port: int
    path: str = "/readyz"
    resolvers: tuple[str, ...] = ()
    ca_bundle: str = ""


class Outside(Protocol):
    """One HTTPS request through public DNS."""

    async def look(self, sight: Sight) -> Glimpse:
        """Resolve, connect, request; at most 10 s; a failure is a `Glimpse` with a `problem`."""
        ...
