"""What a machine's Traefik would answer: TLS by server name, the agent's health, nothing more.

The certificate comes from the local authority at once; how one is obtained by ACME is proved on
real machines. Only the names that the release on the machine routes are served.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus

from localcloud.authority import Authority
from localcloud.machines.simulated_host import jobs
from localcloud.machines.simulated_host.host import Host
from localcloud.machines.simulated_host.listener import Acceptor, drop
from localcloud.machines.simulated_host.world import World

HEAD_SECONDS = 10
DEFAULT_NAME = "traefik.default"
Reply = Callable[[str], tuple[int, str, dict[str, str]]]
_NAMES = re.compile(r"Host\(`([^`]+)`\)")


class WebListener:
    """HTTPS and HTTP for every machine of a `World`."""

    def __init__(self, world: World, authority: Authority) -> None:
        self._world = world
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._tls = Acceptor(self._serve_tls)
        self._plain = Acceptor(self._serve_plain)

    async def listen(self, address: str, port: int, http_port: int) -> tuple[int, int]:
        """Listen for HTTPS and HTTP; returns the ports taken."""
        return await self._tls.listen(address, port), await self._plain.listen(address, http_port)

    async def close(self) -> None:
        """Stop listening."""
        await self._tls.close()
        await self._plain.close()

    async def _serve_tls(self, sock: socket.socket) -> None:
        host = self._open(sock, 443)
        if host is None:
            drop(sock)
            return
        context = self._authority.certificate(DEFAULT_NAME).server_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.sni_callback = lambda connection, name, _: self._choose(host, connection, name)
        await _serve(sock, context, lambda path: answer(host, path))

    async def _serve_plain(self, sock: socket.socket) -> None:
        host = self._open(sock, 80)
        if host is None:
            drop(sock)
            return
        await _serve(sock, None, lambda _path: (308, "", {"Location": "https://"}))

    def _open(self, sock: socket.socket, port: int) -> Host | None:
        host = self._world.reached(sock, port)
        serving = host is not None and host.services.get("traefik") == "healthy"
        return host if host is not None and serving and host.faults.web != "refused" else None

    def _choose(self, host: Host, connection: ssl.SSLObject, name: str | None) -> None:
        """The certificate of a routed name; any other name meets one that does not fit it."""
        shown = name if name is not None and name in routed(host) else DEFAULT_NAME
        connection.context = self._context(shown)

    def _context(self, name: str) -> ssl.SSLContext:
        if name not in self._contexts:
            context = self._authority.certificate(name).server_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            self._contexts[name] = context
        return self._contexts[name]


def routed(host: Host) -> set[str]:
    """The names that the live release serves."""
    return set(_NAMES.findall(host.files.text(jobs.ROUTES)))


def answer(host: Host, path: str) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers for a path."""
    state = jobs.read_state(host)
    color = state.get("color")
    ready = host.services.get(f"agent-{color}") == "healthy" and host.faults.web != "error"
    documents = {
        "/healthz": (200, {"status": "ok"}),
        "/readyz": (200, {"status": "ready", "checks": {}})
        if ready
        else (503, {"status": "not ready", "checks": {}}),
        "/version": (
            200,
            {"version": "simulated", "release": state.get("release"), "color": color},
        ),
    }
    if path in documents:
        status, document = documents[path]
        return status, json.dumps(document), {"Content-Type": "application/json"}
    if path == "/":
        return 200, "<!doctype html><title>Simulated</title>", {"Content-Type": "text/html"}
    return 404, "", {}


async def _serve(sock: socket.socket, context: ssl.SSLContext | None, reply: Reply) -> None:
    """One request and its answer; a client that does not finish its request is cut off."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=context)
    except (OSError, ssl.SSLError):
        sock.close()
        return
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head.decode(errors="replace"), reply))
            await writer.drain()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        transport.abort()
    finally:
        writer.close()


def _response(head: str, reply: Reply) -> bytes:
    """The whole HTTP/1.1 answer to a request head."""
    path = [*head.split(" ", 2), ""][1].partition("?")[0]
    name = re.search(r"^host:\s*([^\s:]+)", head, re.IGNORECASE | re.MULTILINE)
    status, body, headers = reply(path)
    if "Location" in headers:
        headers = {"Location": f"https://{name.group(1) if name else ''}{path}"}
    content = body.encode()
    fields = {**headers, "Content-Length": str(len(content)), "Connection": "close"}
    lines = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
    return (
        f"HTTP/1.1 {HTTPStatus(status)} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode()
        + content
    )
