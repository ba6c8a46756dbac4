"""What takes time: actions, the tasks that drive them, and the locks they hold.

An action is written down before its request is answered and names its effect by its command, so
that a program that was killed takes up what was running when it starts again (effects can be
repeated: they end in the same place). Locks are not kept: something is locked while an action
that names it runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from localcloud.clock import Clock
from localcloud.hetzner import errors, times
from localcloud.hetzner.model import Action
from localcloud.hetzner.state import State, Table
from localcloud.machines.port import MachineError

log = logging.getLogger(__name__)

STICKS = "sticks"
NOT_LOCKING = frozenset({"apply_firewall", "remove_firewall", "change_dns_ptr", "create_rrset"})
MOST_KEPT = 10_000
KEPT_FOR = (timedelta(hours=1), timedelta(days=30))
_WORKING = 95


class ActionFailed(Exception):
    """An effect could not do its work; becomes the action's error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Ground(Protocol):
    """What the engine itself uses of the cloud that it drives; effects see the whole cloud."""

    @property
    def state(self) -> State:
        """Where actions are written down."""
        ...

    @property
    def clock(self) -> Clock:
        """The time that actions take."""
        ...


C = TypeVar("C", bound=Ground)


def _nothing(_cloud: object, _action: Action) -> None:
    """Nothing is to be put back."""


