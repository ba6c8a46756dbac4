"""The life of container machines: installed, booted, plugged in, halted, removed.

Knows how disk, boot folder, container and links of a machine belong together; what they should be
is decided in `backend`. The caller holds the server's lock.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from localcloud.machines.container import boot
from localcloud.machines.container.blueprint import (
    INSTANCE_LABEL,
    SERVER_LABEL,
    Chassis,
    Host,
    create_body,
    limits,
)
from localcloud.machines.container.control_group import cpu_seconds
from localcloud.machines.container.disks import Disks
from localcloud.machines.container.engine import Engine, NotStartedError
from localcloud.machines.container.firewall import Firewall
from localcloud.machines.container.host import run
from localcloud.machines.container.links import Links, link_counters
from localcloud.machines.container.records import Records, ServerRecord
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.container.stock import Stock
from localcloud.machines.container.trust import Trust
from localcloud.machines.container.volumes import VolumeFiles
from localcloud.machines.port import MachineError, MachineSpec, PowerState, Usage

_HALT = "SIGRTMIN+3"
_KILL_TIMEOUT = 60
_BEGIN_TIMEOUT = 60
_BEGUN = "[ ! -d /run/systemd/system ] || echo yes"
"""Says something once `boot.sh` has put the machine's own root in place and read its orders."""


