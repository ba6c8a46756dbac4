"""Runs a command in a network of its own, in which only loopback is up: `python -m … COMMAND…`.

What listens there is seen by nobody else, and nothing outside can be reached from there. Needs the
right to make network namespaces (root, as a rule). The command takes this process's place, so
signals reach it.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from typing import Final

CLONE_NEWNET: Final = 0x40000000  # linux/sched.h; os.unshare comes with Python 3.12
_SIOCSIFFLAGS: Final = 0x8914  # linux/sockios.h
_IFF_UP: Final = 0x1


def enter() -> None:
    """Move this process into a new network; raises OSError where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"no network of its own: {os.strerror(number)}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def possible() -> bool:
    """Whether this machine lets us do it; tried in a process of its own."""
    argv = command("true")
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def command(*argv: str) -> list[str]:
    """The command line that runs `argv` in a network of its own."""
    return [sys.executable, __file__, *argv]


if __name__ == "__main__":
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command is the caller's
