"""One instance from start to end: parts up in order, `endpoints.json` while all answer, parts down.

The folder belongs to one running instance, held by a file lock that ends with the process, however
it ends. When a part cannot start, those that did are stopped again and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.files import write_whole
from localcloud.instance import PURGE, Instance, open_instance
from localcloud.settings import Settings, to_json

if TYPE_CHECKING:
    from localcloud import parts

ENDPOINTS = "endpoints.json"
LOCK = "lock"
SETTINGS = "settings.json"


class AlreadyRunningError(RuntimeError):
    """Another process runs an instance in this folder."""


class PartError(RuntimeError):
    """A part cannot listen; the message names it and says what helps."""


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        AlreadyRunningError: it is held; the message names the process.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = (folder / LOCK).read_text().strip()
            raise AlreadyRunningError(
                f"process {pid} runs a local cloud in {folder}: "
                f"stop it with `localcloud down --dir {folder}` or use another --dir"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(folder: Path) -> int | None:
    """The process that runs the instance in `folder`, if one does."""
    try:
        with (folder / LOCK).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int((folder / LOCK).read_text().strip())
    return None


async def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Run an instance until SIGTERM or SIGINT.

    Raises:
        AlreadyRunningError: the folder is in use.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with hold(settings.dir):
        await _serve(settings, say, stop)


async def _serve(settings: Settings, say: Callable[[str], None], stop: asyncio.Event) -> None:
    write_whole(settings.dir / SETTINGS, json.dumps(to_json(settings), indent=2))
    (settings.dir / PURGE).unlink(missing_ok=True)
    begun = time.monotonic()
    async with AsyncExitStack() as ends:
        instance = open_instance(settings, ends, say)
        ends.callback((settings.dir / ENDPOINTS).unlink, missing_ok=True)
        starting = asyncio.ensure_future(_start(instance))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return
        starting.result()
        say(f"ready after {time.monotonic() - begun:.1f} s: {settings.dir / ENDPOINTS}")
        await stopping
        say("stopping")


async def _started(name: str, start: parts.Start, instance: Instance) -> str:
    try:
        return await start(instance)
    except OSError as error:
        why = f"{error.strerror or error}; choose other ports with --port-base or --ports"
        raise PartError(f"{name} did not start: {why}") from error


async def _start(instance: Instance) -> None:
    # Imported here: the parts load for a second, and who stops or questions an instance needs none.
    from localcloud import parts

    parts.write_bundle(instance)
    for name, start in parts.ORDER:
        if name == "machines" or instance.settings.runs(name):
            instance.say(f"{name:<11} {await _started(name, start, instance)}")
    document = {
        **instance.endpoints,
        "gateway": instance.settings.gateway,
        "tokens": instance.tokens,
        "pid": os.getpid(),
    }
    path = instance.folder / ENDPOINTS
    write_whole(path, json.dumps(document, indent=2) + "\n", mode=0o600)
