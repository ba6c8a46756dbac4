"""A TCP listener that hands out accepted sockets, so that their local address can be asked.

It listens on all addresses of the loopback interface only: the machines' addresses are there, and
nothing outside this computer may reach them. A socket for each machine would be three descriptors
for each of ten thousand. Proxied edges may have the same port on an address of theirs (`sharing`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Coroutine

from localcloud.sharing import hold

log = logging.getLogger(__name__)
BACKLOG = 1024


class Acceptor:
    """Accepts until closed; every connection is served in a task of its own."""

    def __init__(self, serve: Callable[[socket.socket], Coroutine[None, None, None]]) -> None:
        self._serve = serve
        self._socket: socket.socket | None = None
        self._name: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, port: int) -> int:
        """Listen; returns the port taken."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket = listening
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address == "0.0.0.0":  # noqa: S104 - bound to the loopback device in the same breath
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
            if port:
                self._name = hold("loopback", port)
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
        self._spawn(self._accept(listening))
        return int(listening.getsockname()[1])

    async def close(self) -> None:
        """Stop accepting and end what is being served."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for held in (self._socket, self._name):
            if held is not None:
                held.close()
        self._socket = self._name = None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a simulated machine's connection ended badly", exc_info=error)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listening)
            accepted.setblocking(False)
            self._spawn(self._serve(accepted))


def drop(sock: socket.socket) -> None:
    """Reset the connection, as a machine that is off would be met."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
