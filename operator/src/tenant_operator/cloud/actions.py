"""One poller for everything that runs at the provider: one request for all actions of a tick.

Each action is first looked at after a second or two and then less and less often; whoever waits
for it is told once. Real deployments poll hundreds of actions; asking for each alone would use up
the project's requests in minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tenant_operator.core.faults import ProviderError
from tenant_operator.core.world import ActionRef
from tenant_operator.log import logger

PAUSES: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0)
EARLY: Final = {"create_volume": (0.1, 0.2, 0.4)}
"""Everything of a tenant waits for its volume, which may be there at once: worth requests more."""
log = logger(__name__)


@dataclass
class _Pending:
    finished: Callable[[ActionRef], None]
    pauses: tuple[float, ...]
    due: float
    looks: int = 0

    def put_off(self, now: float) -> None:
        """Look again after the next pause; the last one repeats."""
        self.due = now + self.pauses[min(self.looks, len(self.pauses) - 1)]
        self.looks += 1


class ActionPoller:
    """Waits for actions on behalf of all tenants of a fleet."""

    def __init__(self, ask: Callable[[Sequence[int]], Awaitable[Sequence[ActionRef]]]) -> None:
        self._ask = ask
        self._pending: dict[int, _Pending] = {}
        self._task: asyncio.Task[None] | None = None
        self._sooner = asyncio.Event()

    def watch(self, action: ActionRef, finished: Callable[[ActionRef], None]) -> None:
        """Call `finished` once when the action has ended; at once when it already has."""
        if action.status != "running":
            finished(action)
            return
        loop = asyncio.get_running_loop()
        pauses = (*EARLY.get(action.command, ()), *PAUSES)
        pending = self._pending[action.id] = _Pending(finished, pauses, due=0.0)
        pending.put_off(loop.time())
        self._sooner.set()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._poll(), name="action-poller")

    def forget(self, action_id: int) -> None:
        """Nobody waits for this action any more."""
        self._pending.pop(action_id, None)

    async def close(self) -> None:
        """Stop polling."""
        self._pending.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pending:
            wake = min(pending.due for pending in self._pending.values())
            await self._sleep(wake - loop.time())
            if not self._pending or min(p.due for p in self._pending.values()) > loop.time() + 0.01:
                continue
            try:
                await self.tick()
            except Exception:  # one answer nobody foresaw must not leave everybody waiting
                log.exception("actions could not be looked at")

    async def _sleep(self, seconds: float) -> None:
        """Sleep until something is due, or until something new may be due sooner."""
        self._sooner.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._sooner.wait()

    async def tick(self) -> None:
        """Ask once about everything that is waited for."""
        asked = list(self._pending)
        if not asked:
            return
        now = asyncio.get_running_loop().time()
        for pending in self._pending.values():
            pending.put_off(now)
        try:
            answers = {action.id: action for action in await self._ask(asked)}
        except ProviderError as error:
            log.warning("actions could not be read", error=str(error))
            return
        for action_id, action in answers.items():
            if action.status != "running" and action_id in self._pending:
                self._pending.pop(action_id).finished(action)
