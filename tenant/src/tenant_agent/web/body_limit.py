"""A bound on request bodies, as one plain ASGI middleware.

A JSON body is in memory as a whole before anybody can judge it, and signing in is open to
strangers. An upload streams and has a limit of its own.
"""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The longest question, every character of it written as an escaped pair, takes a fifth of this.
LIMIT = 256 * 1024


class BodyLimit:
    """Refuse to read more than `LIMIT` bytes, except where `uploads` go."""

    def __init__(self, app: ASGIApp, uploads: str) -> None:
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] == self._uploads:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        left = LIMIT

        async def bounded() -> Message:
            nonlocal left
            if not declared.isdecimal() or int(declared) > LIMIT:
                raise HTTPException(413)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self._app(scope, bounded, send)
