"""The seam between the cloud's API and what a server is made of.

The API side (`localcloud.hetzner`) owns identity, locks, actions and the public state; a back end
owns the machine behind it. Every method may take seconds and is awaited inside an action; it is
idempotent (a repeat after a crash ends in the same place) and treats something absent as already
deleted. A failure raises `MachineError`, whose text becomes the action's error message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

PowerState = Literal["running", "off", "absent"]


class MachineError(Exception):
    """A back end could not do what was asked; the message is shown in the action's error."""


@dataclass(frozen=True, kw_only=True)
class FirewallRule:
    """One rule as Hetzner knows it; `networks` are sources for `in`, destinations for `out`."""

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    networks: tuple[str, ...]
    port: str | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkInterface:
    """A private network the server is attached to."""

    network_id: int
    network_name: str
    ip: str
    mac_address: str
    ip_range: str
    subnet: str
    gateway: str
    alias_ips: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MachineSpec:
    """Everything a back end needs to make a server. `image` is `debian-13` or `image-<id>`."""

    server_id: int
    hostname: str
    image: str
    cores: int
    memory_gib: float
    disk_gib: int
    ipv4: str | None
    ipv6: str | None
    location: str
    user_data: str = ""
    authorized_keys: tuple[str, ...] = ()
    root_password: str | None = None
    networks: tuple[NetworkInterface, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a machine has used since it was switched on: counters that only rise."""

    cpu_seconds: float = 0.0
    disk_reads: float = 0.0
    disk_writes: float = 0.0
    disk_bytes_read: float = 0.0
    disk_bytes_written: float = 0.0
    packets_in: float = 0.0
    packets_out: float = 0.0
    bytes_in: float = 0.0
    bytes_out: float = 0.0


class Machines(Protocol):
    """A back end: `container` or `memory`."""

    async def open(self) -> None:
        """Prepare host resources (network, images) and take up what an earlier run left."""
        ...

    async def close(self, *, purge: bool) -> None:
        """Let go of everything; with `purge` no machine, disk, rule or network is left.

        May be called without `open`: what an earlier run left is found by its names.
        """
        ...

    def stock_images(self) -> tuple[str, ...]:
        """Names of system images that servers can be made from, such as `debian-13`."""
        ...

    async def create(self, spec: MachineSpec) -> None:
        """Make the machine, powered off."""
        ...

    async def start(self, server_id: int) -> None:
        """Power on; returns once the machine boots, not once SSH answers."""
        ...

    async def stop(self, server_id: int) -> None:
        """Pull the plug."""
        ...

    async def shutdown(self, server_id: int) -> None:
        """Send the ACPI signal and return; the machine goes off later, or never."""
        ...

    async def power(self, server_id: int) -> PowerState:
        """What the machine is doing now; never raises."""
        ...

    async def rebuild(self, spec: MachineSpec) -> None:
        """Replace the root disk by the image; addresses and volumes stay; ends powered off."""
        ...

    async def resize(self, spec: MachineSpec) -> None:
        """Give the (powered off) machine the cores, memory and disk of `spec`."""
        ...

    async def delete(self, server_id: int) -> None:
        """Remove the machine and its root disk."""
        ...

    async def set_password(self, server_id: int, password: str) -> None:
        """Set root's password on a running machine."""
        ...

    async def snapshot(self, server_id: int, image_id: int) -> float:
        """Copy the whole root disk to `image-<image_id>`; returns its size in GB."""
        ...

    async def delete_image(self, image_id: int) -> None:
        """Remove a snapshot's data."""
        ...

    async def create_volume(self, volume_id: int, size_gb: int, fs: str | None) -> None:
        """Make a block device, formatted when `fs` is `ext4` or `xfs`."""
        ...

    async def resize_volume(self, volume_id: int, size_gb: int) -> None:
        """Grow the device; the file system inside is the machine's to grow."""
        ...

    async def delete_volume(self, volume_id: int) -> None:
        """Remove the device and its data."""
        ...

    async def attach_volume(self, volume_id: int, server_id: int, *, automount: bool) -> None:
        """Make `/dev/disk/by-id/scsi-0HC_Volume_<id>` appear, whether running or off."""
        ...

    async def detach_volume(self, volume_id: int, server_id: int) -> None:
        """Take the device away."""
        ...

    async def set_firewall(self, server_id: int, rules: tuple[FirewallRule, ...] | None) -> None:
        """Enforce exactly these rules; `None` means no firewall is applied and all is open."""
        ...

    async def set_networks(self, spec: MachineSpec) -> None:
        """Make private networks and public addresses of the machine equal to `spec`."""
        ...

    async def set_metadata(self, spec: MachineSpec) -> None:
        """What the machine is told about itself changed, such as its name."""
        ...

    async def screen(self, server_id: int) -> tuple[str, ...]:
        """The lines that the machine's screen shows; none while it is off."""
        ...

    def usage(self, server_id: int, moments: Sequence[datetime]) -> list[Usage | None]:
        """Counters as they stood at moments in rising order; `None` where nothing is known.

        Answered at once from what was noted, without asking the machine.
        """
        ...
