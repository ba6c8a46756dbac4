"""Machines that are only written down: power state, size and disks, without anything that runs.

For tests and measurements of the cloud's API itself. It answers no SSH and enforces no firewall;
what it was told can be read back. With `rows` it remembers over a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from localcloud.machines.port import FirewallRule, MachineError, MachineSpec, PowerState, Usage
from localcloud.rows import Rows

SNAPSHOT_GB = 1.5


@dataclass(frozen=True, kw_only=True)
class InertMachine:
    """What is known of one machine."""

    spec: MachineSpec
    power: PowerState = "off"
    volumes: tuple[int, ...] = ()
    firewall: tuple[FirewallRule, ...] | None = None


class InertMachines:
    """A back end that keeps notes; everything succeeds at once."""

    def __init__(
        self,
        rows: Rows | None = None,
        images: tuple[str, ...] = ("debian-12", "debian-13", "ubuntu-24.04"),
    ) -> None:
        self._images = images
        self._rows = rows
        self.machines: dict[int, InertMachine] = {}
        self.volumes: dict[int, int] = {}
        self.snapshots: set[int] = set()

    async def open(self) -> None:
        """Read back what an earlier run wrote."""
        for key, document in self._rows.load("power") if self._rows else ():
            spec = MachineSpec(**{**document["spec"], "networks": ()})
            self.machines[int(key)] = InertMachine(spec=spec, power=document["power"])

    async def close(self, *, purge: bool) -> None:
        """Forget everything when `purge` is set."""
        if purge:
            self.machines.clear()
            self.volumes.clear()
            self.snapshots.clear()

    def stock_images(self) -> tuple[str, ...]:
        """The names given at the start."""
        return self._images

    async def create(self, spec: MachineSpec) -> None:
        """Note the machine, powered off; a repeat changes nothing."""
        self.machines.setdefault(spec.server_id, InertMachine(spec=spec))
        self._write(spec.server_id)

    async def start(self, server_id: int) -> None:
        """Note it as running."""
        self._power(server_id, "running")

    async def stop(self, server_id: int) -> None:
        """Note it as off."""
        self._power(server_id, "off")

    async def shutdown(self, server_id: int) -> None:
        """Note it as off: nothing runs that could refuse."""
        self._power(server_id, "off")

    async def power(self, server_id: int) -> PowerState:
        """The noted power state."""
        machine = self.machines.get(server_id)
        return machine.power if machine else "absent"

    async def rebuild(self, spec: MachineSpec) -> None:
        """Note the new image, powered off."""
        self._change(spec.server_id, spec=spec, power="off")

    async def resize(self, spec: MachineSpec) -> None:
        """Note the new size."""
        self._change(spec.server_id, spec=spec)

    async def delete(self, server_id: int) -> None:
        """Forget the machine."""
        self.machines.pop(server_id, None)
        if self._rows:
            self._rows.delete("power", str(server_id))

    async def set_password(self, server_id: int, password: str) -> None:
        """Note the password."""
        self._change(server_id, spec=replace(self._known(server_id).spec, root_password=password))

    async def snapshot(self, server_id: int, image_id: int) -> float:
        """Note the image; its size is always the same."""
        self._known(server_id)
        self.snapshots.add(image_id)
        return SNAPSHOT_GB

    async def delete_image(self, image_id: int) -> None:
        """Forget the image."""
        self.snapshots.discard(image_id)

    async def create_volume(self, volume_id: int, size_gb: int, fs: str | None) -> None:
        """Note the volume."""
        del fs  # there is nothing to format
        self.volumes[volume_id] = size_gb

    async def resize_volume(self, volume_id: int, size_gb: int) -> None:
        """Note the new size."""
        self.volumes[volume_id] = size_gb

    async def delete_volume(self, volume_id: int) -> None:
        """Forget the volume."""
        self.volumes.pop(volume_id, None)

    async def attach_volume(self, volume_id: int, server_id: int, *, automount: bool) -> None:
        """Note the device on the machine."""
        del automount  # there is nothing to mount it
        others = tuple(v for v in self._known(server_id).volumes if v != volume_id)
        self._change(server_id, volumes=(*others, volume_id))

    async def detach_volume(self, volume_id: int, server_id: int) -> None:
        """Take the device off the notes."""
        machine = self.machines.get(server_id)
        if machine:
            kept = tuple(v for v in machine.volumes if v != volume_id)
            self._change(server_id, volumes=kept)

    async def set_firewall(self, server_id: int, rules: tuple[FirewallRule, ...] | None) -> None:
        """Note the rules."""
        self._change(server_id, firewall=rules)

    async def set_networks(self, spec: MachineSpec) -> None:
        """Note the addresses."""
        self._change(spec.server_id, spec=spec)

    async def set_metadata(self, spec: MachineSpec) -> None:
        """Note what it is told."""
        self._change(spec.server_id, spec=spec)

    async def screen(self, server_id: int) -> tuple[str, ...]:
        """The prompt of a machine that is on."""
        machine = self._known(server_id)
        return (f"{machine.spec.hostname} login:",) if machine.power == "running" else ()

    def usage(self, server_id: int, moments: Sequence[datetime]) -> list[Usage | None]:
        """Nothing is known: a note uses nothing."""
        del server_id
        return [None for _ in moments]

    def _known(self, server_id: int) -> InertMachine:
        machine = self.machines.get(server_id)
        if machine is None:
            raise MachineError(f"there is no machine for server {server_id}")
        return machine

    def _power(self, server_id: int, power: PowerState) -> None:
        self._change(server_id, power=power)

    def _change(self, server_id: int, **changes: object) -> None:
        self.machines[server_id] = replace(self._known(server_id), **changes)  # type: ignore[arg-type]
        self._write(server_id)

    def _write(self, server_id: int) -> None:
        if self._rows:
            machine = self.machines[server_id]
            note = {"spec": asdict(machine.spec), "power": machine.power}
            self._rows.put("power", str(server_id), note)
