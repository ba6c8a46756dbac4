"""The API as a web application."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from localcloud.hetzner.admin import Admin, no_handle
from localcloud.hetzner.cloud import Cloud, Settings, Surroundings
from localcloud.hetzner.console import Consoles
from localcloud.hetzner.door import Door, Incoming
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.operations import EFFECTS, ROUTES
from localcloud.hetzner.routing import Router
from localcloud.hetzner.state import State
from localcloud.hetzner.tickets import PATH as CONSOLE
from localcloud.hetzner.tokens import Tokens
from localcloud.hetzner.watch import Watch
from localcloud.machines import memory_admin
from localcloud.rows import Rows

PREFIX = "/v1"
_LARGEST_BODY = 4 * 1024 * 1024
_TOO_LARGE = ApiError("json_error", f"request body has more than {_LARGEST_BODY} bytes")


@dataclass(frozen=True)
class HetznerCloud:
    """A running cloud and its door; `close` stops what runs in the background."""

    cloud: Cloud
    door: Door
    watch: Watch

    async def start(self) -> None:
        """Take up what an earlier run left and begin to work."""
        await self.cloud.start()
        self.watch.start()

    async def close(self) -> None:
        """Stop working; everything is written down."""
        await self.watch.close()
        await self.cloud.close()

    def app(self) -> web.Application:
        """The web application: the API below `/v1` and the owner's interface `/_admin`."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(Admin(self.door).routes())
        app.add_routes(memory_admin.routes(self.cloud.machines))
        app.router.add_route("*", "/_admin{path:(/.*)?}", no_handle)
        app.router.add_get(CONSOLE, Consoles(self.cloud).serve)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body, unreadable = b"", None
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            unreadable = _TOO_LARGE
        except web.RequestPayloadError as error:
            unreadable = ApiError("json_error", f"request body cannot be read: {error}")
        answered = await self.door.answer(_incoming(request, body, unreadable))
        if answered is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(
            status=answered.status, headers=answered.headers, body=answered.body or None
        )


def _incoming(request: web.Request, body: bytes, unreadable: ApiError | None) -> Incoming:
    raw = request.rel_url.raw_path
    query: dict[str, list[str]] = {}
    for name, value in request.query.items():
        query.setdefault(name, []).append(value)
    return Incoming(
        method=request.method,
        path=raw[len(PREFIX) :] if raw.startswith(PREFIX + "/") else f"!{raw}",
        url=str(request.url.with_query(None)),
        query=query,
        authorization=request.headers.get("Authorization"),
        body=body,
        unreadable=unreadable,
    )


def create_cloud(rows: Rows, around: Surroundings, settings: Settings) -> HetznerCloud:
    """A cloud on what `rows` hold and on the machines around it; it is not started yet."""
    cloud = Cloud(State(rows), around, settings, EFFECTS)
    door = Door(cloud, Router(ROUTES), Tokens(rows), settings.requests_per_hour)
    return HetznerCloud(cloud, door, Watch(cloud))
