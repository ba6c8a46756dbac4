"""Questions and answers: rows first, then a task that writes, then events to whoever reads."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from tenant_agent.errors import Refused
from tenant_agent.retrieval.languages import detect_language
from tenant_agent.services.answer_log import END, AnswerLog, Event
from tenant_agent.services.writing import Writing
from tenant_agent.settings import Settings
from tenant_agent.store import conversations as store
from tenant_agent.store.pool import Connection, Database
from tenant_agent.store.records import MessageRecord

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


class Chat:
    """Ask, retry, stop, follow."""

    def __init__(
        self, database: Database, answer_log: AnswerLog, writing: Writing, settings: Settings
    ) -> None:
        self._database = database
        self._log = answer_log
        self._writing = writing
        self._settings = settings

    def _refuse_crowd(self) -> None:
        if self._writing.running >= self._settings.answers_at_once:
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
        self._writing.begin(message)
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
        """Begin a failed or stopped answer again.

        Raises:
            Refused: `not_found`, `not_retryable` or `too_many_questions`.
        """
        self._refuse_crowd()
        async with self._database.transaction() as connection:
            message = await _message(connection, (account, conversation_id), message_id)
            if not await store.begin_again(connection, message_id):
                raise Refused("not_retryable")
            await self._log.begin(message_id)
        self._writing.begin(message)
        return message

    async def stop(self, account: UUID, conversation_id: UUID, message_id: UUID) -> None:
        """End an answer that is being written; one that has ended stays as it is.

        What was proven by then is stored as stopped; the stream ends with that. The order comes
        by the row as well, for an answer that another process writes.

        Raises:
            Refused: `not_found`.
        """
        async with self._database.transaction() as connection:
            await _message(connection, (account, conversation_id), message_id)
            await store.ask_to_stop(connection, message_id)
        self._writing.stop(message_id)

    async def message(self, message_id: UUID) -> MessageRecord:
        """Return a message as stored; raises Refused `not_found`."""
        async with self._database.transaction() as connection:
            return _found(await store.message(connection, message_id))

    async def events(self, message: MessageRecord, after: str | None) -> AsyncIterator[Event]:
        """Yield the events of an answer after a place; the last is `end`."""
        async for event in self._log.follow(message.id, after):
            if event is not None and event.name != END:
                yield event
            # The end of a failed attempt may reach the log after the next one has begun.
            elif (await self.message(message.id)).state != "streaming":
                yield event or Event("", END, {})
                return

    async def close(self) -> None:
        """Let running answers end, for a while."""
        await self._writing.close()


async def _message(
    connection: Connection, place: tuple[UUID, UUID], message_id: UUID
) -> MessageRecord:
    """Return a message of an account's conversation; raises Refused `not_found`."""
    account, conversation_id = place
    if await store.by_id(connection, account, conversation_id) is None:
        raise Refused("not_found")
    message = _found(await store.message(connection, message_id))
    if message.conversation_id != conversation_id:
        raise Refused("not_found")
    return message


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1].rstrip()}…"


def _found(record: MessageRecord | None) -> MessageRecord:
    if record is None:
        raise Refused("not_found")
    return record