class Life:
    """All machines of one instance."""

    def __init__(self, settings: ContainerSettings) -> None:
        self._settings = settings
        self._engine = Engine(settings.docker)
        self._links = Links(settings)
        self._trust = Trust()
        self._locks: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._carrier = ""
        self._host = Host(cgroup_version="1", processors=1)
        self._stock = Stock(settings.stock_data)
        self.disks = Disks(settings.directory)
        self.volumes = VolumeFiles(settings.directory)
        self.records = Records(settings.directory)
        self.firewall = Firewall(settings)

    def lock(self, server_id: int) -> asyncio.Lock:
        """Held by whoever changes the machine."""
        return self._locks[server_id]

    async def open(self) -> None:
        """Prepare the host; drop what belongs to no recorded server."""
        info = await self._engine.info()
        self._host = Host(cgroup_version=info.get("CgroupVersion", "1"), processors=info["NCPU"])
        self._settings.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._links.open()
        await self.disks.open()
        self.records.open()
        self.volumes.open()
        await self._trust.open()
        for name, reference in self._settings.images.items():
            await self._provide_stock(name, reference)
        await self._drop_strangers()
        await self.firewall.open()

    async def close(self, *, purge: bool) -> None:
        """Let go of the engine; with `purge` remove everything from the host."""
        if purge:
            for container in await self._engine.labelled(self._label):
                await self._engine.remove(container["Id"])
            await self.firewall.close()
            await self._links.close()
            await self.volumes.disconnect_all()
            await self.disks.close()
        await self._engine.close()

    async def exists(self, server_id: int) -> bool:
        """Whether disk and container are there."""
        there = await self._engine.inspect(self._name(server_id))
        return there is not None and self.disks.has_disk(server_id)

    async def install(self, record: ServerRecord, spec: MachineSpec) -> None:
        """Give the machine a new disk and container, powered off."""
        self.records.put_server(replace(record, spec=spec, wanted=False))
        await self._engine.remove(self._name(spec.server_id))
        await self.disks.provide(spec.server_id, spec.image, spec.disk_gib)
        boot.remove(self._boot(spec.server_id))
        hashed = await _password_hash(spec.root_password)
        files = boot.first_boot_files(
            spec, resolvers=self._settings.resolvers, password_hash=hashed
        )
        boot.write(self._boot(spec.server_id), files)
        await self._engine.create(self._name(spec.server_id), self._body(spec))

    async def boot(self, server_id: int) -> None:
        """Start the container and plug it in."""
        spec = self.records.servers[server_id].spec
        folder = self._boot(server_id)
        await self.disks.mount(server_id)
        boot.unplug(folder)
        boot.write(folder, {**self._trust.files(), **await self._volume_files(server_id)})
        await self._engine.start(self._name(server_id))
        await self._plug(spec)

    async def kill(self, server_id: int) -> None:
        """End the container at once; not running is fine."""
        await self._engine.signal(self._name(server_id), "SIGKILL")
        await self._engine.wait(self._name(server_id), seconds=_KILL_TIMEOUT)

    async def ask_to_halt(self, server_id: int) -> None:
        """Tell init to halt the machine."""
        await self._engine.signal(self._name(server_id), _HALT)

    async def power(self, server_id: int) -> PowerState:
        """What the container is doing now."""
        return (await self.last_state(server_id))[0]

    async def last_state(self, server_id: int) -> tuple[PowerState, int]:
        """What the container is doing, and the status it last ended with."""
        container = await self._engine.inspect(self._name(server_id))
        if container is None:
            return "absent", 0
        state = container["State"]
        return ("running" if state["Running"] else "off"), int(state["ExitCode"])

    async def resize(self, spec: MachineSpec) -> None:
        """Give the machine, which is off, the disk and the limits of `spec`."""
        await self.disks.grow(spec.server_id, spec.disk_gib)
        await self._engine.update(self._name(spec.server_id), limits(spec, self._host))

    async def remove(self, server_id: int) -> None:
        """Remove container, disk and record; absent is fine."""
        await self._engine.remove(self._name(server_id))
        await self.disks.drop(server_id)
        boot.remove(self._boot(server_id))
        self.records.forget_server(server_id)

    async def replug(self, spec: MachineSpec) -> None:
        """Make the links of a running machine equal to `spec`; off is fine."""
        if await self.power(spec.server_id) == "running":
            await self._plug(spec)

    async def inside(self, server_id: int, script: str, env: dict[str, str] | None = None) -> str:
        """Run a shell script inside a running machine, once it is one; what it wrote.

        Until `boot.sh` is through, a shell would land in the container's own root, which the
        machine leaves behind: what it did to `/dev` there would be lost.
        """
        name = self._name(server_id)
        end = time.monotonic() + _BEGIN_TIMEOUT
        while not await self._has_begun(name):
            if time.monotonic() > end:
                raise MachineError(f"server {server_id} does not get as far as its init")
            await asyncio.sleep(0.05)
        return await self._engine.execute(name, script, env)

    async def _has_begun(self, name: str) -> bool:
        try:
            return bool(await self._engine.execute(name, _BEGUN))
        except NotStartedError:
            # The machine is just changing its root, where no program finds what it needs.
            return False

    async def usage(self, server_id: int) -> Usage | None:
        """Counters of a running machine: its control group's, its disk's, its public link's."""
        container = await self._engine.inspect(self._name(server_id))
        if container is None or not container["State"]["Running"]:
            return None
        seconds = cpu_seconds(container["Id"], container["State"]["Pid"])
        if seconds is None:
            return None
        disk = self.disks.counters(server_id)
        link = link_counters(self._settings.machine_link(server_id))
        return Usage(
            cpu_seconds=seconds,
            disk_reads=disk.reads,
            disk_writes=disk.writes,
            disk_bytes_read=disk.bytes_read,
            disk_bytes_written=disk.bytes_written,
            packets_in=link["tx_packets"],
            packets_out=link["rx_packets"],
            bytes_in=link["tx_bytes"],
            bytes_out=link["rx_bytes"],
        )

    async def deaths(self, since: float) -> AsyncIterator[tuple[int, int]]:
        """Server ids with the exit status of their container, as machines end."""
        prefix = f"{self._settings.instance}-"
        async for name, code in self._engine.deaths(self._label, since):
            if name.removeprefix(prefix).isdecimal():
                yield int(name.removeprefix(prefix)), code

    async def _plug(self, spec: MachineSpec) -> None:
        """Plug the machine in and let `boot.sh` go on; it may wait since a crash of ours."""
        await self._links.plug(await self._pid(spec.server_id), spec)
        boot.plugged(self._boot(spec.server_id))

    @property
    def _label(self) -> str:
        return f"{INSTANCE_LABEL}={self._settings.instance}"

    def _name(self, server_id: int) -> str:
        return self._settings.container(server_id)

    def _boot(self, server_id: int) -> Path:
        return self._settings.directory / "boot" / str(server_id)

    def _body(self, spec: MachineSpec) -> dict[str, object]:
        chassis = Chassis(
            instance=self._settings.instance,
            carrier=self._carrier,
            disk=self.disks.root(spec.server_id),
            boot=self._boot(spec.server_id),
        )
        return create_body(spec, chassis, self._host)

    async def _pid(self, server_id: int) -> int:
        container = await self._engine.inspect(self._name(server_id))
        if container is None or not container["State"]["Running"]:
            raise MachineError(f"server {server_id} is not running; power it on")
        return int(container["State"]["Pid"])

    async def _volume_files(self, server_id: int) -> dict[str, str]:
        attached = self.records.volumes_of(server_id)
        devices = [await self.volumes.connect(volume.volume_id) for volume in attached]
        fstab = [
            boot.automount_line(volume.volume_id, volume.fs)
            for volume in attached
            if volume.automount and volume.fs
        ]
        return boot.every_boot_files(devices, fstab)

    async def _provide_stock(self, name: str, reference: str) -> None:
        """Put an unpacked Docker image into the pool, again when it was built anew."""
        image_id = await self._engine.image_id(reference)
        if image_id is None:
            raise MachineError(f"Docker image {reference} is missing; build it: make images")
        self._carrier = self._carrier or image_id
        if self.disks.has_image(name) and self.records.stock(name) == image_id:
            return
        await self.disks.drop_image(name)
        kept = self._stock.find(image_id)
        if kept is not None:
            await self.disks.copy_image(name, kept)
        else:
            await self._unpack(image_id, await self.disks.begin_image(name))
            await self.disks.finish_image(name)
            await self._stock.keep(image_id, self.disks.image_disk(name))
        self.records.put_stock(name, image_id)

    async def _unpack(self, image_id: str, target: Path) -> None:
        carrier = f"{self._settings.instance}-unpack"
        tarball = self._settings.directory / "unpack.tar"
        labels = {INSTANCE_LABEL: self._settings.instance, SERVER_LABEL: ""}
        await self._engine.remove(carrier)
        await self._engine.create(carrier, {"Image": image_id, "Labels": labels})
        await self._engine.export(carrier, tarball)
        await self._engine.remove(carrier)
        keep = ["--numeric-owner", "--same-permissions"]
        await run(["tar", "--extract", *keep, "--directory", str(target), "--file", str(tarball)])
        tarball.unlink()

    async def _drop_strangers(self) -> None:
        """Remove containers and disks of servers that were never recorded or are forgotten."""
        for container in await self._engine.labelled(self._label):
            label = container["Labels"][SERVER_LABEL]
            if not label or int(label) not in self.records.servers:
                await self._engine.remove(container["Id"])
        for server_id in self.disks.servers():
            if server_id not in self.records.servers:
                await self.disks.drop(server_id)
        for record in list(self.records.servers.values()):
            await self._heal(record)

    async def _heal(self, record: ServerRecord) -> None:
        """Bring a half-made server to a whole one: its container, or its end."""
        server_id = record.spec.server_id
        if not self.disks.has_disk(server_id):
            await self.remove(server_id)
        elif await self._engine.inspect(self._name(server_id)) is None:
            await self._engine.create(self._name(server_id), self._body(record.spec))


async def _password_hash(password: str | None) -> str | None:
    if password is None:
        return None
    return (await run(["openssl", "passwd", "-6", "-stdin"], stdin=password + "\n")).strip()
