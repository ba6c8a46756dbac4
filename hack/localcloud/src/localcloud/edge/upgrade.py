"""WebSocket through the proxied edge: messages are handed on one by one, pings and closes too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse

_OWN = ("upgrade", "connection", "content-length")


def wants_websocket(headers: Mapping[str, str]) -> bool:
    """Whether a request asks to become a WebSocket."""
    return headers.get("Upgrade", "").lower() == "websocket"


async def relay_websocket(
    request: web.BaseRequest,
    session: aiohttp.ClientSession,
    url: URL,
    arguments: Mapping[str, Any],
) -> web.WebSocketResponse:
    """Open the origin's WebSocket, then the visitor's, and join them until one closes.

    Raises:
        aiohttp.ClientError: the origin does not take it.
    """
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = tuple(part.strip() for part in asked.split(",") if part.strip())
    async with session.ws_connect(
        url,
        protocols=protocols,
        autoping=False,
        autoclose=False,
        max_msg_size=0,
        **arguments,
    ) as origin:
        chosen = (origin.protocol,) if origin.protocol else ()
        visitor = web.WebSocketResponse(
            protocols=chosen, autoping=False, autoclose=False, max_msg_size=0, compress=False
        )
        await visitor.prepare(request)
        await _join(visitor, origin)
    return visitor


def websocket_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers to hand on: not those that every handshake makes anew."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in _OWN and not name.lower().startswith("sec-websocket-")
    }


async def _join(visitor: web.WebSocketResponse, origin: aiohttp.ClientWebSocketResponse) -> None:
    ways = [
        asyncio.ensure_future(_move(visitor, origin)),
        asyncio.ensure_future(_move(origin, visitor)),
    ]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.gather(*ways, return_exceptions=True)


async def _move(source: Socket, target: Socket) -> None:
    while True:
        message = await source.receive()
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await target.send_bytes(message.data)
        elif message.type is WSMsgType.PING:
            await target.ping(message.data)
        elif message.type is WSMsgType.PONG:
            await target.pong(message.data)
        else:
            code = message.data if message.type is WSMsgType.CLOSE else 1001
            with suppress(ConnectionError):
                await target.close(code=int(code or 1000))
            return
