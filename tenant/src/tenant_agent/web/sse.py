"""Server-sent events: the wire form and the response that carries them through proxies.

`no-transform` and `X-Accel-Buffering: no` keep compressing and buffering proxies away; a comment
every 15 s keeps idle connections open.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi.responses import StreamingResponse

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
PING_SECONDS = 15.0
PING = b": ping\n\n"


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; `data` is a single line of JSON."""

    name: str
    data: str
    id: str = ""

    def encode(self) -> bytes:
        """Return the bytes of the event."""
        head = f"id: {self.id}\n" if self.id else ""
        return f"{head}event: {self.name}\ndata: {self.data}\n\n".encode()


async def with_pings(
    events: AsyncIterator[ServerSentEvent], seconds: float = PING_SECONDS
) -> AsyncIterator[bytes]:
    """Encode `events`, with a comment in every pause of `seconds`."""
    pending: asyncio.Future[ServerSentEvent] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({pending}, timeout=seconds)
            if not done:
                yield PING
                continue
            finished, pending = pending, None
            try:
                yield finished.result().encode()
            except StopAsyncIteration:
                return
    finally:
        if pending is not None:
            pending.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await pending


class EventStream(StreamingResponse):
    """A `text/event-stream` response."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[ServerSentEvent], status_code: int = 200) -> None:
        super().__init__(with_pings(events), status_code, headers=HEADERS)
