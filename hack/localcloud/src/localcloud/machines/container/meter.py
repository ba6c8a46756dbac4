"""Reads every few seconds what each running machine has used, and keeps it for its metrics."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from localcloud.machines.container.history import FINE, History
from localcloud.machines.container.life import Life
from localcloud.machines.port import MachineError, Usage

log = logging.getLogger(__name__)


class Meter:
    """The histories of an instance's machines, and the task that writes them."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._histories: dict[int, History] = defaultdict(History)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="meter")

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def at(self, server_id: int, moments: Sequence[datetime]) -> list[Usage | None]:
        """Counters of a machine at moments in rising order."""
        return self._histories[server_id].at(moments)

    async def _run(self) -> None:
        while True:
            try:
                await self._read_all()
            except Exception:
                log.exception("reading what machines use broke")
            await asyncio.sleep(FINE.total_seconds())

    async def _read_all(self) -> None:
        records = self._life.records.servers
        for server_id in [key for key, record in records.items() if record.wanted]:
            await self._read(server_id)
        for server_id in self._histories.keys() - records.keys():
            del self._histories[server_id]

    async def _read(self, server_id: int) -> None:
        try:
            usage = await self._life.usage(server_id)
        except (MachineError, OSError) as error:
            log.info("what server %d uses could not be read: %s", server_id, error)
            return
        if usage is not None:
            self._histories[server_id].note(datetime.now(UTC), usage)
