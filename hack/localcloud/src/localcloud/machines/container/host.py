"""Runs programs of the host: argument lists in, standard output out, failures as `MachineError`.

Secrets travel on standard input, never in an argument list, because every user can read those.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence

from localcloud.machines.port import MachineError

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "losetup": "mount",
    "nsenter": "util-linux",
    "tar": "tar",
    "mkfs.xfs": "xfsprogs",
    "mkfs.ext4": "e2fsprogs",
}


class CommandError(MachineError):
    """A program of the host ended with an error; `status` is its exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def run(argv: Sequence[str], *, stdin: str = "", seconds: float = 120) -> str:
    """Run `argv` and return its standard output.

    Raises:
        CommandError: it ended with a status other than 0.
        MachineError: it did not end within `seconds` and was killed.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate(stdin.encode())
    except TimeoutError:
        raise MachineError(f"{argv[0]} did not end within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise CommandError(_failure(argv, process.returncode, errors), process.returncode)
    return output.decode(errors="replace")


async def succeeds(argv: Sequence[str], *, stdin: str = "") -> bool:
    """Whether `argv` ends with status 0; for questions and for removing what may be gone."""
    try:
        await run(argv, stdin=stdin)
    except CommandError:
        return False
    return True


def missing_programs(wanted: dict[str, str] = PROGRAMS) -> list[str]:
    """Debian packages whose program is not on this host."""
    return sorted({package for program, package in wanted.items() if not shutil.which(program)})


def _failure(argv: Sequence[str], status: int, errors: bytes) -> str:
    said = " ".join(errors.decode(errors="replace").split())[:600]
    return f"{' '.join(argv[:4])} ended with status {status}: {said or 'no message'}"
