"""Some calls at a time, their results one after the other."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")


async def in_order(
    calls: Iterable[Callable[[], Coroutine[Any, Any, T]]], at_once: int
) -> AsyncGenerator[T]:
    """Yield what `calls` return, in their order, while up to `at_once` of them run.

    A failure comes in its turn, after the results before it; the calls behind it are cancelled, as
    they are when the generator is closed. None is begun before it may run.
    """
    waiting, running = iter(calls), deque[asyncio.Task[T]]()

    def fill() -> None:
        running.extend(
            asyncio.create_task(call()) for call in islice(waiting, at_once - len(running))
        )

    try:
        fill()
        while running:
            result = await running[0]
            running.popleft()
            fill()
            yield result
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