@dataclass(frozen=True)
class Effect(Generic[C]):
    """What a command does; `undo` puts the state right when it failed.

    `seconds` is about what Hetzner takes; it is waited for as far as the cloud's `pace` says and
    gives the progress that a running action shows.
    """

    run: Callable[[C, Action], Awaitable[None]]
    undo: Callable[[C, Action], None] = _nothing
    seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An action to begin; resources are pairs of type and id, the first one leading."""

    command: str
    resources: tuple[tuple[str, int], ...]
    params: Mapping[str, Any]
    after: int | None = None


class Finished:
    """Actions that are over, the oldest first, and how long they are kept.

    Clients fail when an action they poll is not there, so each is kept for an hour at least. Then
    it stays while it is one of the newest `MOST_KEPT`, for a month at most: Hetzner says no more
    than that there is an end.
    """

    def __init__(self, actions: Table[Action]) -> None:
        self._actions = actions
        over = [action for action in actions if action.finished is not None]
        in_order = sorted(over, key=lambda action: (action.finished or "", action.id))
        self._ids = deque((action.finished or "", action.id) for action in in_order)

    def add(self, action: Action, now: datetime) -> None:
        """One more is over; those that have been kept long enough are forgotten."""
        self._ids.append((action.finished or "", action.id))
        young, old = times.written(now - KEPT_FOR[0]), times.written(now - KEPT_FOR[1])
        while self._ids[0][0] < old or (len(self._ids) > MOST_KEPT and self._ids[0][0] < young):
            self._actions.delete(self._ids.popleft()[1])


class Engine(Generic[C]):
    """Drives the actions of a cloud."""

    def __init__(self, cloud: C, effects: Mapping[str, Effect[C]], pace: float) -> None:
        self._cloud = cloud
        self._effects = effects
        self._pace = pace
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._released = asyncio.Event()
        self._finished = Finished(cloud.state.actions)

    def begin(self, project: str, plan: Plan, *, fate: str | None = None) -> Action:
        """Write an action down as running and start it."""
        action = self._new(project, plan, fate=fate, hidden=False)
        self._spawn(action)
        return action

    def record(self, project: str, plan: Plan) -> Action:
        """Write down an action whose effect has happened already."""
        new = self._new(project, plan, fate=None, hidden=False)
        return self._over(replace(new, status="success", finished=new.started, params={}))

    def work(self, plan: Plan) -> None:
        """Start work of the cloud's own, which no client sees."""
        self._spawn(self._new("", plan, fate=None, hidden=True))

    def resume(self) -> None:
        """Take up every action that was running when the program ended."""
        for action in self._cloud.state.actions.where("status", "running"):
            self._spawn(action)

    def release(self) -> int:
        """Let actions that a fault made stick go on; returns how many there were."""
        stuck = [a for a in self._cloud.state.actions.where("status", "running") if _sticks(a)]
        for action in stuck:
            self._cloud.state.actions.put(replace(action, fate=None))
        self._released.set()
        self._released = asyncio.Event()
        return len(stuck)

    async def settle(self) -> None:
        """Return once every action that can end has ended."""
        while True:
            waited = [task for key, task in self._tasks.items() if not self._blocked(key)]
            if not waited:
                return
            await asyncio.wait(waited)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop driving; what runs stays written down as running."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _blocked(self, action_id: int) -> bool:
        action = self._cloud.state.actions.get(action_id)
        while action is not None and action.status == "running":
            if _sticks(action):
                return True
            action = self._cloud.state.actions.get(action.after)
        return False

    def _new(self, project: str, plan: Plan, *, fate: str | None, hidden: bool) -> Action:
        return self._cloud.state.actions.put(
            Action(
                id=self._cloud.state.next_id(),
                project=project,
                command=plan.command,
                started=times.written(self._cloud.clock.now()),
                resources=plan.resources,
                params=dict(plan.params),
                after=plan.after,
                fate=fate,
                hidden=hidden,
            )
        )

    def _spawn(self, action: Action) -> None:
        task = asyncio.create_task(self._drive(action), name=f"{action.command}-{action.id}")
        self._tasks[action.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(action.id, None))

    async def _drive(self, action: Action) -> None:
        effect = self._effects[action.command]
        try:
            await self._when_due(action, effect)
            await effect.run(self._cloud, action)
        except ActionFailed as failure:
            self._fail(action, effect, failure.code, str(failure))
        except MachineError as failure:
            self._fail(action, effect, "action_failed", str(failure))
        except Exception:
            log.exception("effect of action %s (%s) broke", action.id, action.command)
            self._fail(action, effect, "unknown_error", "an unknown error occurred")
        else:
            self._end(action, "success", None)

    async def _when_due(self, action: Action, effect: Effect[C]) -> None:
        await self._predecessor(action)
        if self._fate(action) == STICKS:
            await self._released.wait()
        await self._cloud.clock.sleep(effect.seconds * self._pace)
        fate = self._fate(action)
        if fate is not None:
            code, _, message = fate.partition(":")
            raise ActionFailed(code, message)

    def _fate(self, action: Action) -> str | None:
        """What a fault has in store for an action now: a release may have changed it."""
        current = self._cloud.state.actions.get(action.id)
        return current.fate if current is not None else None

    async def _predecessor(self, action: Action) -> None:
        task = self._tasks.get(action.after) if action.after is not None else None
        if task is not None:
            await asyncio.wait([task])
        before = self._cloud.state.actions.get(action.after)
        if before is not None and before.status != "success":
            raise ActionFailed("action_failed", f"the action {before.command} before it failed")

    def _fail(self, action: Action, effect: Effect[C], code: str, message: str) -> None:
        log.warning("%s (action %s) failed: %s (%s)", action.command, action.id, message, code)
        with self._cloud.state.rows.together():
            effect.undo(self._cloud, action)
            self._end(action, "error", {"code": code, "message": message})

    def _end(self, action: Action, status: Any, error: dict[str, str] | None) -> None:
        if action.hidden and status == "success":
            self._cloud.state.actions.delete(action.id)
            return
        finished = times.written(self._cloud.clock.now())
        self._over(
            replace(action, status=status, finished=finished, error=error, params={}, fate=None)
        )

    def _over(self, action: Action) -> Action:
        """Write down an action that is over, and forget those that were so long ago."""
        self._cloud.state.actions.put(action)
        self._finished.add(action, self._cloud.clock.now())
        return action


def _sticks(action: Action) -> bool:
    return action.fate == STICKS


def holders(state: State, kind: str, item_id: int) -> list[Action]:
    """The running actions that hold a lock on something."""
    running = state.actions.where("running", (kind, item_id))
    return [action for action in running if action.command not in NOT_LOCKING]


def check_unlocked(state: State, kind: str, item_id: int) -> None:
    """Raise `locked` while an action holds it."""
    if holders(state, kind, item_id):
        raise errors.locked(kind.replace("_", " "))


def check_unchanged(state: State, kind: str, item_id: int, commands: Iterable[str]) -> None:
    """Raise `conflict` while one of `commands` runs on it."""
    running = state.actions.where("running", (kind, item_id))
    if any(action.command in commands for action in running):
        raise errors.conflict(kind.replace("_", " "))


def progress(action: Action, seconds: float, now: datetime) -> int:
    """Percent done; a running action counts up with time but is never done before it ended."""
    if action.status == "success":
        return 100
    if seconds <= 0 or action.finished is not None:
        return 0
    passed = (now - times.read(action.started)).total_seconds()
    return max(0, min(_WORKING, int(100 * passed / seconds)))
