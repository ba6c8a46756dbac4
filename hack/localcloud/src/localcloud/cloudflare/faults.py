"""Faults that are done to requests of Cloudflare's API on purpose.

The list and its entries are those of the Hetzner API (`delay`, `error`, `drop_before`,
`commit_then_drop`; method, path below `/client/v4`, times, skip); what concerns actions or pages of
Hetzner's is refused. An error's `code` is Cloudflare's number.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import ValidationError

from localcloud.cloudflare import errors
from localcloud.cloudflare.app import PREFIX, Handler, failure, reply
from localcloud.cloudflare.errors import Problem
from localcloud.hetzner.faults import Fault, FaultList

KINDS = ("delay", "error", "drop_before", "commit_then_drop")


class Faults:
    """The list, what it does to requests, and its `/_admin`."""

    def __init__(self) -> None:
        self.list = FaultList()

    def routes(self) -> list[web.RouteDef]:
        """The administration of the list."""
        return [
            web.get("/_admin/faults", self._shown),
            web.post("/_admin/faults", self._added),
            web.delete("/_admin/faults", self._cleared),
        ]

    def middleware(self) -> Middleware:
        """What every request of the API passes first."""

        @web.middleware
        async def strike(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.path.startswith(PREFIX):
                return await handler(request)
            met = self.list.meet(request.method, request.path.removeprefix(PREFIX))
            return await _struck({fault.kind: fault for fault in met}, request, handler)

        return strike

    async def _shown(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": [listed.view() for listed in self.list.all()]})

    async def _added(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate(await request.json())
        except (ValidationError, ValueError) as error:
            raise errors.BAD_JSON.refused(f"this is no fault: {error}") from error
        if fault.kind not in KINDS:
            raise errors.BAD_JSON.refused(f"kind must be one of {', '.join(KINDS)}")
        return web.json_response({"fault": self.list.add(fault).view()}, status=201)

    async def _cleared(self, _: web.Request) -> web.Response:
        self.list.remove()
        return web.Response(status=204)


async def _struck(
    met: dict[str, Fault], request: web.Request, handler: Handler
) -> web.StreamResponse:
    if "delay" in met:
        await asyncio.sleep(met["delay"].seconds)
    if "drop_before" in met:
        return _dropped(request)
    if "error" in met:
        problem = problem_of(met["error"])
        return reply(failure(problem), problem.status)
    answer = await handler(request)
    return _dropped(request) if "commit_then_drop" in met else answer


def _dropped(request: web.Request) -> web.Response:
    """The connection ends without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def problem_of(fault: Fault) -> Problem:
    """The error that a fault answers with."""
    code = int(fault.code) if fault.code.isdigit() else errors.INJECTED.code
    return Problem(fault.status or errors.INJECTED.status, code, fault.message)
