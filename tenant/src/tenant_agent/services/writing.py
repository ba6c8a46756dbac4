"""The answers this process writes: a task each, its sign of life, and every way it can end.

The task belongs to the process, not to the connection: a reader who goes away and comes back finds
the answer going on. It ends complete, failed, or stopped: by its reader, because for a while
nobody read it, so that a closed tab does not go on costing tokens, or by the model's limit of
length. A process that ends marks its answers as interrupted; one that is killed is found by its
missing heartbeat.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import structlog

from tenant_agent.agent.models.port import Turn
from tenant_agent.agent.small_talk import small_talk
from tenant_agent.errors import AgentError
from tenant_agent.metrics import ANSWER_SECONDS, ANSWERS, MODEL_TOKENS
from tenant_agent.services.answer_log import END, AnswerLog
from tenant_agent.services.answering import Answering, Task
from tenant_agent.settings import Settings
from tenant_agent.store import conversations as store
from tenant_agent.store import documents
from tenant_agent.store.conversations import StoredAnswer
from tenant_agent.store.pool import Database, DatabaseUnavailable
from tenant_agent.store.records import MessageRecord

log = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 2.0
DRAIN_SECONDS = 20.0
STOPPED = "stopped"


def history_of(messages: list[MessageRecord], before: UUID) -> list[MessageRecord]:
    """Return the complete messages before a question."""
    earlier = []
    for message in messages:
        if message.id == before:
            break
        if message.state == "complete":
            earlier.append(message)
    return earlier


def task_of(message: MessageRecord, messages: list[MessageRecord]) -> Task:
    """Return what an answer has to answer, from the messages of its conversation."""
    question = next(item for item in messages if item.id == message.question_id)
    earlier = history_of(messages, question.id)
    turns = tuple(
        Turn("user" if item.role == "user" else "model", item.content) for item in earlier
    )
    said = (item.content for item in earlier if item.role == "user")
    asked = tuple(text for text in said if small_talk(text) is None)
    return Task(question.content, message.language or "en", turns, asked)


class Writing:
    """Begin, stop, and let end."""

    def __init__(
        self,
        database: Database,
        answer_log: AnswerLog,
        make_answering: Callable[[], Answering],
        settings: Settings,
    ) -> None:
        self._database = database
        self._log = answer_log
        self._make_answering = make_answering
        self._timeout = settings.answer_timeout_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._stops: dict[UUID, asyncio.Event] = {}

    @property
    def running(self) -> int:
        """Return how many answers are being written."""
        return len(self._tasks)

    def begin(self, message: MessageRecord) -> None:
        """Write an answer from now on, whoever reads it."""
        stop = self._stops[message.id] = asyncio.Event()
        task = asyncio.create_task(self._run(message, stop), name=f"answer-{message.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self, message_id: UUID) -> None:
        """Stop an answer now if this process writes it; another one's hears it by its row."""
        if message_id in self._stops:
            self._stops[message_id].set()

    async def _run(self, message: MessageRecord, stop: asyncio.Event) -> None:
        """Write the answer; every way out leaves the row complete, stopped or failed."""
        answering = self._make_answering()
        started = time.monotonic()
        beat = asyncio.create_task(self._beat(message.id, stop))
        try:
            async with asyncio.timeout(self._timeout):
                if not await _until(stop, self._write(message, answering)):
                    await self._store(message, answering.so_far(message.language), answering)
        except AgentError as error:
            await self._fail(message, (error.code, error.values), answering)
        except DatabaseUnavailable:
            await self._fail(message, ("database_down", {}), answering)
        except TimeoutError:
            await self._fail(message, ("model_slow", {}), answering)
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(message, ("interrupted", {}), answering))
            raise
        except Exception as error:
            log.error("answer failed unexpectedly", exc_info=error)
            await self._fail(message, ("model_error", {}), answering)
        finally:
            beat.cancel()
            # A retry may have begun already: its stop is not ours to take away.
            if self._stops.get(message.id) is stop:
                del self._stops[message.id]
            ANSWER_SECONDS.observe(time.monotonic() - started)

    async def _write(self, message: MessageRecord, answering: Answering) -> None:
        ids = {
            "message_id": str(message.id),
            "question_id": str(message.question_id),
            "conversation_id": str(message.conversation_id),
        }

        async def emit(name: str, data: dict[str, Any]) -> None:
            body = {**data, **ids} if name == "status" else data
            await self._log.append(message.id, name, body)

        await emit("status", {"stage": "searching"})
        async with self._database.transaction() as connection:
            messages = await store.messages(connection, message.conversation_id)
        answer = await answering.answer(task_of(message, messages), emit)
        await self._store(message, answer, answering)

    async def _store(
        self, message: MessageRecord, answer: StoredAnswer, answering: Answering
    ) -> None:
        put = store.complete if answer.outcome else store.stop
        cited = {str(citation["document_id"]) for citation in answer.citations}
        async with self._database.transaction() as connection:
            existing = await documents.hold(connection, cited)
            await put(connection, message.id, answer)
            # Deleted while the answer was written: its words go as from answers stored before.
            for document_id in cited - existing:
                await documents.forget_in_citations(connection, document_id)
        await self._log.append(message.id, END, {})
        self._count(answer.outcome or STOPPED, answering)

    async def _fail(
        self, message: MessageRecord, cause: tuple[str, dict[str, Any]], answering: Answering
    ) -> None:
        try:
            async with self._database.transaction() as connection:
                await store.fail(connection, message.id, cause, answering.usage.as_dict())
        except DatabaseUnavailable:
            log.warning("failure not stored; the sweep will", message=str(message.id))
            return
        await self._log.append(message.id, END, {})
        self._count(cause[0], answering)

    def _count(self, outcome: str, answering: Answering) -> None:
        ANSWERS.labels(outcome).inc()
        for kind, number in answering.usage.as_dict().items():
            MODEL_TOKENS.labels(kind).inc(number)

    async def _beat(self, message_id: UUID, stop: asyncio.Event) -> None:
        """Give signs of life; stop when nobody wants the answer or nobody reads it."""
        while not stop.is_set():
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                async with self._database.transaction() as connection:
                    wanted = await store.heartbeat(connection, message_id)
            except DatabaseUnavailable:
                continue
            if not (wanted and await self._log.is_read(message_id)):
                stop.set()

    async def close(self) -> None:
        """Let running answers end, for a while; the rest is marked as interrupted."""
        if not self._tasks:
            return
        _, running = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _until(stop: asyncio.Event, writing: Coroutine[Any, Any, None]) -> bool:
    """Await `writing`; returns False when `stop` cut it short."""
    work, halt = asyncio.create_task(writing), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, halt}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        halt.cancel()
        await asyncio.wait({work, halt})
    if work.cancelled():
        return False
    work.result()
    return True
