"""The back end `memory`: simulated machines for thousands of servers, over real SSH and HTTPS.

Machines are values (`simulated_host`), so making one costs microseconds and ten thousand fit in one
process. Time comes from the clock that is passed in. With `rows` everything is still there after
the program was started again; machines that ran then run on, as they would beside a real cloud.
IPv6 and private networks are noted and not simulated: a client reaches machines by IPv4 only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from localcloud.authority import Authority
from localcloud.clock import Clock, RealClock
from localcloud.machines.memory_disks import Disks
from localcloud.machines.memory_images import STOCK, Images
from localcloud.machines.port import FirewallRule, MachineError, MachineSpec, PowerState, Usage
from localcloud.machines.simulated_host.host import Faults, Host, Pace, read_host
from localcloud.machines.simulated_host.load import used
from localcloud.machines.simulated_host.screen import lines
from localcloud.machines.simulated_host.ssh import SshListener
from localcloud.machines.simulated_host.web import WebListener
from localcloud.machines.simulated_host.world import World
from localcloud.rows import Rows

LOOPBACK_DEVICE = "0.0.0.0"  # noqa: S104 - the acceptor binds it to the loopback device
_KIND = "memory-host"
_FAULTS = "memory-faults"


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """Where machines are reached (0 chooses a port) and how long things take there."""

    ssh_port: int = 2222
    https_port: int = 443
    http_port: int = 80
    pace: Pace = field(default_factory=Pace)


class MemoryMachines:
    """Implements `machines.port.Machines` with simulated hosts."""

    def __init__(
        self,
        settings: MemorySettings,
        *,
        authority: Authority,
        rows: Rows,
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._rows = rows
        self._clock = clock or RealClock()
        self.hosts: dict[int, Host] = {}
        self.ports: tuple[int, int, int] = (0, 0, 0)
        self._planned: dict[str, Faults] = {}
        self._disks = Disks(self._rows)
        self._images = Images(self._rows)
        self._world = World(now=self._clock.now, pace=settings.pace, on_change=self._save)
        self._ssh = SshListener(self._world)
        self._web = WebListener(self._world, authority)

    async def open(self) -> None:
        """Read back what an earlier run wrote, then listen."""
        self._disks.load()
        self._images.load()
        for key, document in self._rows.load(_FAULTS):
            self._planned[key] = Faults(**document)
        for _, document in self._rows.load(_KIND):
            host = read_host(document, self._disks.get)
            self.hosts[host.server_id] = host
            self._world.add(host)
        ports = self._settings
        ssh = await self._ssh.listen(LOOPBACK_DEVICE, ports.ssh_port)
        web = await self._web.listen(LOOPBACK_DEVICE, ports.https_port, ports.http_port)
        self.ports = (ssh, *web)

    async def close(self, *, purge: bool) -> None:
        """Stop listening; with `purge` forget every machine, image and volume."""
        await self._ssh.close()
        await self._web.close()
        if purge:
            for server_id in list(self.hosts):
                await self.delete(server_id)
            self._images.clear()
            self._disks.clear()

    def stock_images(self) -> tuple[str, ...]:
        """The system images a machine can be made from."""
        return STOCK

    async def create(self, spec: MachineSpec) -> None:
        """Make the machine, powered off; a repeat changes nothing."""
        if spec.server_id in self.hosts:
            return
        host = self._images.boot_disk(spec)
        host.faults = self._faults_for(spec)
        self.hosts[spec.server_id] = host
        self._world.add(host)
        self._save(host)

    async def start(self, server_id: int) -> None:
        """Power on."""
        self._change(server_id, lambda host: host.power_on(self._clock.now()))

    async def stop(self, server_id: int) -> None:
        """Pull the plug: connections break, jobs are interrupted."""
        if server_id in self.hosts:
            self._power_off(server_id)

    async def shutdown(self, server_id: int) -> None:
        """Shut down at once; a simulated machine never refuses."""
        self._settled(server_id)
        self._power_off(server_id)

    async def power(self, server_id: int) -> PowerState:
        """What the machine is doing now."""
        host = self.hosts.get(server_id)
        if host is None:
            return "absent"
        return "running" if host.power == "running" else "off"

    async def rebuild(self, spec: MachineSpec) -> None:
        """Replace the root disk; addresses, volumes and firewall stay; ends powered off."""
        old = self._known(spec.server_id)
        self._power_off(spec.server_id)
        host = self._images.boot_disk(spec)
        host.volumes, host.firewall, host.faults = old.volumes, old.firewall, old.faults
        self._world.remove(old)
        self.hosts[spec.server_id] = host
        self._world.add(host)
        self._save(host)

    async def resize(self, spec: MachineSpec) -> None:
        """Give the machine another disk size; cores and memory are not simulated."""

        def change(host: Host) -> None:
            host.disk_gib = spec.disk_gib

        self._change(spec.server_id, change)

    async def delete(self, server_id: int) -> None:
        """Remove the machine and its root disk."""
        host = self.hosts.pop(server_id, None)
        if host is not None:
            host.power_off()
            self._ssh.cut(lambda other: other is host)
            self._world.remove(host)
            self._rows.delete(_KIND, str(server_id))

    async def set_password(self, server_id: int, password: str) -> None:
        """Accepted and without effect: a simulated machine takes keys only."""
        del password
        self._known(server_id)

    async def snapshot(self, server_id: int, image_id: int) -> float:
        """Copy the root disk; a running machine is copied as it is."""
        return self._images.keep(self._settled(server_id), image_id)

    async def delete_image(self, image_id: int) -> None:
        """Forget the copy."""
        self._images.delete(image_id)

    async def create_volume(self, volume_id: int, size_gb: int, fs: str | None) -> None:
        """Make an empty or formatted volume; a repeat changes nothing."""
        self._disks.create(volume_id, size_gb, fs or "")

    async def resize_volume(self, volume_id: int, size_gb: int) -> None:
        """Grow it."""
        self._disks.get(volume_id).size_gb = size_gb
        self._disks.save(volume_id)

    async def delete_volume(self, volume_id: int) -> None:
        """Remove it and what is on it."""
        self._disks.delete(volume_id)

    async def attach_volume(self, volume_id: int, server_id: int, *, automount: bool) -> None:
        """Show the device on the machine; nothing is mounted by itself, as on Debian's image."""
        del automount
        disk = self._disks.get(volume_id)

        def change(host: Host) -> None:
            host.volumes[volume_id] = disk

        self._change(server_id, change)

    async def detach_volume(self, volume_id: int, server_id: int) -> None:
        """Take it away, mounted or not."""
        if server_id in self.hosts:
            self._change(server_id, lambda host: _detach(host, volume_id))

    async def set_firewall(self, server_id: int, rules: tuple[FirewallRule, ...] | None) -> None:
        """Let in what the rules name; a refused client is reset, not left waiting."""

        def change(host: Host) -> None:
            host.firewall = None if rules is None else [asdict(rule) for rule in rules]

        self._change(server_id, change)

    async def set_networks(self, spec: MachineSpec) -> None:
        """Move the machine to the public IPv4 address of `spec`."""

        def change(host: Host) -> None:
            self._world.remove(host)
            host.address = spec.ipv4
            self._world.add(host)

        self._change(spec.server_id, change)

    async def set_metadata(self, spec: MachineSpec) -> None:
        """Accepted; simulated machines have no 169.254.169.254."""
        self._known(spec.server_id)

    async def screen(self, server_id: int) -> tuple[str, ...]:
        """What a machine shows after its boot."""
        return lines(self._settled(server_id), self._clock.now(), self._settings.pace)

    def usage(self, server_id: int, moments: Sequence[datetime]) -> list[Usage | None]:
        """Simulated: the same waves at every look, since the machine was switched on."""
        host, now = self.hosts.get(server_id), self._clock.now()
        if host is None or host.started is None:
            return [None for _ in moments]
        since = host.started
        return [
            used(server_id, (moment - since).total_seconds()) if since <= moment <= now else None
            for moment in moments
        ]

    def plan_faults(self, target: str, faults: Faults | None) -> None:
        """Set what is wrong with a machine, by its id or host name; `*` means every new one.

        A name may be that of a machine which does not exist yet. None takes the faults away.
        """
        self._planned.pop(target, None)
        self._rows.delete(_FAULTS, target)
        if faults is not None:
            self._planned[target] = faults
            self._rows.put(_FAULTS, target, asdict(faults))
        for host in self.hosts.values():
            if target in (str(host.server_id), host.hostname) or (faults is None and target == "*"):
                host.faults = replace(faults) if faults else Faults()
                self._save(host)

    def planned_faults(self) -> dict[str, Faults]:
        """What was set, by target."""
        return dict(self._planned)

    def _faults_for(self, spec: MachineSpec) -> Faults:
        targets = (str(spec.server_id), spec.hostname, "*")
        found = next((self._planned[name] for name in targets if name in self._planned), None)
        return replace(found) if found else Faults()

    def _known(self, server_id: int) -> Host:
        host = self.hosts.get(server_id)
        if host is None:
            raise MachineError(f"there is no machine for server {server_id}")
        return host

    def _settled(self, server_id: int) -> Host:
        host = self._known(server_id)
        self._world.settle(host)
        return host

    def _power_off(self, server_id: int) -> None:
        host = self._known(server_id)
        self._ssh.cut(lambda other: other is host)
        self._change(server_id, Host.power_off)

    def _change(self, server_id: int, change: Callable[[Host], None]) -> None:
        host = self._known(server_id)
        change(host)
        self._save(host)

    def _save(self, host: Host) -> None:
        if host.server_id in self.hosts:
            self._rows.put(_KIND, str(host.server_id), host.document())
            for volume_id in host.volumes:
                self._disks.save(volume_id)


def _detach(host: Host, volume_id: int) -> None:
    host.volumes.pop(volume_id, None)
    if host.mounted == volume_id:
        host.mounted = None
