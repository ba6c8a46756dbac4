"""When the pieces of an answer leave: latency to the first token, then a steady rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from localcloud.model.generate import pieces
from localcloud.model.settings import Pace
from localcloud.model.usage import Counter


def chunks(text: str, counter: Counter, chunk_tokens: int) -> list[tuple[str, int]]:
    """The text in pieces of about `chunk_tokens` tokens, each with its own count."""
    result: list[tuple[str, int]] = []
    pending, size = "", 0
    for piece in pieces(text):
        pending += piece
        size += counter.tokens(piece)
        if size >= chunk_tokens:
            result.append((pending, size))
            pending, size = "", 0
    return [*result, (pending, size)] if pending else result


async def paced(parts: list[tuple[str, int]], pace: Pace) -> AsyncIterator[tuple[str, int]]:
    """Yield the pieces at the rate; the first one comes after the latency."""
    if pace.first_token_ms:
        await asyncio.sleep(pace.first_token_ms / 1000)
    for number, (text, size) in enumerate(parts):
        if number and pace.tokens_per_second:
            await asyncio.sleep(size / pace.tokens_per_second)
        yield text, size


async def whole(tokens: int, pace: Pace) -> None:
    """Wait as long as an answer of so many tokens takes when it is not streamed."""
    seconds = pace.first_token_ms / 1000
    if pace.tokens_per_second:
        seconds += tokens / pace.tokens_per_second
    if seconds:
        await asyncio.sleep(seconds)
