"""The wire: HTTP routes, server-sent events, faults on the way, and `/_admin`."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localcloud.model import admin
from localcloud.model.access import authenticate
from localcloud.model.errors import ApiError, invalid
from localcloud.model.faults import Fault
from localcloud.model.service import ModelService, keep_nowhere
from localcloud.model.settings import ModelSettings
from localcloud.model.stream import CALL, FaultInStream, send_stream, send_whole

_BODY_LIMIT = 32 * 2**20
_SERVICE = web.AppKey("service", ModelService)
_KEY = web.RequestKey("key", str)
_FAULT: web.RequestKey[Fault | None] = web.RequestKey("fault")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class RunningModel:
    """A model server that listens; `also` adds a listener over the same state."""

    url: str
    service: ModelService
    _runners: list[web.AppRunner] = field(default_factory=list)

    async def also(
        self, *, host: str, port: int, tls: ssl.SSLContext | None, serve_admin: bool
    ) -> str:
        """Listen in one more place; returns its base URL."""
        app = _application(self.service, serve_admin=serve_admin)
        # As at a provider: who hangs up gets nothing more generated.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
        taken = runner.addresses[0][1]
        return f"{'https' if tls else 'http'}://{host}:{taken}"

    async def close(self) -> None:
        """Stop listening everywhere."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()


async def start_model(
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    settings: ModelSettings,
    keep_key: Callable[[str], None] = keep_nowhere,
) -> RunningModel:
    """Listen on `host`:`port` (0 chooses one).

    `keep_key` remembers a key that was made over `/_admin/keys`.
    """
    running = RunningModel(url="", service=ModelService(settings, keep_key=keep_key))
    running.url = await running.also(host=host, port=port, tls=tls, serve_admin=settings.admin)
    return running


def _application(service: ModelService, *, serve_admin: bool) -> web.Application:
    app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[_errors])
    app[_SERVICE] = service
    for version in ("v1beta", "v1"):
        app.router.add_get(f"/{version}/models", _guarded(_list))
        app.router.add_get(f"/{version}/models/{{name}}", _guarded(_get))
        app.router.add_post(f"/{version}/models/{{name}}:{{verb}}", _guarded(_call))
    if serve_admin:
        admin.add_routes(app, service)
    return app


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in Google's envelope."""
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.envelope(), status=error.code)
    except web.HTTPException as error:
        return web.json_response(
            ApiError(error.status, error.reason).envelope(), status=error.status
        )


def _guarded(handler: Handler) -> Handler:
    """Key, rate and faults before the operation itself."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        service = request.app[_SERVICE]
        key = authenticate(request.headers, request.query, service.settings)
        service.rate.spend(
            f"{key}/{request.match_info.get('name', '')}", service.settings.requests_per_minute
        )
        request[_KEY] = key
        request[_FAULT] = service.faults.strike(request.method, request.path)
        request[CALL] = {"method": request.method, "path": request.path}
        service.calls.append(request[CALL])
        return await _with_fault(request, handler)

    return guarded


async def _with_fault(request: web.Request, handler: Handler) -> web.StreamResponse:
    fault = request[_FAULT]
    if fault is None:
        return await handler(request)
    if fault.kind == "error":
        raise fault.error()
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "commit_then_drop":
        await _call_operation(request)
    if fault.kind in {"drop", "commit_then_drop"}:
        return _drop(request)
    if fault.kind == "garbled":
        return web.Response(text="<html>upstream connect error", content_type="text/html")
    return await handler(request)


def _drop(request: web.Request) -> web.Response:
    """Close the connection; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error


async def _list(request: web.Request) -> web.StreamResponse:
    size = request.query.get("pageSize", "50")
    if not size.isdigit():
        raise invalid("Invalid value at 'page_size'.", "page_size")
    service = request.app[_SERVICE]
    return web.json_response(service.list_models(int(size), request.query.get("pageToken", "")))


async def _get(request: web.Request) -> web.StreamResponse:
    model, _ = request.app[_SERVICE].model(request.match_info["name"])
    return web.json_response(model.document(request.match_info["name"]))


async def _call_operation(request: web.Request) -> Any:
    """Run the operation in a thread; returns a body, or `Generated` for an answer."""
    service, name = request.app[_SERVICE], request.match_info["name"]
    body = await _json(request)
    match request.match_info["verb"]:
        case "generateContent" | "streamGenerateContent":
            return await asyncio.to_thread(service.generate, name, body, request[_KEY])
        case "embedContent":
            return await asyncio.to_thread(service.embed, name, body)
        case "batchEmbedContents":
            return await asyncio.to_thread(service.embed_batch, name, body)
        case "countTokens":
            return await asyncio.to_thread(service.count, name, body)
        case verb:
            raise ApiError(404, f"Method {verb} is not served.")


async def _call(request: web.Request) -> web.StreamResponse:
    result = await _call_operation(request)
    fault = request[_FAULT]
    verb = request.match_info["verb"]
    if verb not in {"generateContent", "streamGenerateContent"}:
        return web.json_response(result)
    service = request.app[_SERVICE]
    if verb == "generateContent":
        return web.json_response(await send_whole(result, fault))
    try:
        return await send_stream(request, result, fault, service.embedder)
    except FaultInStream:
        return _drop(request)
