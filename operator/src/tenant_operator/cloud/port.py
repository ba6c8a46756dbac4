"""The cloud as the operator needs it: only the calls in use, in values of our own.

Common to every method: it is one request unless its docstring says more, takes up to the adapter's
time limit (30 s) and raises only `core.faults.ProviderError`s. It never waits for an action: what
is still running comes back as an `ActionRef` and is looked at with `actions()`. Absence is None or
an empty tuple, and only on the provider's own word for "not found": an error is never absence.
Lists are complete or raise. Deleting what is absent is success.

Not idempotent are only the `create_*` methods; a second one with the same name raises `Taken`
(snapshots have no names: look for their labels first).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from tenant_operator.core.faults import (
    Ambiguous,
    Busy,
    CredentialsRefused,
    Gone,
    LimitReached,
    OutOfStock,
    Protected,
    ProviderError,
    RateLimited,
    Refused,
    Taken,
)
from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    FirewallSpec,
    Image,
    PrimaryIP,
    RateBudget,
    Server,
    ServerSpec,
    ServerType,
    SshKey,
    Volume,
    VolumeSpec,
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Created(Generic[T]):
    """A new object and every action its creation started."""

    value: T
    actions: tuple[ActionRef, ...] = ()


class Cloud(Protocol):
    """One project of a cloud provider."""

    # -- servers ---------------------------------------------------------------------------------
    async def find_server(self, name: str) -> Server | None:
        """The server of exactly that name."""
        ...

    async def get_server(self, server_id: int) -> Server | None:
        """The server of that id; None only when the provider says `not_found`."""
        ...

    async def list_servers(self, selector: str) -> tuple[Server, ...]:
        """Every server that a label selector matches; one request per 50."""
        ...

    async def create_server(self, spec: ServerSpec) -> Created[Server]:
        """Make and start a server with disks, address and firewalls; returns its addresses.

        Raises `OutOfStock` (another type or location may do) and `Taken` (look up, adopt if ours).
        """
        ...

    async def delete_server(self, server_id: int) -> ActionRef | None:
        """Remove a server; volumes and own addresses are detached and stay. None if absent."""
        ...

    async def power_on(self, server_id: int) -> ActionRef | None:
        """Start a server that is off; None when it runs already."""
        ...

    async def shutdown(self, server_id: int) -> ActionRef | None:
        """Send the power-button signal; success says only that it was sent."""
        ...

    async def power_off(self, server_id: int) -> ActionRef | None:
        """Cut the power; None when it is off already."""
        ...

    async def change_type(self, server_id: int, type_name: str) -> ActionRef:
        """Make a server that is off one of another type without enlarging its disk.

        Whether it runs afterwards must be looked at. Raises `OutOfStock`, `Busy` while it is on,
        `Refused` for a smaller disk, another architecture or the type it has.
        """
        ...

    async def label_server(self, server_id: int, labels: Mapping[str, str]) -> Server:
        """Replace the whole label map."""
        ...

    # -- volumes ---------------------------------------------------------------------------------
    async def find_volume(self, name: str) -> Volume | None:
        """The volume of exactly that name."""
        ...

    async def get_volume(self, volume_id: int) -> Volume | None:
        """The volume of that id; None only when the provider says `not_found`."""
        ...

    async def list_volumes(self, selector: str) -> tuple[Volume, ...]:
        """Every volume that a label selector matches; one request per 50."""
        ...

    async def create_volume(self, spec: VolumeSpec) -> Created[Volume]:
        """Make a formatted, detached volume. Raises `OutOfStock`, `Taken`."""
        ...

    async def attach_volume(self, volume_id: int, server_id: int) -> ActionRef | None:
        """Attach without mounting; None when it hangs there already."""
        ...

    async def detach_volume(self, volume_id: int) -> ActionRef | None:
        """Detach; None when it is attached nowhere or absent."""
        ...

    async def resize_volume(self, volume_id: int, size_gib: int) -> ActionRef | None:
        """Grow the device; None when it has that size. Shrinking raises `Refused`."""
        ...

    async def delete_volume(self, volume_id: int) -> None:
        """Remove a detached volume and its data, at once. `Busy` while attached or locked."""
        ...

    async def label_volume(
        self, volume_id: int, labels: Mapping[str, str], *, name: str = ""
    ) -> Volume:
        """Replace the whole label map and, when given, the name. Raises `Taken` for the name."""
        ...

    # -- addresses -------------------------------------------------------------------------------
    async def find_primary_ip(self, name: str) -> PrimaryIP | None:
        """The address of exactly that name."""
        ...

    async def list_primary_ips(self, selector: str) -> tuple[PrimaryIP, ...]:
        """Every address that a label selector matches; one request per 50."""
        ...

    async def create_primary_ip(
        self, name: str, *, location: str, labels: Mapping[str, str]
    ) -> PrimaryIP:
        """Reserve an unassigned IPv4 with `auto_delete` off. Raises `OutOfStock`, `Taken`."""
        ...

    async def delete_primary_ip(self, ip_id: int) -> None:
        """Give an unassigned address back, at once. `Busy` while it is assigned."""
        ...

    # -- firewalls and keys ----------------------------------------------------------------------
    async def find_firewall(self, name: str) -> Firewall | None:
        """The firewall of exactly that name."""
        ...

    async def create_firewall(self, spec: FirewallSpec) -> Created[Firewall]:
        """Make a firewall that applies to all servers its selector matches, now and later."""
        ...

    async def set_firewall(self, firewall_id: int, spec: FirewallSpec) -> tuple[ActionRef, ...]:
        """Make rules and selector of a firewall equal to `spec`; PUT-like, ≤ 4 requests.

        With an empty selector it applies to nobody, which must be so before it can be deleted.
        """
        ...

    async def delete_firewall(self, firewall_id: int) -> None:
        """Remove a firewall. `Busy` while servers still hold it."""
        ...

    async def find_ssh_key(self, name: str) -> SshKey | None:
        """The public key of exactly that name."""
        ...

    async def create_ssh_key(
        self, name: str, *, public_key: str, labels: Mapping[str, str]
    ) -> SshKey:
        """Register a public key (OpenSSH line). Raises `Taken` for the name or the fingerprint."""
        ...

    async def delete_ssh_key(self, key_id: int) -> None:
        """Remove a public key."""
        ...

    # -- images ----------------------------------------------------------------------------------
    async def find_image(self, name: str, *, architecture: str) -> Image | None:
        """The newest system image of that name for `x86` or `arm`."""
        ...

    async def list_snapshots(self, selector: str) -> tuple[Image, ...]:
        """Every snapshot that a label selector matches, whatever its status."""
        ...

    async def create_snapshot(
        self, server_id: int, *, description: str, labels: Mapping[str, str]
    ) -> Created[Image]:
        """Copy the root disk of a server (which should be off). Not idempotent, not unique."""
        ...

    async def delete_image(self, image_id: int) -> None:
        """Remove a snapshot, at once."""
        ...

    # -- the project -----------------------------------------------------------------------------
    async def actions(self, ids: Sequence[int]) -> tuple[ActionRef, ...]:
        """How those actions stand; one request per 50 ids. Unknown ids are left out."""
        ...

    async def server_types(self) -> tuple[ServerType, ...]:
        """Everything on offer, with stock per location."""
        ...

    def budget(self) -> RateBudget | None:
        """The rate-limit headers of the last answer; no request. None before the first one."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


