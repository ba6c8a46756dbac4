"""TCP servers whose connections can be ended: the base of every edge.

A failing connection is logged and closed, and never ends the server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from localcloud.edge.splice import CHUNK, Streams, close, connect, splice

log = logging.getLogger(__name__)

Serve = Callable[[Streams], Awaitable[None]]


class Listener:
    """One listening address and its connections."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> int:
        """Start; returns the port (0 chooses one)."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=CHUNK)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._run((reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, client: Streams) -> None:
        try:
            await self._serve(client)
        except (OSError, TimeoutError) as error:
            log.info("connection ended: %s", error or type(error).__name__)
        finally:
            await close(client[1])


def forwarder(host: str, port: int) -> Listener:
    """A listener that passes every connection on to `host:port`."""

    async def serve(client: Streams) -> None:
        await splice(client, await connect(host, port))

    return Listener(serve)
