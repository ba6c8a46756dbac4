"""Every documented refusal as Google's own client sees it: both clients, whole and streamed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from localcloud.model import RunningModel
from localcloud.model.faults import Fault
from plugins.fix_model_server import MODEL_KEY, grounded

pytestmark = pytest.mark.filterwarnings(
    # The SDK makes a subclass that aiohttp discourages; nothing of ours can change that.
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)

MODEL = "gemini-2.5-flash-chunk1"
PROMPT = grounded("Wie hoch ist die Kaltmiete?")
Ask = Callable[[genai.Client], Awaitable[str]]


def client_of(server: RunningModel, **options: Any) -> genai.Client:
    options = {"base_url": server.url, **options}
    return genai.Client(api_key=MODEL_KEY, http_options=types.HttpOptions(**options))


def _whole(client: genai.Client) -> str:
    return client.models.generate_content(model=MODEL, contents=PROMPT).text or ""


def _streamed(client: genai.Client) -> str:
    stream = client.models.generate_content_stream(model=MODEL, contents=PROMPT)
    return "".join(event.text or "" for event in stream)


async def sync_whole(client: genai.Client) -> str:
    return await asyncio.to_thread(_whole, client)


async def sync_stream(client: genai.Client) -> str:
    return await asyncio.to_thread(_streamed, client)


async def async_whole(client: genai.Client) -> str:
    async with client.aio as aio:
        return (await aio.models.generate_content(model=MODEL, contents=PROMPT)).text or ""


async def async_stream(client: genai.Client) -> str:
    async with client.aio as aio:
        stream = await aio.models.generate_content_stream(model=MODEL, contents=PROMPT)
        return "".join([event.text or "" async for event in stream])


WAYS = [sync_whole, sync_stream, async_whole, async_stream]
STREAMS = [sync_stream, async_stream]


@pytest.fixture
def client(model_server: RunningModel) -> genai.Client:
    return client_of(model_server)


@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize(
    ("code", "given", "status"),
    [
        (400, "", "INVALID_ARGUMENT"),
        (400, "FAILED_PRECONDITION", "FAILED_PRECONDITION"),
        (401, "", "UNAUTHENTICATED"),
        (403, "", "PERMISSION_DENIED"),
        (404, "", "NOT_FOUND"),
        (429, "", "RESOURCE_EXHAUSTED"),
        (499, "", "CANCELLED"),
        (500, "", "INTERNAL"),
        (503, "", "UNAVAILABLE"),
        (504, "", "DEADLINE_EXCEEDED"),
    ],
)
async def test_a_documented_error(
    model_server: RunningModel, client: genai.Client, ask: Ask, code: int, given: str, status: str
) -> None:
    model_server.service.faults.add(Fault(kind="error", code=code, status=given))
    with pytest.raises(errors.ServerError if code >= 500 else errors.ClientError) as failed:
        await ask(client)
    assert (failed.value.code, failed.value.status) == (code, status)
    assert failed.value.message


@pytest.mark.parametrize("ask", WAYS)
async def test_a_spent_quota_says_when_to_come_back(
    model_server: RunningModel, client: genai.Client, ask: Ask
) -> None:
    model_server.service.settings.requests_per_minute = 1
    await ask(client)
    with pytest.raises(errors.ClientError) as refused:
        await ask(client_of(model_server))
    kinds = {each["@type"].rsplit(".", 1)[-1]: each for each in _details(refused.value)}
    assert 0 < float(kinds["RetryInfo"]["retryDelay"].removesuffix("s")) <= 60
    assert kinds["QuotaFailure"]["violations"][0]["quotaId"]


def _details(error: errors.APIError) -> list[dict[str, Any]]:
    found = error.details
    found = found[0] if isinstance(found, list) else found
    return list(found["error"]["details"])


@pytest.mark.parametrize("ask", WAYS)
async def test_the_clients_own_retries_heal(model_server: RunningModel, ask: Ask) -> None:
    model_server.service.faults.add(Fault(kind="error", code=503, times=2))
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.01, jitter=0)
    assert await ask(client_of(model_server, retry_options=retry))


@pytest.mark.parametrize("ask", STREAMS)
async def test_an_error_after_the_first_piece(
    model_server: RunningModel, client: genai.Client, ask: Ask
) -> None:
    fault = Fault(kind="error_in_stream", after_chunks=2, code=503)
    model_server.service.faults.add(fault)
    with pytest.raises(errors.APIError) as failed:
        await ask(client)
    assert (failed.value.code, failed.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("ask", STREAMS)
async def test_a_stream_that_breaks_is_an_exception(
    model_server: RunningModel, client: genai.Client, ask: Ask
) -> None:
    model_server.service.faults.add(Fault(kind="cut_stream", after_chunks=2))
    with pytest.raises(Exception, match=r"(?i)incomplete|payload|disconnect|closed"):
        await ask(client)


@pytest.mark.parametrize("ask", WAYS)
async def test_an_unknown_model(model_server: RunningModel, ask: Ask) -> None:
    model_server.service.faults.add(Fault(kind="error", code=404))
    with pytest.raises(errors.ClientError) as refused:
        await ask(client_of(model_server))
    assert refused.value.status == "NOT_FOUND"


@pytest.mark.parametrize("ask", WAYS)
async def test_latency_and_rate_change_nothing_but_time(
    model_server: RunningModel, ask: Ask
) -> None:
    fast = await ask(client_of(model_server))
    model_server.service.settings.pace.first_token_ms = 20
    model_server.service.settings.pace.tokens_per_second = 2000
    assert await ask(client_of(model_server)) == fast
