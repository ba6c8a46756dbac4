"""Child processes that end with their parent and write what they say to a log file.

`setpriv --pdeathsig` (util-linux, part of every Debian) asks the kernel to kill the child when this
process dies, so that not even `kill -9` leaves one behind. Linux only.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

TERM_SECONDS = 5.0
TAIL_LINES = 5


class ProcessError(RuntimeError):
    """A program is missing or ended at once; the message says where its log is."""


def cache_folder() -> Path:
    """Where built tools are kept: `$BLUEAGENCY_CACHE/bin` or `~/.cache/blueagency/bin`."""
    root = os.environ.get("BLUEAGENCY_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "blueagency") / "bin"


def find_program(name: str, folder: Path, *, hint: str) -> Path:
    """The program from `folder` (as `name` or, the newest, `name-<version>`), else from `PATH`.

    Raises:
        ProcessError: it is in neither; `hint` says how to get it.
    """
    built = [folder / name, *sorted(folder.glob(f"{name}-[0-9]*"), reverse=True)]
    present = [path for path in built if os.access(path, os.X_OK)]
    found = present[0] if present else shutil.which(name)
    if found is None:
        raise ProcessError(f"program {name!r} is neither in {folder} nor on PATH: {hint}")
    return Path(found)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


class Child:
    """One running program."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(
        cls, argv: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start `argv`; its output is appended to `log`."""
        setpriv = find_program("setpriv", Path("/usr/bin"), hint="install util-linux")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                setpriv,
                "--pdeathsig=KILL",
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        return cls(Path(argv[0]).name, process, log)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def answers(self, host: str, port: int, *, seconds: float = 20.0) -> None:
        """Return once something listens on `host:port`.

        Raises:
            ProcessError: the program ended, or nothing listened in time.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await _listens(host, port):
                    self._must_run()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise ProcessError(self._complaint(f"does not answer on {host}:{port}")) from None
        self._must_run()

    def _must_run(self) -> None:
        if not self.running:
            raise ProcessError(self._complaint(f"ended with code {self._process.returncode}"))

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}; the end of {self.log}:\n{_tail(self.log)}"

    async def stop(self) -> None:
        """End it: politely, then by force."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(TERM_SECONDS):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
