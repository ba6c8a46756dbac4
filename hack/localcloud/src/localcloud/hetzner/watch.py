"""Keeps the servers' state true to their machines, and makes the daily backups.

A machine can go off by itself: after the shutdown signal, or because somebody inside says so. The
watch looks often at machines that were told to shut down and now and then at all of them.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

from localcloud.hetzner import times
from localcloud.hetzner.actions import Plan, holders
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.model import Image, Server

log = logging.getLogger(__name__)

LOOK_SECONDS, ALL_EVERY = 1.0, 15
_SIGNAL = "shutdown_server"
_SIGNAL_SECONDS = 120
_BACKUP_EVERY = timedelta(hours=24)
_SHOWN = {"running": "running", "off": "off", "absent": "unknown"}


class Watch:
    """A task that looks at machines."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="watch")

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self, servers: list[Server]) -> None:
        """Make the status of servers that nothing else works on true."""
        for server in servers:
            if server.status in ("running", "off", "unknown") and not self._held(server):
                await self._compare(server)

    async def _run(self) -> None:
        tick = 0
        while True:
            try:
                await self._tick(everything=tick % ALL_EVERY == 0)
            except Exception:
                log.exception("looking at the machines broke")
            tick += 1
            await self._cloud.clock.sleep(LOOK_SECONDS)

    async def _tick(self, *, everything: bool) -> None:
        await self.look(list(self._cloud.state.servers) if everything else self._signalled())
        if everything:
            self.back_up()

    def _held(self, server: Server) -> bool:
        return bool(holders(self._cloud.state, "server", server.id))

    async def _compare(self, server: Server) -> None:
        shown = _SHOWN[await self._cloud.machines.power(server.id)]
        current = self._cloud.state.servers.get(server.id)
        if current is None or current.status != server.status or self._held(current):
            return  # something else changed it while we looked
        if shown != current.status:
            self._cloud.state.servers.put(replace(current, status=shown))

    def _signalled(self) -> list[Server]:
        """Running servers that were told to shut down a short while ago."""
        since = times.written(self._cloud.clock.now() - timedelta(seconds=_SIGNAL_SECONDS))
        recent = (
            action.resources[0][1]
            for action in self._cloud.state.actions.where("command", _SIGNAL)
            if action.started >= since
        )
        found = (self._cloud.state.servers.get(server_id) for server_id in set(recent))
        return [server for server in found if server is not None and server.status == "running"]

    def back_up(self) -> None:
        """Begin the backups that are due."""
        for server in self._cloud.state.servers.where("backups", True):
            if self._due(server) and not self._held(server):
                _begin_backup(self._cloud, server)

    def _due(self, server: Server) -> bool:
        backups = self._cloud.state.images.where("bound_to", server.id)
        latest = max((times.read(backup.created) for backup in backups), default=None)
        base = latest or times.read(server.created)
        return self._cloud.clock.now() - base >= _BACKUP_EVERY


def _begin_backup(cloud: Cloud, server: Server) -> None:
    origin = cloud.image(server.image)
    image = Image(
        id=cloud.state.next_id(),
        project=server.project,
        name="",
        created=cloud.now(),
        type="backup",
        status="creating",
        description=f"Backup of {server.name}",
        disk_size=server.primary_disk_size,
        created_from=(server.id, server.name),
        bound_to=server.id,
        os_flavor=origin.os_flavor if origin else "unknown",
        os_version=origin.os_version if origin else None,
        architecture=origin.architecture if origin else "x86",
    )
    cloud.state.images.put(image)
    plan = Plan(
        command="create_image",
        resources=(("server", server.id), ("image", image.id)),
        params={"server": server.id, "image": image.id},
    )
    cloud.engine.begin(server.project, plan)
