"""`/_admin/*`: what a person or a test can do to the cloud from outside the API.

Never part of the API and without tokens: whoever reaches the port is the cloud's owner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from localcloud import json_bodies
from localcloud.clock import ManualClock
from localcloud.hetzner import catalogue
from localcloud.hetzner.door import Door, Exchange
from localcloud.hetzner.faults import Fault
from localcloud.hetzner.limits import RESOURCE_TEXT
from localcloud.hetzner.model import Token
from localcloud.hetzner.reset import reset
from localcloud.hetzner.tokens import new_secret

B = TypeVar("B", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.Response]]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewToken(_Body):
    """`POST /_admin/tokens`."""

    project: str = Field(default="default", min_length=1)
    read_only: bool = False
    secret: str | None = Field(default=None, min_length=8)


class Advance(_Body):
    """`POST /_admin/clock`."""

    advance: float = Field(ge=0, allow_inf_nan=False)


class Stock(_Body):
    """`POST /_admin/stock`: of a server type, or of volume space when none is named."""

    server_type: str | None = None
    location: str
    available: bool


class Limits(_Body):
    """`POST /_admin/limits`; a limit of `null` means none."""

    requests_per_hour: int | None = Field(default=None, ge=1)
    resources: dict[str, int | None] = Field(default_factory=dict)


class Admin:
    """The handlers, on one door."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._usual_rate = door.requests_per_hour
        self._counts: Counter[tuple[str, str, int]] = Counter()
        door.observers.append(self._count)

    def routes(self) -> list[web.RouteDef]:
        """The routes for the web server."""
        return [
            web.get("/_admin/faults", self._list_faults),
            web.post("/_admin/faults", _refusing(self._add_fault)),
            web.delete("/_admin/faults", self._remove_faults),
            web.delete("/_admin/faults/{id:[0-9]+}", self._remove_faults),
            web.post("/_admin/tokens", _refusing(self._add_token)),
            web.get("/_admin/clock", self._clock),
            web.post("/_admin/clock", _refusing(self._advance)),
            web.get("/_admin/stock", self._stock),
            web.post("/_admin/stock", _refusing(self._set_stock)),
            web.post("/_admin/limits", _refusing(self._set_limits)),
            web.post("/_admin/actions/release", self._release),
            web.post("/_admin/reset", self._reset),
            web.get("/_admin/requests", self._requests),
            web.delete("/_admin/requests", self._forget_requests),
        ]

    def _count(self, exchange: Exchange) -> None:
        self._counts[exchange.method, exchange.template or "", exchange.status] += 1

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": [x.view() for x in self._door.faults.all()]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = await _read(Fault, request)
        return web.json_response({"fault": self._door.faults.add(fault).view()}, status=201)

    async def _remove_faults(self, request: web.Request) -> web.Response:
        number = request.match_info.get("id")
        self._door.faults.remove(int(number) if number else None)
        return web.Response(status=204)

    async def _add_token(self, request: web.Request) -> web.Response:
        body = await _read(NewToken, request)
        secret = body.secret or new_secret()
        token = Token(secret=secret, project=body.project, read_only=body.read_only)
        self._door.tokens.add(token)
        shown = {"token": token.secret, "project": token.project, "read_only": token.read_only}
        return web.json_response(shown, status=201)

    async def _clock(self, _request: web.Request) -> web.Response:
        clock = self._door.cloud.clock
        manual = isinstance(clock, ManualClock)
        return web.json_response({"now": clock.now().isoformat(), "manual": manual})

    async def _advance(self, request: web.Request) -> web.Response:
        body, clock = await _read(Advance, request), self._door.cloud.clock
        if not isinstance(clock, ManualClock):
            return _refusal("the clock is the machine's own: start with a manual one to move it")
        await clock.advance(body.advance)
        return await self._clock(request)

    async def _stock(self, _request: web.Request) -> web.Response:
        cloud = self._door.cloud
        gone = [{"server_type": kind, "location": at} for kind, at in sorted(cloud.sold_out)]
        full = sorted(cloud.no_volume_space)
        return web.json_response({"sold_out": gone, "no_volume_space": full})

    async def _set_stock(self, request: web.Request) -> web.Response:
        body = await _read(Stock, request)
        kind = body.server_type
        unknown = kind is not None and catalogue.server_type_named(kind) is None
        if unknown or catalogue.location_named(body.location) is None:
            return _refusal("there is no such server type or location")
        self.set_stock(body)
        return await self._stock(request)

    def set_stock(self, body: Stock) -> None:
        """Change what is in stock."""
        cloud = self._door.cloud
        if body.server_type is None:
            (cloud.no_volume_space.discard if body.available else cloud.no_volume_space.add)(
                body.location
            )
            return
        pair = (body.server_type, body.location)
        (cloud.sold_out.discard if body.available else cloud.sold_out.add)(pair)

    async def _set_limits(self, request: web.Request) -> web.Response:
        body = await _read(Limits, request)
        unknown = sorted(set(body.resources) - set(RESOURCE_TEXT))
        if unknown:
            return _refusal(f"'{unknown[0]}' is none of {', '.join(RESOURCE_TEXT)}")
        if body.requests_per_hour is not None:
            self._door.requests_per_hour = body.requests_per_hour
            self._door.reset_limits()
        for resource, allowed in body.resources.items():
            self.set_limit(resource, allowed)
        shown = {"requests_per_hour": self._door.requests_per_hour}
        return web.json_response({**shown, "resources": self._door.cloud.limits})

    def set_limit(self, resource: str, allowed: int | None) -> None:
        """Change how many of a resource a project may have."""
        if allowed is None:
            self._door.cloud.limits.pop(resource, None)
        else:
            self._door.cloud.limits[resource] = allowed

    async def _release(self, _request: web.Request) -> web.Response:
        return web.json_response({"released": self._door.cloud.engine.release()})

    async def _reset(self, _request: web.Request) -> web.Response:
        await reset(self._door.cloud)
        self._door.faults.remove()
        self._door.requests_per_hour = self._usual_rate
        self._door.reset_limits()
        self._counts.clear()
        return web.Response(status=204)

    async def _requests(self, _request: web.Request) -> web.Response:
        rows = [
            {"method": method, "path": path, "status": status, "count": count}
            for (method, path, status), count in sorted(self._counts.items())
        ]
        return web.json_response({"requests": rows, "total": sum(self._counts.values())})

    async def _forget_requests(self, _request: web.Request) -> web.Response:
        self._counts.clear()
        return web.Response(status=204)


async def _read(shape: type[B], request: web.Request) -> B:
    return shape.model_validate(json_bodies.read(await request.read()))


def _refusal(message: str) -> web.Response:
    return web.json_response({"error": message}, status=422)


def _named(location: tuple[int | str, ...]) -> str:
    """Where in the body something is wrong."""
    return ".".join(str(part) for part in location) or "the body"


def _refusing(handler: Handler) -> Handler:
    """Answer 422 to a body that does not fit."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ValidationError as error:
            problems: Any = error.errors(include_url=False, include_context=False)
            return _refusal("; ".join(f"{_named(p['loc'])}: {p['msg']}" for p in problems))
        except ValueError as error:
            return _refusal(f"the body is not JSON: {error}")

    return handle


async def no_handle(request: web.Request) -> web.Response:
    """A path of ours that does not exist; it is no request to Hetzner's API."""
    return web.json_response({"error": f"there is no {request.path}"}, status=404)
