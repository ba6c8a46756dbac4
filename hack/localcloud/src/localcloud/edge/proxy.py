"""The stand-in for a content network's edge: what a *proxied* name is answered with.

It ends TLS with a certificate of the local authority for the name, adds who asked
(`CF-Connecting-IP`, `X-Forwarded-For`, `X-Forwarded-Proto`, `CF-Ray`) and passes requests on to the
record's own address: over TLS with that name, or over plain HTTP what came in that way (HTTP-01
challenges). Bodies go through piece by piece in both directions. It speaks HTTP/1.1 and WebSocket,
no HTTP/2, and caches nothing. How strictly it checks the origin's certificate is the zone's `ssl`
setting. Trouble with the origin is answered as Cloudflare does: 520, 521, 522, 525, 526, 530.
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from localcloud.authority import Authority
from localcloud.edge.origins import Origin, Origins
from localcloud.edge.passthrough import Visitors
from localcloud.edge.upgrade import relay_websocket, wants_websocket, websocket_headers
from localcloud.sharing import hold

CONNECT_SECONDS = 15.0
HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
    )
)

REASONS = {
    520: "Web server returned an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
    530: "Origin DNS error",
}


@dataclass(frozen=True, kw_only=True)
class ProxyOptions:
    """Where the edge listens and which ports its origins have; `bundle` is what it trusts."""

    address: str
    port: int = 443
    http_port: int = 80
    origin_port: int = 443
    origin_http_port: int = 80
    bundle: Path


@dataclass(frozen=True)
class RunningProxy:
    """The edge while it listens."""

    port: int
    http_port: int
    session: aiohttp.ClientSession
    runners: tuple[web.ServerRunner, ...]
    held: tuple[socket.socket, ...]

    async def close(self) -> None:
        """Stop listening and end what is open."""
        for runner in self.runners:
            await runner.cleanup()
        await self.session.close()
        for place in self.held:
            place.close()


async def start_proxy(
    options: ProxyOptions, origins: Origins, authority: Authority, visitors: Visitors
) -> RunningProxy:
    """Listen for TLS and for plain HTTP."""
    wanted = [port for port in (options.port, options.http_port) if port]
    held = tuple(hold(options.address, port) for port in wanted)
    session = _session(options.address)
    edge = _Edge(options, origins, session, visitors)
    tls_runner, port = await _listen(
        edge, options.address, options.port, _by_name(origins, authority)
    )
    http_runner, http_port = await _listen(edge, options.address, options.http_port, None)
    return RunningProxy(port, http_port, session, (tls_runner, http_runner), held)


def _session(source: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(local_addr=(source, 0), limit=0, limit_per_host=0),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    )


async def _listen(
    edge: _Edge, host: str, port: int, tls: ssl.SSLContext | None
) -> tuple[web.ServerRunner, int]:
    server = web.Server(edge.serve, access_log=None, handler_cancellation=True)
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    # simulated machines have the same port on all of loopback
    await web.TCPSite(runner, host, port, ssl_context=tls, reuse_port=bool(port) or None).start()
    return runner, int(runner.addresses[0][1])


def _by_name(origins: Origins, authority: Authority) -> ssl.SSLContext:
    """A TLS context that shows each proxied name its own certificate and refuses other names."""
    known: dict[str, ssl.SSLContext] = {}

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        wanted = (name or "").lower()
        if not wanted or not origins.is_proxied(wanted):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if wanted not in known:
            known[wanted] = authority.certificate(wanted).server_context()
        connection.context = known[wanted]
        return None

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.sni_callback = choose
    return context


class _Edge:
    def __init__(
        self,
        options: ProxyOptions,
        origins: Origins,
        session: aiohttp.ClientSession,
        visitors: Visitors,
    ) -> None:
        self._options = options
        self._origins = origins
        self._session = session
        self._visitors = visitors

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.host.rpartition(":")[0] if ":" in request.host else request.host
        origin = self._origins.of(name.lower())
        if origin is None:
            return _trouble(530)
        try:
            return await self._pass(request, origin, name.lower())
        except aiohttp.ClientError as error:
            return _trouble(status_of(error))

    async def _pass(
        self, request: web.BaseRequest, origin: Origin, name: str
    ) -> web.StreamResponse:
        url = self._url(request, origin)
        headers = self._headers(request)
        target: dict[str, Any] = {"headers": headers, "server_hostname": name}
        target["ssl"] = self._context(origin.mode)
        if wants_websocket(request.headers):
            target["headers"] = websocket_headers({**request.headers, **headers})
            return await relay_websocket(request, self._session, url, target)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = request.content.iter_any() if request.can_read_body else None
        async with self._session.request(
            request.method, url, data=body, allow_redirects=False, **target
        ) as answer:
            return await _relay(request, answer)

    def _url(self, request: web.BaseRequest, origin: Origin) -> URL:
        tls = request.secure and origin.mode not in ("off", "flexible")
        port = self._options.origin_port if tls else self._options.origin_http_port
        base = f"{'https' if tls else 'http'}://{origin.address}:{port}"
        return URL(base + request.raw_path, encoded=True)

    def _headers(self, request: web.BaseRequest) -> CIMultiDict[str]:
        kept = without_hops(request.headers)
        visitor = self._visitors.of(_peer(request))
        before = kept.get("X-Forwarded-For")
        kept["X-Forwarded-For"] = f"{before}, {visitor}" if before else visitor
        kept["CF-Connecting-IP"] = visitor
        kept["X-Forwarded-Proto"] = request.scheme
        kept["CF-Visitor"] = f'{{"scheme":"{request.scheme}"}}'
        kept["CF-Ray"] = secrets.token_hex(8) + "-LOC"
        return kept

    def _context(self, mode: str) -> ssl.SSLContext:
        """What the edge demands of an origin's certificate: in `full`, nothing."""
        if mode == "strict":
            return ssl.create_default_context(cafile=self._options.bundle)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def _peer(request: web.BaseRequest) -> tuple[str, int]:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return (str(peer[0]), int(peer[1])) if peer else ("", 0)


def without_hops(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Headers that concern the whole way, not one connection (RFC 9110 §7.6.1)."""
    named = {part.strip().lower() for part in headers.get("Connection", "").split(",")}
    dropped = HOP_BY_HOP | named
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() not in dropped)


async def _relay(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """The origin's answer, each piece as soon as it is there."""
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=without_hops(answer.headers)
    )
    bodyless = request.method == "HEAD" or answer.status in (204, 304)
    if "Content-Length" not in answer.headers and not bodyless:
        response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except aiohttp.ClientError:
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def status_of(error: aiohttp.ClientError) -> int:
    """Cloudflare's status for trouble on the way to the origin."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return error.status
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return 526
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return 525
    if isinstance(error, aiohttp.ServerTimeoutError):
        return 522
    return 521 if isinstance(error, aiohttp.ClientConnectorError) else 520


def _trouble(status: int) -> web.Response:
    text = REASONS.get(status, "The origin refused the WebSocket")
    return web.Response(status=status, reason=text, text=f"error code: {status}\n")
