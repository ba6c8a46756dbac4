"""Gemini through google-genai; the only importer of the SDK, which is loaded at the first call.

Loading costs about 70 MB, which an idle process need not spend. The key is read from its file at
each new client, so that a rotated key counts after a refusal without a restart.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import structlog

from tenant_agent.agent.models.failures import CUT_OFF, of_finish, of_status
from tenant_agent.agent.models.port import BATCH, Piece, Prompt, Usage
from tenant_agent.errors import ModelFailure
from tenant_agent.settings import MissingSecret, Settings

log = structlog.get_logger(__name__)
# Thoughts and answer together; a quarter for thoughts leaves room for some pages of answer.
MAX_OUTPUT_TOKENS = 8192
THINKING_TOKENS = MAX_OUTPUT_TOKENS // 4


def read_usage(metadata: Any) -> Usage | None:
    """Return the billed tokens of a response's usage metadata."""
    if metadata is None:
        return None
    thoughts = metadata.thoughts_token_count or 0
    return Usage(
        prompt=metadata.prompt_token_count or 0,
        cached=metadata.cached_content_token_count or 0,
        output=(metadata.candidates_token_count or 0) + thoughts,
        thoughts=thoughts,
    )


def unit(vector: Sequence[float]) -> list[float]:
    """Return `vector` at length 1: only Gemini's full size comes normalised."""
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]


def thinking_of(model: str) -> dict[str, Any]:
    """Return how much a model may think before it answers; empty where it is not to be said.

    Left to themselves thinking models may use up all tokens and write nothing. 2.5 takes a number
    (Pro 128 to 32768 and never none), 3 and later a level, beside which a number is only a hint; a
    name without a version may be either, and both take the number. 2.5 Flash-Lite thinks only when
    told how much, and older models refuse both. https://ai.google.dev/gemini-api/docs/thinking
    """
    if re.match(r"gemini-([3-9]|\d\d)\b", model):
        return {"thinking_level": "LOW"}
    if re.match(r"gemini-(2\.5-(pro|flash(?!-lite))|(pro|flash)-latest)\b", model):
        return {"thinking_budget": THINKING_TOKENS}
    return {}


def _visible_text(candidate: Any) -> str:
    parts = candidate.content.parts if candidate.content else None
    return "".join(part.text or "" for part in parts or [] if not part.thought)


class GeminiClient:
    """One SDK client, made when first needed and again after the key was refused."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None
        self._making = asyncio.Lock()
        self._http: httpx.AsyncClient | None = None

    def _options(self) -> Any:
        from google.genai import types

        # Ours, so that the SDK does not choose a transport by what else is installed. It trusts
        # SSL_CERT_FILE where set, and outlives a client whose key was refused.
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=self._settings.model_timeout_seconds)
        return types.HttpOptions(
            base_url=self._settings.model_endpoint or None,
            timeout=int(self._settings.model_timeout_seconds * 1000),
            httpx_async_client=self._http,
            retry_options=types.HttpRetryOptions(attempts=1),
        )

    def _make(self) -> Any:
        from google import genai

        try:
            key = self._settings.secret("model_api_key").get_secret_value()
        except MissingSecret as error:
            raise ModelFailure("model_refused_key") from error
        return genai.Client(api_key=key, http_options=self._options())

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[Any]:
        """Give the SDK's asynchronous models interface; what it raises becomes `ModelFailure`."""
        async with self._making:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make)
            client = self._client
        try:
            yield client.aio.models
        except Exception as error:
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error

    def _failure(self, error: Exception) -> ModelFailure | None:
        """Return what an exception of the SDK or the network means; None for any other."""
        from google.genai import errors

        if isinstance(error, errors.APIError):
            return self._refused(error.code or 500, error.details)
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return ModelFailure("model_slow")
        if isinstance(error, OSError | httpx.TransportError):
            return ModelFailure("model_down")
        if isinstance(error, ValueError | errors.UnknownApiResponseError):
            return ModelFailure("model_error")
        return None

    def _refused(self, status: int, body: Any) -> ModelFailure:
        failure = of_status(status, body)
        log.warning("model call refused", status=status, code=failure.code)
        if failure.code == "model_refused_key":
            self._client = None
        return failure

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
        self._client, self._http = None, None


