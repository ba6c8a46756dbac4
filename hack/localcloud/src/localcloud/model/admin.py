"""`/_admin`: what a test or a person sets while the server runs. Never part of Google's API."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from localcloud.model.faults import Fault
from localcloud.model.service import ModelService
from localcloud.model.settings import ModelSettings


def add_routes(app: web.Application, service: ModelService) -> None:
    """GET/PATCH settings, POST keys, GET/POST/DELETE faults, GET/DELETE calls."""
    panel = _Panel(service)
    app.router.add_post("/_admin/keys", panel.add_key)
    app.router.add_get("/_admin/settings", panel.settings)
    app.router.add_patch("/_admin/settings", panel.change)
    app.router.add_get("/_admin/faults", panel.faults)
    app.router.add_post("/_admin/faults", panel.add)
    app.router.add_delete("/_admin/faults", panel.clear)
    app.router.add_get("/_admin/calls", panel.calls)
    app.router.add_delete("/_admin/calls", panel.forget)


async def _read(request: web.Request) -> dict[str, Any]:
    body = await request.json()
    return body if isinstance(body, dict) else {}


def _refusal(error: ValidationError) -> web.Response:
    found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return web.json_response({"error": "; ".join(found)}, status=400)


class _Panel:
    def __init__(self, service: ModelService) -> None:
        self._service = service

    async def settings(self, _request: web.Request) -> web.Response:
        """Everything but the keys."""
        shown = self._service.settings.model_dump(exclude={"keys", "revoked_keys"})
        return web.json_response(shown)

    async def change(self, request: web.Request) -> web.Response:
        """Replace the settings named in the body."""
        merged = _merge(self._service.settings, await _read(request))
        try:
            self._service.settings = ModelSettings.model_validate(merged)
        except ValidationError as error:
            return _refusal(error)
        return await self.settings(request)

    async def add_key(self, _request: web.Request) -> web.Response:
        """One more customer's key."""
        return web.json_response({"key": self._service.add_key()})

    async def faults(self, _request: web.Request) -> web.Response:
        """Faults still to come."""
        return web.json_response({"faults": self._service.faults.documents()})

    async def add(self, request: web.Request) -> web.Response:
        """Append a fault."""
        try:
            self._service.faults.add(Fault.model_validate(await _read(request)))
        except ValidationError as error:
            return _refusal(error)
        return await self.faults(request)

    async def clear(self, request: web.Request) -> web.Response:
        """Remove all faults."""
        self._service.faults.clear()
        return await self.faults(request)

    async def calls(self, _request: web.Request) -> web.Response:
        """Method and path of each call since the last DELETE."""
        return web.json_response({"calls": self._service.calls})

    async def forget(self, request: web.Request) -> web.Response:
        """Forget the calls."""
        self._service.calls.clear()
        return await self.calls(request)


def _merge(settings: BaseModel, changes: dict[str, Any]) -> dict[str, Any]:
    merged = settings.model_dump()
    for key, value in changes.items():
        nested = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = {**merged[key], **value} if nested else value
    return merged
