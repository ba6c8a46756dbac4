"""Runs a reader in a child process with limits, so that no file can hurt anything else.

The child gets an address-space, CPU-time and file-size limit before it opens the file, and loses
access to every other file and to the network (`landlock`); the parent adds a wall-clock limit and
kills the whole process group. The child's last line of standard output is JSON: the parsed document
or the code of its failure. A child that dies without a word is a damaged file, one that ran into a
limit says so by how it died.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Parsed

# The worker holds some six copies of a text on its way to the database, of two documents at once.
MAX_OUTPUT = 32 * 1024 * 1024
KILLED_BY_LIMIT = {-signal.SIGXCPU: "reading_too_long", -signal.SIGKILL: "reading_too_big"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost."""

    seconds: int
    memory_mib: int
    pages: int


def command(kind: str, path: Path, limits: Limits) -> list[str]:
    """Return the argument list of the child."""
    return [
        sys.executable,
        "-m",
        "tenant_agent.retrieval.parsing.child",
        kind,
        str(path),
        str(limits.memory_mib),
        str(limits.seconds),
        str(limits.pages),
    ]


def _environment() -> dict[str, str]:
    """Return a child's environment: nothing of ours that it does not need."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "MALLOC_ARENA_MAX": "2"}


def interpret(code: int | None, output: bytes, limits: Limits) -> Parsed:
    """Return what the child found.

    Raises:
        DocumentUnreadable: with the child's code, or the one its death stands for.
    """
    if code in KILLED_BY_LIMIT:
        raise DocumentUnreadable(KILLED_BY_LIMIT[code])
    try:
        data = json.loads(output)
    except ValueError as error:
        raise DocumentUnreadable("corrupt") from error
    if "failure" in data:
        raise DocumentUnreadable(data["failure"], limit=limits.pages)
    return Parsed.from_json(data)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def _read_capped(stream: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    while piece := await stream.read(1 << 16):
        size += len(piece)
        if size > MAX_OUTPUT:
            raise DocumentUnreadable("reading_too_big")
        parts.append(piece)
    return b"".join(parts)


async def read_document(kind: str, path: Path, limits: Limits) -> Parsed:
    """Read a file in a limited child process.

    Raises:
        DocumentUnreadable: why the file cannot be read.
    """
    process = await asyncio.create_subprocess_exec(
        *command(kind, path, limits),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    if process.stdout is None:
        raise RuntimeError("child has no standard output")
    try:
        async with asyncio.timeout(limits.seconds + 5):
            output = await _read_capped(process.stdout)
            code = await process.wait()
    except TimeoutError as error:
        raise DocumentUnreadable("reading_too_long") from error
    finally:
        if process.returncode is None:
            await _kill(process)
    return interpret(code, output, limits)
