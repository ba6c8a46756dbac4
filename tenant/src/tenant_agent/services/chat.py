"""Questions and their answers: rows first, then a task that writes, then events to whoever reads.

The task belongs to the process, not to the connection: a reader who goes away and comes back finds
the answer going on. A process that ends marks its answers as interrupted; one that is killed is
found by its missing heartbeat.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from tenant_agent.agent.models.port import Turn
from tenant_agent.errors import AgentError, Refused
from tenant_agent.metrics import ANSWER_SECONDS, ANSWERS, MODEL_TOKENS
from tenant_agent.retrieval.languages import detect_language
from tenant_agent.services.answer_log import END, AnswerLog, Event
from tenant_agent.services.answering import Answering, Task
from tenant_agent.settings import Settings
from tenant_agent.store import conversations as store
from tenant_agent.store.pool import Connection, Database, DatabaseUnavailable
from tenant_agent.store.records import MessageRecord

log = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 5.0
DRAIN_SECONDS = 20.0
TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks."""

    text: str
    asked_language: str | None
    reader_language: str


def answer_language(question: Question, offered: list[str]) -> str:
    """Return the language to answer in: asked for, else the question's, else the reader's."""
    if question.asked_language in offered:
        return str(question.asked_language)
    detected = detect_language(question.text, question.reader_language)
    return detected if detected in offered else question.reader_language


def history_of(messages: list[MessageRecord], before: UUID) -> list[MessageRecord]:
    """Return the complete messages before a question."""
    earlier = []
    for message in messages:
        if message.id == before:
            break
        if message.state == "complete":
            earlier.append(message)
    return earlier


class Chat:
    """Ask, retry, follow."""

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
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def _refuse_crowd(self) -> None:
        if len(self._tasks) >= self._settings.answers_at_once:
            raise Refused("too_many_questions", retry_after=5)

    async def ask(self, account: UUID, conversation_id: UUID, question: Question) -> MessageRecord:
        """Store the question, begin the answer and return its message.

        Raises:
            Refused: `not_found`, `still_answering` or `too_many_questions`.
            Unavailable: Redis does not answer.
        """
        self._refuse_crowd()
        language = answer_language(question, self._settings.language_list)
        async with self._database.transaction() as connection:
            message = await self._open(
                connection, (account, conversation_id), question.text, language
            )
        await self._begin(message)
        return message

    async def _open(
        self, connection: Connection, place: tuple[UUID, UUID], text: str, language: str
    ) -> MessageRecord:
        account, conversation_id = place
        if await store.by_id(connection, account, conversation_id) is None:
            raise Refused("not_found")
        question_id = await store.insert_question(connection, conversation_id, text, language)
        answer_id = await store.insert_answer(connection, conversation_id, question_id, language)
        if answer_id is None:
            raise Refused("still_answering")
        await store.touch(connection, conversation_id, _title(text))
        await self._log.begin(answer_id)
        return _found(await store.message(connection, answer_id))

    async def retry(self, account: UUID, conversation_id: UUID, message_id: UUID) -> MessageRecord:
        """Begin a failed answer again.

        Raises:
            Refused: `not_found`, `not_retryable` or `too_many_questions`.
        """
        self._refuse_crowd()
        async with self._database.transaction() as connection:
            if await store.by_id(connection, account, conversation_id) is None:
                raise Refused("not_found")
            message = _found(await store.message(connection, message_id))
            if message.conversation_id != conversation_id:
                raise Refused("not_found")
            if not await store.begin_again(connection, message_id):
                raise Refused("not_retryable")
            await self._log.begin(message_id)
        await self._begin(message)
        return message

    async def _begin(self, message: MessageRecord) -> None:
        task = asyncio.create_task(self._run(message), name=f"answer-{message.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def message(self, message_id: UUID) -> MessageRecord:
        """Return a message as stored; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            return _found(await store.message(connection, message_id))

    async def events(self, message: MessageRecord, after: str | None) -> AsyncIterator[Event]:
        """Yield the events of an answer after a place; the last is `end`."""
        async for event in self._log.follow(message.id, after):
            if event is not None:
                yield event
            elif (await self.message(message.id)).state != "streaming":
                yield Event("", END, {})
                return

    async def _task_of(self, message: MessageRecord) -> Task:
        async with self._database.transaction() as connection:
            messages = await store.messages(connection, message.conversation_id)
        question = next(item for item in messages if item.id == message.question_id)
        earlier = history_of(messages, question.id)
        turns = tuple(
            Turn("user" if item.role == "user" else "model", item.content) for item in earlier
        )
        asked = tuple(item.content for item in earlier if item.role == "user")
        return Task(question.content, message.language or "en", turns, asked)

    async def _run(self, message: MessageRecord) -> None:
        """Write the answer; every way out leaves the row complete or failed."""
        answering = self._make_answering()
        started = time.monotonic()
        beat = asyncio.create_task(self._beat(message.id))
        try:
            async with asyncio.timeout(self._settings.answer_timeout_seconds):
                await self._write(message, answering)
        except AgentError as error:
            await self._fail(message, (error.code, error.values), answering)
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
        answer = await answering.answer(await self._task_of(message), emit)
        async with self._database.transaction() as connection:
            await store.complete(connection, message.id, answer)
        await self._log.append(message.id, END, {})
        self._count(answer.outcome, answering)

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

    async def _beat(self, message_id: UUID) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            with contextlib.suppress(DatabaseUnavailable):
                async with self._database.transaction() as connection:
                    await store.heartbeat(connection, message_id)

    async def close(self) -> None:
        """Let running answers end, for a while; the rest is marked as interrupted."""
        if not self._tasks:
            return
        _, running = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1].rstrip()}…"


def _found(record: MessageRecord | None) -> MessageRecord:
    if record is None:
        raise Refused("not_found")
    return record
