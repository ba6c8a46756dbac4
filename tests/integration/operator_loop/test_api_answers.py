"""What the API server's door answers when it is not the API server, or cannot be asked at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tenant_operator.cluster.client import Kubernetes, KubernetesError
from tenant_operator.cluster.login import Access

PAGES = {
    "/latin": (502, "Störung".encode("latin-1"), "502"),
    "/html": (200, b"<html>Please sign in</html>", "no JSON"),
    "/list": (200, b"[1, 2]", "no JSON"),
}


@pytest.fixture
async def proxy() -> AsyncIterator[str]:
    """A proxy with pages of its own; its address."""

    async def page(request: web.Request) -> web.Response:
        status, body, _ = PAGES[request.path]
        return web.Response(status=status, body=body, headers={"Content-Type": "text/html"})

    app = web.Application()
    app.router.add_get("/{page}", page)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize("path", PAGES)
async def test_a_proxys_own_page_is_no_answer(proxy: str, path: str) -> None:
    client = Kubernetes(Access(server=proxy))
    with pytest.raises(KubernetesError) as caught:
        await client.get(path)
    await client.close()
    assert caught.value.status == PAGES[path][0]


async def test_a_token_that_cannot_be_read_is_an_api_server_that_cannot_be_asked(
    proxy: str, tmp_path: Path
) -> None:
    client = Kubernetes(Access(server=proxy, token_file=tmp_path / "token"))
    with pytest.raises(KubernetesError, match="token"):
        await client.get("/html")
    await client.close()