_FAULTS: Final[Mapping[type[ProviderError], tuple[str, ...]]] = {
    Ambiguous: ("timeout", "bad_gateway"),
    Busy: (
        "already_in_placement_group",
        "attach_volume_in_progress",
        "action_failed",
        "conflict",
        "firewall_already_applied",
        "firewall_already_removed",
        "locked",
        "maintenance",
        "must_be_unassigned",
        "resource_in_use",
        "robot_unavailable",
        "server_error",
        "server_not_stopped",
        "service_error",
        "unavailable",
        "unknown_error",
        "volume_already_attached",
    ),
    RateLimited: ("rate_limit_exceeded",),
    Taken: ("uniqueness_error",),
    OutOfStock: ("no_space_left_in_location", "placement_error", "resource_unavailable"),
    CredentialsRefused: ("forbidden", "token_readonly", "unauthorized"),
    LimitReached: ("resource_limit_exceeded",),
    Protected: ("protected",),
    Gone: ("firewall_resource_not_found", "not_found"),
}
FAULT_OF_CODE: Final[Mapping[str, type[ProviderError]]] = {
    code: fault for fault, codes in _FAULTS.items() for code in codes
}
"""Hetzner's error code → what the operator does; every code not named here is `Refused`."""


def fault(
    code: str,
    message: str,
    *,
    correlation_id: str = "",
    reset_at: datetime | None = None,
) -> ProviderError:
    """The error of our own for a provider's code; an unknown code counts as `Refused`.

    `code` may be an HTTP status in digits when the body was no error envelope: 5xx is then `Busy`.
    """
    kind = FAULT_OF_CODE.get(code, Busy if code.startswith("5") else Refused)
    if kind is RateLimited:
        return RateLimited(message, code=code, correlation_id=correlation_id, until=reset_at)
    return kind(message, code=code, correlation_id=correlation_id)