class GeminiChat:
    """Answers by `streamGenerateContent`."""

    def __init__(self, client: GeminiClient, settings: Settings) -> None:
        self.name = settings.chat_model
        self._client = client
        self._timeout = settings.model_timeout_seconds

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        from google.genai import types

        contents = [
            types.Content(role=turn.role, parts=[types.Part(text=turn.text)])
            for turn in prompt.turns
        ]
        thinking = thinking_of(self.name)
        config = types.GenerateContentConfig(
            system_instruction=prompt.system,
            temperature=0.0,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            thinking_config=types.ThinkingConfig(**thinking) if thinking else None,
        )
        return {"model": self.name, "contents": contents, "config": config}

    async def _pieces(self, models: Any, prompt: Prompt) -> AsyncGenerator[Any]:
        """Yield raw responses; silence longer than the time limit is a failure."""
        async with asyncio.timeout(self._timeout):
            opened = await models.generate_content_stream(**self._request(prompt))
        async with aclosing(opened) as responses:
            while True:
                async with asyncio.timeout(self._timeout):
                    response = await anext(responses, None)
                if response is None:
                    return
                yield response

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Yield the answer as it is written; see the port."""
        begun = False
        try:
            async with aclosing(self._finished_stream(prompt)) as pieces:
                async for piece in pieces:
                    begun = begun or bool(piece.text)
                    yield piece
        except ModelFailure as error:
            if begun and error.code == "model_down":
                raise ModelFailure("model_broken_off") from error
            raise

    async def _finished_stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Yield pieces; a stream that ends without a finish reason was broken off."""
        finish: str | None = None
        usage: Usage | None = None
        async with (
            self._client.calling() as models,
            aclosing(self._pieces(models, prompt)) as responses,
        ):
            async for response in responses:
                usage = read_usage(response.usage_metadata) or usage
                text, reason = _read_response(response)
                finish = finish or reason
                if text:
                    yield Piece(text, usage)
        if finish is None:
            raise ModelFailure("model_broken_off")
        yield Piece(usage=usage or Usage(), cut_off=finish == CUT_OFF)


def _read_response(response: Any) -> tuple[str, str | None]:
    """Return (text, why the answer ends here if it does).

    Raises:
        ModelFailure: the prompt or the answer was blocked.
    """
    if response.prompt_feedback and response.prompt_feedback.block_reason:
        raise ModelFailure("model_blocked")
    if not response.candidates:
        return "", None
    candidate = response.candidates[0]
    reason = candidate.finish_reason.name if candidate.finish_reason else None
    failure = of_finish(reason)
    if failure is not None:
        raise failure
    return _visible_text(candidate), reason


class GeminiEmbeddings:
    """Vectors by `embedContent`, normalised, of the configured size."""

    def __init__(self, client: GeminiClient, settings: Settings) -> None:
        self.name = settings.embedding_model
        self.dimensions = settings.embedding_dimensions
        self._client = client
        self._timeout = settings.model_timeout_seconds

    async def _embed(self, texts: Sequence[str], task: str) -> list[list[float]]:
        from google.genai import types

        config = types.EmbedContentConfig(task_type=task, output_dimensionality=self.dimensions)
        async with self._client.calling() as models, asyncio.timeout(self._timeout):
            response = await models.embed_content(
                model=self.name, contents=list(texts), config=config
            )
        vectors = [unit(item.values or []) for item in response.embeddings or []]
        if len(vectors) != len(texts) or any(len(v) != self.dimensions for v in vectors):
            raise ModelFailure("model_error")
        return vectors

    async def embed_question(self, text: str) -> list[float]:
        """Return the vector of a question; see the port."""
        return (await self._embed([text], "RETRIEVAL_QUERY"))[0]

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of passages; see the port."""
        vectors: list[list[float]] = []
        for at in range(0, len(texts), BATCH):
            vectors += await self._embed(texts[at : at + BATCH], "RETRIEVAL_DOCUMENT")
        return vectors
