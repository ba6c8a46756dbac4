"""An agent whose processes and services are started, stopped and killed one by one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from demo import agent as launcher
from demo.agent import Place
from demo.agent_services import Address, postgres, redis
from plugins import preloaded

STOP_SECONDS = 90.0


@contextmanager
def agent_process(command: str, settings: dict[str, str], log: Path) -> Iterator[int]:
    """Run `tenant-agent <command>` until the block ends; gives its process id."""
    process = preloaded.start(preloaded.AGENT, [command], environment=settings, log=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def migrate(place: Place, settings: dict[str, str]) -> None:
    """Make the agent's database and run `tenant-agent migrate` on it."""
    launcher.create_database(place)
    log = place.folder / "migrate.log"
    process = preloaded.start(preloaded.AGENT, ["migrate"], environment=settings, log=log)
    assert process.wait() == 0, log.read_text()


class Parts:
    """Processes by their id, services by their name; `close` ends what still runs."""

    def __init__(self, place: Place, **settings: str) -> None:
        self.place = place
        self.settings = {
            **launcher.environment(place),
            "AGENT_WORKER_HEARTBEAT_SECONDS": "2",
            "AGENT_MODEL_TIMEOUT_SECONDS": "30",
            **settings,
        }
        self.stacks: dict[int, ExitStack] = {}
        self.services: dict[str, ExitStack] = {}

    def start(self, command: str) -> int:
        """Start a process; returns its id."""
        stack = ExitStack()
        log = self.place.folder / f"{command}.log"
        number = stack.enter_context(agent_process(command, self.settings, log))
        self.stacks[number] = stack
        return number

    def kill(self, number: int) -> None:
        """Kill a process that gets no chance to tidy up."""
        os.kill(number, signal.SIGKILL)
        self.stacks.pop(number).close()

    def serve_database(self, folder: Path) -> None:
        """Run a PostgreSQL of its own; a second time with the same data on the same port."""
        self._serve("postgres", postgres(folder, self.place.database.port))

    def serve_redis(self) -> None:
        """Run a Redis of its own; a second time on the same port, with nothing in it."""
        self._serve("redis", redis(self.place.folder / "cache", self.place.redis.port))

    def _serve(self, name: str, running: AbstractContextManager[Address]) -> None:
        self.services[name] = ExitStack()
        self.services[name].enter_context(running)

    def stop(self, name: str) -> None:
        """Stop a service as a restart of its container does."""
        self.services.pop(name).close()

    def close(self) -> None:
        """End what still runs, the processes before their services."""
        for stack in [*self.stacks.values(), *self.services.values()]:
            stack.close()


def with_own_services(place: Place, ports: tuple[int, int]) -> Place:
    """Return the place with PostgreSQL and Redis on ports of their own."""
    database, cache = ports
    return replace(
        place,
        database=replace(place.database, port=database),
        redis=replace(place.redis, port=cache),
    )
