"""Which of several Tenants gets the host name that all of them want."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One Tenant's claim to a host name.

    Args:
        tenant: the Tenant, as namespace/name.
        published: a record of this name is its own.
        served: its own status says that it was accepted with this name and has a machine.
        possible: its Fleet exists and has a zone for the name.
    """

    tenant: str
    uid: str
    created: datetime
    published: bool = False
    served: bool = False
    possible: bool = True

    @property
    def rank(self) -> tuple[bool, bool, bool, datetime, str]:
        """Lower goes first: who is in service, else the older of those that can have it.

        The record comes before the status, which may be of before a change; the status counts
        where the record is not known yet, or was removed by somebody.
        """
        return (
            not self.published,
            not self.served,
            not self.possible,
            self.created,
            self.uid,
        )


def rival(own: Claim, others: Iterable[Claim]) -> str | None:
    """The Tenant that gets the name instead, None when it is one's own."""
    first = min([own, *others], key=lambda claim: claim.rank)
    return None if first is own else first.tenant
