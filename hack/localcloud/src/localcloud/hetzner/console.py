"""The console of a server: an address that is good for a minute, and the screen behind it.

Hetzner answers with a WebSocket that speaks VNC; so does this one. It shows the machine's screen
and takes no keys, because what a system container has is a journal, not a keyboard.
"""

from __future__ import annotations

import logging

from aiohttp import WSMsgType, web

from localcloud.console.rfb import ProtocolError, Session
from localcloud.hetzner import servers
from localcloud.hetzner.actions import Effect
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.model import Action
from localcloud.hetzner.replies import acted, action_route
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.tickets import Ticket
from localcloud.machines.port import MachineError

log = logging.getLogger(__name__)

NO_SIGNAL = ("The server is off.",)


def _request(call: Call) -> Reply:
    server, cloud = servers.own(call), call.cloud
    url, ticket = cloud.tickets.give(server.id, cloud.clock.now())
    action = call.record(servers.plan(server, "request_console"))
    return acted(call, action, wss_url=url, password=ticket.password)


async def _run(_cloud: Cloud, _action: Action) -> None:
    """The address was given out already."""


class _WebSocketStream:
    """RFB's bytes in the binary messages of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._left = bytearray()

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        while len(self._left) < count:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                raise EOFError
            self._left += message.data
        taken = bytes(self._left[:count])
        del self._left[:count]
        return taken

    async def write(self, data: bytes) -> None:
        """One message."""
        await self._socket.send_bytes(data)


class Consoles:
    """Serves what `request_console` gave the address of."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A WebSocket for who has a good ticket."""
        now = self._cloud.clock.now()
        ticket = self._cloud.tickets.find(request.query.get("token", ""), now)
        if ticket is None or request.query.get("server_id") != str(ticket.server_id):
            raise web.HTTPForbidden(text="the address of this console is not valid any more\n")
        socket = web.WebSocketResponse(protocols=("binary",))
        await socket.prepare(request)
        await self._show(socket, ticket)
        await socket.close()
        return socket

    async def _show(self, socket: web.WebSocketResponse, ticket: Ticket) -> None:
        server = self._cloud.state.servers.get(ticket.server_id)
        name = server.name if server is not None else ""

        async def screen() -> tuple[str, ...]:
            return await self._cloud.machines.screen(ticket.server_id) or NO_SIGNAL

        session = Session(_WebSocketStream(socket), screen)
        try:
            await session.run(name, ticket.password)
        except (EOFError, ConnectionError):
            log.info("the console of server %s was left", ticket.server_id)
        except (ProtocolError, MachineError) as error:
            log.info("the console of server %s ended: %s", ticket.server_id, error)


EFFECTS = {"request_console": Effect(_run, seconds=0)}
ROUTES = [action_route(f"{servers.PATH}/{{id}}", "request_console", _request)]
