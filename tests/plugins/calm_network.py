"""A network for a browser in which nothing changes while machines come and go beside it.

Chromium ends its connections when an address of the computer appears or goes
(net::ERR_NETWORK_CHANGED), and it sends no POST a second time.
"""

from __future__ import annotations

import ctypes
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from localcloud.edge.listeners import Listener, forwarder
from testlanes import alone

LOOPBACK = "127.0.0.1"
_OF_THREAD = Path("/proc/thread-self/ns/net")


@contextmanager
def calm_network(port: int) -> Iterator[Path]:
    """A network with nothing but loopback, whose `127.0.0.1:port` leads to the caller's.

    Args:
        port: TCP port of the caller's loopback.

    Yields:
        The network's file, for `nsenter --net=`.
    """
    relay = forwarder(LOOPBACK, port)
    with start_blocking_portal() as portal:
        network = portal.call(_listen_elsewhere, relay, port)
        try:
            yield Path(f"/proc/{os.getpid()}/fd/{network}")
        finally:
            portal.call(relay.close)
            os.close(network)


async def _listen_elsewhere(relay: Listener, port: int) -> int:
    """Listen in a new network: a socket stays where it was made, and the thread comes back."""
    outside = os.open(_OF_THREAD, os.O_RDONLY)
    alone.enter()
    try:
        await relay.listen(LOOPBACK, port)
        return os.open(_OF_THREAD, os.O_RDONLY)
    finally:
        _return_to(outside)
        os.close(outside)


def _return_to(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns comes with Python 3.12
    if libc.setns(network, alone.CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"the network cannot be entered: {os.strerror(number)}")


def program_in(network: Path, program: str, script: Path) -> Path:
    """A script that runs the program in the network, for callers who start one file only."""
    argv = shlex.join(["nsenter", f"--net={network}", program])
    script.write_text(f'#!/bin/sh\nexec {argv} "$@"\n')
    script.chmod(0o700)
    return script
