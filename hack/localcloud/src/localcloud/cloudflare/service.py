"""Cloudflare's API as a service: routes, administration, socket.

`/_admin/*` on the same origin is ours and no part of the API: tokens, zones, faults and the rate
limit of the stand-in. It asks for no token and is to be reached from loopback only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from localcloud.clock import Clock, RealClock
from localcloud.cloudflare import errors
from localcloud.cloudflare.app import (
    PREFIX,
    Api,
    Handler,
    add_routes,
    envelope,
    refusals,
    reply,
    show_zone,
)
from localcloud.cloudflare.directory import Directory
from localcloud.cloudflare.faults import Faults
from localcloud.cloudflare.tokens import LIMIT, PERMISSIONS, Throttle, Tokens
from localcloud.records import RecordStore
from localcloud.rows import Rows


@dataclass(frozen=True)
class CloudflareService:
    """The running API."""

    url: str
    api: Api
    runner: web.AppRunner

    async def close(self) -> None:
        """Stop listening."""
        await self.runner.cleanup()


@dataclass(frozen=True, kw_only=True)
class CloudflareOptions:
    """Where the API listens, the token that may do everything, the zones (`name[:plan]`) that
    exist from the start, and the networks the edge connects from."""

    host: str
    port: int
    token: str
    zones: Sequence[str] = ()
    ranges: Sequence[str] = ()


async def start_cloudflare(
    options: CloudflareOptions, rows: Rows, records: RecordStore, *, clock: Clock | None = None
) -> CloudflareService:
    """Serve the API; what it changes is kept in `rows` and `records`."""
    time = clock or RealClock()
    api = Api(
        directory=Directory(records, time),
        tokens=Tokens(rows),
        throttle=Throttle(time),
        ranges=tuple(options.ranges),
    )
    api.tokens.add(secret=options.token, name="ready")
    for name in options.zones:
        ensure_zone(api.directory, name)
    faults = Faults()
    app = web.Application(middlewares=[refusals, faults.middleware()])
    add_routes(app, api)
    app.router.add_routes(faults.routes())
    _add_admin(app, api, faults)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port).start()
    return CloudflareService(f"http://{options.host}:{runner.addresses[0][1]}{PREFIX}", api, runner)


def ensure_zone(directory: Directory, wanted: str) -> None:
    """Host a zone written `name` or `name:plan`, unless it is hosted already."""
    name, _, plan = wanted.partition(":")
    if all(zone.name != name.lower() for zone in directory.zones()):
        directory.add_zone(name, plan=plan or "pro")


def _add_admin(app: web.Application, api: Api, faults: Faults) -> None:
    app.router.add_post("/_admin/tokens", _make_token(api))
    app.router.add_post("/_admin/zones", _make_zone(api))
    app.router.add_put("/_admin/limit", _set_limit(api))
    app.router.add_post("/_admin/reset", _reset(api, faults))


def _make_token(api: Api) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        token = api.tokens.add(
            name=str(body.get("name", "")),
            zones=body.get("zones", ["*"]),
            permissions=body.get("permissions", list(PERMISSIONS)),
        )
        return reply(envelope({"result": {"id": token.id, "value": token.secret}}))

    return handle


def _make_zone(api: Api) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.json()
        zone = api.directory.add_zone(body["name"], plan=str(body.get("plan", "pro")))
        return reply(envelope({"result": show_zone(zone)}))

    return handle


def _set_limit(api: Api) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        wanted = (await request.json()).get("limit", LIMIT)
        if not isinstance(wanted, int) or wanted < 1:
            raise errors.BAD_JSON.refused("limit must be a whole number above 0")
        api.throttle.limit = wanted
        api.throttle.forget()
        return reply(envelope({"result": {"limit": wanted}}))

    return handle


def _reset(api: Api, faults: Faults) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        for zone in api.directory.zones():
            api.directory.delete_zone(zone)
        faults.list.remove()
        api.throttle.limit = LIMIT
        api.throttle.forget()
        return reply(envelope({}))

    return handle
