"""Google's own client against the model server, by base URL only."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from google import genai
from google.genai import errors, types
from localcloud.model import RunningModel
from plugins.fix_model_server import MODEL_KEY, grounded
from pydantic import BaseModel

pytestmark = pytest.mark.filterwarnings(
    # The SDK makes a subclass that aiohttp discourages; nothing of ours can change that.
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)

MODEL = "gemini-2.5-flash"
ANSWER = "Die monatliche Kaltmiete beträgt 1.250 Euro [1]."
PROMPT = grounded("Wie hoch ist die Kaltmiete?")


def client_of(server: RunningModel, key: str = MODEL_KEY) -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=server.url))


@pytest.fixture
def client(model_server: RunningModel) -> Iterator[genai.Client]:
    made = client_of(model_server)
    yield made
    made.close()


async def test_sync_generate(client: genai.Client) -> None:
    response = await asyncio.to_thread(client.models.generate_content, model=MODEL, contents=PROMPT)
    assert response.text == ANSWER
    assert response.model_version == MODEL
    assert response.candidates is not None
    assert response.candidates[0].finish_reason is types.FinishReason.STOP


async def test_async_generate_reports_usage(client: genai.Client) -> None:
    async with client.aio as aio:
        response = await aio.models.generate_content(model=MODEL, contents=PROMPT)
    usage = response.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count or 0) > 50
    assert usage.thoughts_token_count == 24
    assert usage.total_token_count == sum(
        (usage.prompt_token_count or 0, usage.candidates_token_count or 0, 24)
    )


async def test_thinking_can_be_switched_off(client: genai.Client) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_budget=0))
    async with client.aio as aio:
        response = await aio.models.generate_content(model=MODEL, contents="Hallo", config=config)
    assert response.usage_metadata is not None
    assert response.usage_metadata.thoughts_token_count is None


async def test_a_repeated_prefix_is_cached(client: genai.Client) -> None:
    config = types.GenerateContentConfig(system_instruction="Antworte nur aus den Quellen. " * 300)
    async with client.aio as aio:
        first = await aio.models.generate_content(model=MODEL, contents=PROMPT, config=config)
        second = await aio.models.generate_content(model=MODEL, contents="Hallo", config=config)
    assert first.usage_metadata is not None
    assert second.usage_metadata is not None
    assert first.usage_metadata.cached_content_token_count is None
    cached = second.usage_metadata.cached_content_token_count or 0
    assert 1024 <= cached < (second.usage_metadata.prompt_token_count or 0)


async def test_async_stream(client: genai.Client) -> None:
    async with client.aio as aio:
        stream = await aio.models.generate_content_stream(model=f"{MODEL}-chunk2", contents=PROMPT)
        events = [event async for event in stream]
    assert "".join(event.text or "" for event in events) == ANSWER
    assert len(events) > 3
    last = events[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert (last.usage_metadata.candidates_token_count or 0) > 5


async def test_sync_stream(client: genai.Client) -> None:
    def collect() -> str:
        stream = client.models.generate_content_stream(model=MODEL, contents=PROMPT)
        return "".join(event.text or "" for event in stream)

    assert await asyncio.to_thread(collect) == ANSWER


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
async def test_embeddings_have_the_size_asked_for(client: genai.Client, model: str) -> None:
    config = types.EmbedContentConfig(output_dimensionality=768, task_type="RETRIEVAL_QUERY")
    async with client.aio as aio:
        made = await aio.models.embed_content(
            model=model,
            contents=["Miete", "rent"] if model.endswith("1") else "Miete",
            config=config,
        )
    assert made.embeddings is not None
    assert {len(item.values or []) for item in made.embeddings} == {768}


async def test_embedding_refusals(client: genai.Client) -> None:
    async with client.aio as aio:
        with pytest.raises(errors.ClientError) as refused:
            await aio.models.embed_content(
                model="gemini-embedding-001",
                contents="x",
                config=types.EmbedContentConfig(output_dimensionality=4000),
            )
        assert refused.value.code == 400
        with pytest.raises(errors.ClientError) as unsupported:
            await aio.models.embed_content(model=MODEL, contents="x")
    assert unsupported.value.code == 404


async def test_count_tokens_agrees_with_usage(client: genai.Client) -> None:
    async with client.aio as aio:
        counted = await aio.models.count_tokens(model=MODEL, contents=PROMPT)
        response = await aio.models.generate_content(model=MODEL, contents=PROMPT)
    assert response.usage_metadata is not None
    assert counted.total_tokens == response.usage_metadata.prompt_token_count


async def test_models(client: genai.Client) -> None:
    async with client.aio as aio:
        pager = await aio.models.list(config={"page_size": 3})
        names = [model.name async for model in pager]
        one = await aio.models.get(model="gemini-embedding-001")
        with pytest.raises(errors.ClientError) as unknown:
            await aio.models.get(model="gemini-9000")
    assert f"models/{MODEL}" in names
    assert len(names) == len(set(names)) > 3
    assert one.input_token_limit == 2048
    assert unknown.value.status == "NOT_FOUND"


def weather(city: str) -> str:
    """Get the current weather for a city."""
    return f"Sunny in {city}"


async def test_automatic_function_calling(client: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[weather])
    async with client.aio as aio:
        response = await aio.models.generate_content(
            model=MODEL, contents="What is the weather in Vienna?", config=config
        )
    assert response.text == "weather: Sunny in Vienna"


class Reply(BaseModel):
    answer: str
    citations: list[int]
    found: bool


async def test_structured_output(client: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Reply
    )
    async with client.aio as aio:
        response = await aio.models.generate_content(model=MODEL, contents=PROMPT, config=config)
    assert response.parsed == Reply(answer=ANSWER, citations=[1], found=True)


@pytest.mark.parametrize(
    ("fault", "kind", "code", "status"),
    [
        ({"code": 401}, errors.ClientError, 401, "UNAUTHENTICATED"),
        ({"code": 403}, errors.ClientError, 403, "PERMISSION_DENIED"),
        ({"code": 429, "retry_seconds": 17}, errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
        ({"code": 500}, errors.ServerError, 500, "INTERNAL"),
        ({"code": 503}, errors.ServerError, 503, "UNAVAILABLE"),
    ],
)
async def test_documented_errors(
    model_server: RunningModel,
    client: genai.Client,
    fault: dict[str, object],
    kind: type[errors.APIError],
    code: int,
    status: str,
) -> None:
    from localcloud.model.faults import Fault

    model_server.service.faults.add(Fault.model_validate({"kind": "error", **fault}))
    async with client.aio as aio:
        with pytest.raises(kind) as failed:
            await aio.models.generate_content(model=MODEL, contents="Hallo")
        assert (failed.value.code, failed.value.status) == (code, status)
        if code == 429:
            details = failed.value.details["error"]["details"]
            assert details[-1]["retryDelay"] == "17s"
        healed = await aio.models.generate_content(model=MODEL, contents="Hallo")
    assert healed.text


async def test_a_wrong_key(model_server: RunningModel) -> None:
    async with client_of(model_server, "wrong").aio as aio:
        with pytest.raises(errors.ClientError) as refused:
            await aio.models.generate_content(model=MODEL, contents="Hallo")
    assert refused.value.code == 400
    assert refused.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_a_blocked_prompt(model_server: RunningModel, client: genai.Client) -> None:
    model_server.service.settings.blocked_phrases = ["verboten"]
    async with client.aio as aio:
        response = await aio.models.generate_content(model=MODEL, contents="Das ist Verboten.")
    assert response.candidates is None
    assert response.prompt_feedback is not None
    assert response.prompt_feedback.block_reason is types.BlockedReason.SAFETY
