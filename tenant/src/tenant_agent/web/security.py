"""Cross-site defence and response headers, as one plain ASGI middleware.

A state-changing request must come from the tenant's own origin: browsers send `Origin` (or
`Sec-Fetch-Site`) on those; clients that are no browser send neither and carry no ambient cookie
worth forging. Pure ASGI because Starlette's BaseHTTPMiddleware buffers streams.
"""

from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenant_agent.errors import Refused
from tenant_agent.web.problems import problem_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "object-src 'none'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# An uploaded file is shown by the browser's PDF viewer inside the dashboard (which some browsers
# build as an object with inline styles), and runs nothing.
FILE_POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=31536000",
}


def is_cross_site(method: str, headers: Headers, origin: str) -> bool:
    """Return whether a browser sent this state-changing request for another site."""
    if method in SAFE_METHODS:
        return False
    sent = headers.get("origin")
    if sent is not None:
        return sent != origin
    return headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}


def _is_file(path: str) -> bool:
    return path.startswith("/api/v1/documents/") and path.endswith("/file")


def _harden(headers: MutableHeaders, path: str) -> None:
    for name, value in COMMON.items():
        headers.setdefault(name, value)
    if _is_file(path):
        headers["Content-Security-Policy"] = FILE_POLICY
        headers["Cache-Control"] = "private, no-cache"
        return
    headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    headers["X-Frame-Options"] = "DENY"
    if path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


class SecurityMiddleware:
    """Refuse cross-site writes; put the security headers on every response."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def hardened_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _harden(MutableHeaders(raw=_raw(message)), scope["path"])
            await send(message)

        if is_cross_site(scope["method"], Headers(scope=scope), self._origin):
            response = problem_response(Request(scope), Refused("cross_site"), [])
            await response(scope, receive, hardened_send)
            return
        await self._app(scope, receive, hardened_send)


def _raw(message: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    raw: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
    if not isinstance(raw, list):
        raw = list(raw)
        message["headers"] = raw
    return raw
