"""The application under the real HTTP server: what happens to a connection when a request fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import uvicorn
from fastapi.responses import StreamingResponse
from tenant_agent.compose import open_services
from tenant_agent.settings import Settings
from tenant_agent.web.app import create_app
from tenant_agent.web.body_limit import LIMIT


def fail() -> None:
    """A handler with a fault."""
    raise RuntimeError("secret detail")


def fail_midway() -> StreamingResponse:
    """A handler whose answer breaks off."""

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("secret detail")

    return StreamingResponse(pieces())


@pytest.fixture
async def client(agent_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with two faulty routes."""
    app = create_app(agent_settings, open_services)
    app.add_api_route("/api/v1/fail", fail)
    app.add_api_route("/api/v1/fail-midway", fail_midway)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        async with httpx.AsyncClient(base_url=url) as opened:
            yield opened
        server.should_exit = True
        await serving


def connection(answer: httpx.Response) -> tuple[str, int]:
    """Return our end of the connection an answer came by."""
    address: tuple[str, int] = answer.extensions["network_stream"].get_extra_info("client_addr")
    return address


async def test_an_unforeseen_error_keeps_the_connection_and_the_headers(
    client: httpx.AsyncClient,
) -> None:
    failed = await client.get("/api/v1/fail")
    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert failed.headers["content-type"] == "application/problem+json"
    assert "default-src 'none'" in failed.headers["content-security-policy"]
    assert "secret detail" not in failed.text
    after = await client.get("/healthz")
    assert (after.status_code, connection(after)) == (200, connection(failed))


async def test_an_answer_that_fails_midway_is_cut_off(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/api/v1/fail-midway")
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("declared", [True, False])
async def test_a_strangers_body_is_not_read_without_end(
    client: httpx.AsyncClient, declared: bool
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 64 * LIMIT:
            read += LIMIT
            yield b" " * LIMIT

    headers = {"content-type": "application/json", "accept-language": "en"}
    if declared:
        headers["content-length"] = str(64 * LIMIT)
    answer = await client.post("/api/v1/session", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_refused_method_names_the_allowed_ones(client: httpx.AsyncClient) -> None:
    answer = await client.put("/healthz")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
