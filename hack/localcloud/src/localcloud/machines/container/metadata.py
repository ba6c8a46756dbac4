"""The metadata service: `http://169.254.169.254/hetzner/v1/…`, one answer per machine.

The host's firewall leads the address to this server, which tells machines apart by their source
address; a forged one does not get past the firewall. It cannot be asked from elsewhere, because it
listens on the gateway's address and answers only addresses it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

_ROOT = "/hetzner/v1/"
Lookup = Callable[[str], Mapping[str, str] | None]


class MetadataService:
    """The server; `lookup` gives the documents of a source address."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def open(self, address: str) -> None:
        """Listen on a free port of `address`."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, 0).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.Request) -> web.Response:
        known = self._lookup(request.remote or "")
        if known is None or not request.path.startswith(_ROOT):
            raise web.HTTPNotFound(text="not found\n")
        path = request.path.removeprefix(_ROOT).rstrip("/")
        if path not in known:
            raise web.HTTPNotFound(text="not found\n")
        if path == "userdata" and not known[path]:
            return web.Response(status=204)
        return web.Response(text=known[path])
