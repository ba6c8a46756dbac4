"""The container back end: what the API asks for, in terms of disks, containers, links and tables.

Every method holds the server's lock while it works, writes down what it was asked before it acts,
and can be repeated. How one machine lives is in `life`; here is what the API may ask, and what a
start and an end of the program mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from localcloud.machines.container import volumes
from localcloud.machines.container.firewall import Guarded
from localcloud.machines.container.host import missing_programs
from localcloud.machines.container.life import Life
from localcloud.machines.container.metadata import MetadataService
from localcloud.machines.container.meter import Meter
from localcloud.machines.container.records import ServerRecord, VolumeRecord
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.metadata import documents
from localcloud.machines.port import FirewallRule, MachineError, MachineSpec, PowerState, Usage

_log = logging.getLogger(__name__)
SCREEN_SCRIPT = "journalctl --boot --lines=26 --no-pager --output=short-monotonic"
_REBOOTED = 129  # the kernel ends the init of a namespace that calls reboot(2) with SIGHUP
_SWITCHED_OFF = (0, 130)  # halted from inside: SIGINT, or init returned


class ContainerMachines:
    """`Machines` on a Linux host with root and a Docker Engine."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = replace(settings, directory=settings.directory.resolve())
        self._life = Life(self._settings)
        self._records = self._life.records
        self._volumes = self._life.volumes
        self._metadata = MetadataService(self._documents_of)
        self._meter = Meter(self._life)
        self._watcher: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Prepare host resources and take up machines of an earlier run.

        Raises:
            MachineError: this host cannot hold container machines; the text says what is missing.
        """
        _require_host()
        try:
            await self._life.open()
            await self._metadata.open(self._settings.gateway)
            await self._apply_firewall()
            since = time.time()
            await self._adopt_all()
        except BaseException:
            await self.close(purge=False)
            raise
        self._watcher = asyncio.create_task(self._watch(since))
        self._meter.start()

    async def close(self, *, purge: bool) -> None:
        """Let go; machines keep running unless `purge`, which leaves nothing on the host."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        await self._meter.close()
        await self._metadata.close()
        await self._life.close(purge=purge)
        if purge:
            shutil.rmtree(self._settings.directory, ignore_errors=True)

    def stock_images(self) -> tuple[str, ...]:
        """Names of system images."""
        return tuple(self._settings.images)

    async def create(self, spec: MachineSpec) -> None:
        """Make the machine, powered off; a repeat leaves a finished one alone."""
        async with self._life.lock(spec.server_id):
            known = self._records.servers.get(spec.server_id)
            if known is None or known.spec != spec or not await self._life.exists(spec.server_id):
                await self._life.install(known or ServerRecord(spec=spec), spec)
            await self._apply_firewall()

    async def rebuild(self, spec: MachineSpec) -> None:
        """Replace the root disk by the image; ends powered off."""
        async with self._life.lock(spec.server_id):
            await self._life.install(self._record(spec.server_id), spec)
            await self._apply_firewall()

    async def start(self, server_id: int) -> None:
        """Power on."""
        async with self._life.lock(server_id):
            self._records.put_server(replace(self._record(server_id), wanted=True))
            if await self._life.power(server_id) != "running":
                await self._life.boot(server_id)

    async def stop(self, server_id: int) -> None:
        """Pull the plug."""
        async with self._life.lock(server_id):
            known = self._records.servers.get(server_id)
            if known is not None:
                self._records.put_server(replace(known, wanted=False))
                await self._life.kill(server_id)

    async def shutdown(self, server_id: int) -> None:
        """Ask init to halt."""
        self._record(server_id)
        await self._life.ask_to_halt(server_id)

    async def power(self, server_id: int) -> PowerState:
        """What the machine is doing now; never raises."""
        try:
            state, code = await self._life.last_state(server_id)
        except MachineError as error:
            _log.warning("cannot ask for the state of server %d: %s", server_id, error)
            return "absent"
        known = self._records.servers.get(server_id)
        between = state == "off" and code == _REBOOTED and known is not None and known.wanted
        return "running" if between else state

    async def resize(self, spec: MachineSpec) -> None:
        """Change processor and memory limits, and grow the disk where it is to be bigger."""
        async with self._life.lock(spec.server_id):
            self._records.put_server(replace(self._record(spec.server_id), spec=spec))
            await self._life.resize(spec)

    async def delete(self, server_id: int) -> None:
        """Remove the machine and its root disk; its volumes stay."""
        async with self._life.lock(server_id):
            await self._life.remove(server_id)
            for volume in self._records.volumes_of(server_id):
                await self._volumes.disconnect(volume.volume_id)
                self._records.put_volume(replace(volume, server_id=None, automount=False))
            await self._apply_firewall()

    async def set_password(self, server_id: int, password: str) -> None:
        """Set root's password on a running machine."""
        await self._life.inside(
            server_id, 'printf "root:%s\\n" "$PASSWORD" | chpasswd', {"PASSWORD": password}
        )

    async def snapshot(self, server_id: int, image_id: int) -> float:
        """Clone the root disk to `image-<image_id>`; returns its size in GB."""
        async with self._life.lock(server_id):
            self._record(server_id)
            return await self._life.disks.snapshot(server_id, f"image-{image_id}")

    async def delete_image(self, image_id: int) -> None:
        """Remove a snapshot's data; servers made from it keep theirs."""
        await self._life.disks.drop_image(f"image-{image_id}")

    async def create_volume(self, volume_id: int, size_gb: int, fs: str | None) -> None:
        """Make a sparse file, formatted when `fs` is given."""
        await self._volumes.create(volume_id, size_gb, fs)
        if volume_id not in self._records.volumes:
            self._records.put_volume(VolumeRecord(volume_id=volume_id, size_gb=size_gb, fs=fs))

    async def resize_volume(self, volume_id: int, size_gb: int) -> None:
        """Grow file and device."""
        volume = self._volume(volume_id)
        await self._volumes.grow(volume_id, size_gb)
        self._records.put_volume(replace(volume, size_gb=size_gb))

    async def delete_volume(self, volume_id: int) -> None:
        """Remove the device and its data."""
        await self._volumes.delete(volume_id)
        self._records.forget_volume(volume_id)

    async def attach_volume(self, volume_id: int, server_id: int, *, automount: bool) -> None:
        """Make the device appear in the machine, now or at its next start."""
        async with self._life.lock(server_id):
            self._record(server_id)
            volume = replace(self._volume(volume_id), server_id=server_id, automount=automount)
            self._records.put_volume(volume)
            device = await self._volumes.connect(volume_id)
            if await self._life.power(server_id) == "running":
                await self._life.inside(server_id, volumes.appear_script(device))
                if automount and volume.fs:
                    await self._life.inside(
                        server_id, volumes.automount_script(volume_id, volume.fs)
                    )

    async def detach_volume(self, volume_id: int, server_id: int) -> None:
        """Take the device away; absent is fine."""
        async with self._life.lock(server_id):
            volume = self._records.volumes.get(volume_id)
            if volume is None or volume.server_id != server_id:
                return
            if await self._life.power(server_id) == "running":
                device = await self._volumes.connect(volume_id)
                await self._life.inside(server_id, volumes.vanish_script(device))
            await self._volumes.disconnect(volume_id)
            self._records.put_volume(replace(volume, server_id=None, automount=False))

    async def set_firewall(self, server_id: int, rules: tuple[FirewallRule, ...] | None) -> None:
        """Enforce exactly these rules."""
        async with self._life.lock(server_id):
            self._records.put_server(replace(self._record(server_id), firewall=rules))
            await self._apply_firewall()

    async def set_networks(self, spec: MachineSpec) -> None:
        """Make interfaces and addresses equal to `spec`."""
        async with self._life.lock(spec.server_id):
            record = replace(self._record(spec.server_id), spec=spec)
            self._records.put_server(record)
            await self._apply_firewall()
            await self._life.replug(spec)

    async def set_metadata(self, spec: MachineSpec) -> None:
        """What 169.254.169.254 answers from now on, also after a restart."""
        self._records.put_server(replace(self._record(spec.server_id), spec=spec))

    async def screen(self, server_id: int) -> tuple[str, ...]:
        """The end of the journal, as a machine's first console shows it."""
        if await self._life.power(server_id) != "running":
            return ()
        journal = await self._life.inside(server_id, SCREEN_SCRIPT)
        hostname = self._record(server_id).spec.hostname
        return (*journal.splitlines(), "", f"{hostname} (this console shows and takes no keys)")

    def usage(self, server_id: int, moments: Sequence[datetime]) -> list[Usage | None]:
        """Counters as the meter noted them."""
        return self._meter.at(server_id, moments)

    async def _adopt_all(self) -> None:
        for server_id in list(self._records.servers):
            async with self._life.lock(server_id):
                await self._adopt(self._records.servers[server_id])

    async def _adopt(self, record: ServerRecord) -> None:
        """Take up a server: what runs is plugged in, what should run is started."""
        server_id = record.spec.server_id
        state, code = await self._life.last_state(server_id)
        if state == "running":
            await self._life.replug(record.spec)
        elif record.wanted and code not in _SWITCHED_OFF:
            await self._life.boot(server_id)
        elif record.wanted:
            self._records.put_server(replace(record, wanted=False))

    async def _watch(self, since: float) -> None:
        while True:
            try:
                async for server_id, code in self._life.deaths(since):
                    await self._after_death(server_id, code)
            except MachineError as error:
                _log.warning("cannot follow machines: %s; trying again", error)
            await asyncio.sleep(1)
            since = time.time()
            await self._adopt_all()

    async def _after_death(self, server_id: int, code: int) -> None:
        """Start a machine that rebooted itself; one that ended otherwise stays off."""
        async with self._life.lock(server_id):
            record = self._records.servers.get(server_id)
            if record is None or not record.wanted:
                return
            if await self._life.power(server_id) != "off":
                return
            if code == _REBOOTED:
                await self._life.boot(server_id)
            else:
                self._records.put_server(replace(record, wanted=False))

    async def _apply_firewall(self) -> None:
        guarded = [
            Guarded(
                server_id=server_id,
                link=self._settings.machine_link(server_id),
                ipv4=record.spec.ipv4,
                ipv6=record.spec.ipv6,
                rules=record.firewall,
            )
            for server_id, record in self._records.servers.items()
        ]
        await self._life.firewall.apply(self._metadata.port, guarded)

    def _documents_of(self, address: str) -> Mapping[str, str] | None:
        for record in self._records.servers.values():
            if record.spec.ipv4 == address:
                return documents(record.spec)
        return None

    def _record(self, server_id: int) -> ServerRecord:
        if server_id not in self._records.servers:
            raise MachineError(f"server {server_id} does not exist; create it first")
        return self._records.servers[server_id]

    def _volume(self, volume_id: int) -> VolumeRecord:
        if volume_id not in self._records.volumes:
            raise MachineError(f"volume {volume_id} does not exist; create it first")
        return self._records.volumes[volume_id]


def _require_host() -> None:
    if os.geteuid() != 0:
        raise MachineError("container machines need root; run this program with sudo")
    packages = missing_programs()
    if packages:
        raise MachineError(f"programs are missing; run: apt-get install {' '.join(packages)}")
