"""From records to bodies: sentences in the reader's language, offsets as JavaScript counts."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from tenant_agent import sentences
from tenant_agent.errors import ModelFailure
from tenant_agent.services.accounts import Session
from tenant_agent.services.chat import Chat
from tenant_agent.settings import Settings
from tenant_agent.store.records import DocumentRecord, JobRecord, MessageRecord, PageRecord
from tenant_agent.web.models import (
    Citation,
    Document,
    DoneEvent,
    ErrorEvent,
    Failure,
    Highlight,
    Job,
    Me,
    Message,
    Page,
    StoppedEvent,
)
from tenant_agent.web.sse import ServerSentEvent

RETRYABLE = ModelFailure.RETRYABLE | {
    "interrupted",
    "gave_up",
    "internal",
    "reading_too_long",
    "database_down",
    "redis_down",
}


def me_out(session: Session, settings: Settings) -> Me:
    """Return who is signed in and what may be sent."""
    return Me.model_validate({**asdict(session), "upload_limit": settings.max_upload_bytes})


def failure_out(code: str | None, values: dict[str, Any], language: str) -> Failure | None:
    """Return code and sentence of a failure."""
    if code is None:
        return None
    message = sentences.detail(code, language, **values)
    return Failure(code=code, message=message, retryable=code in RETRYABLE)


def _job_failure(record: JobRecord, language: str) -> Failure | None:
    """Return why a job failed or, of one that waits, for what: nobody can or need retry that."""
    if record.failure_code is None or record.state == "failed":
        return failure_out(record.failure_code, record.failure_values, language)
    message = sentences.waiting(record.failure_code, language)
    return Failure(code=record.failure_code, message=message, retryable=False)


def job_out(record: JobRecord, language: str) -> Job:
    """Return the body of a job."""
    return Job(
        id=record.id,
        document_id=record.document_id,
        state=record.state,
        stage=record.stage,
        progress=record.progress,
        attempt=record.attempt,
        failure=_job_failure(record, language),
        next_attempt_at=record.next_attempt_at,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def document_out(record: DocumentRecord, language: str) -> Document:
    """Return the body of a document."""
    return Document(
        id=record.id,
        name=record.name,
        kind=record.kind,
        media_type=record.media_type,
        size=record.size,
        language=record.language,
        page_count=record.page_count,
        paged=record.paged,
        state=record.state,
        job=job_out(record.job, language),
        created_at=record.created_at,
    )


def utf16_offset(text: str, offset: int) -> int:
    """Return how many UTF-16 code units the first `offset` code points of `text` take."""
    return len(text[:offset].encode("utf-16-le")) // 2


def page_out(record: PageRecord) -> Page:
    """Return the body of a page."""
    highlights = []
    if record.start is not None and record.end is not None:
        start, end = (utf16_offset(record.text, at) for at in (record.start, record.end))
        highlights.append(Highlight(start=start, end=end))
    return Page(
        document_id=record.document_id,
        document_name=record.document_name,
        number=record.number,
        page_count=record.page_count,
        paged=record.paged,
        text=record.text,
        highlights=highlights,
    )


def message_out(record: MessageRecord, language: str) -> Message:
    """Return the body of a message."""
    return Message(
        id=record.id,
        conversation_id=record.conversation_id,
        role=record.role,
        content=record.content,
        language=record.language,
        state=record.state,
        outcome=record.outcome,
        citations=[Citation.model_validate(item) for item in record.citations],
        removed_sentences=record.removed_sentences,
        failure=failure_out(record.failure_code, record.failure_values, language),
        created_at=record.created_at,
    )


async def chat_events(
    chat: Chat, message: MessageRecord, language: str, *, after: str | None = None
) -> AsyncIterator[ServerSentEvent]:
    """Return the events of an answer; the last one carries the stored message or its failure."""
    async for event in chat.events(message, after):
        if event.name == "end":
            yield _final(event.id, await chat.message(message.id), language)
            return
        yield ServerSentEvent(event.name, json.dumps(event.data, ensure_ascii=False), event.id)


def _final(event_id: str, record: MessageRecord, language: str) -> ServerSentEvent:
    failure = failure_out(record.failure_code, record.failure_values, language)
    if failure is not None:
        body = ErrorEvent(message_id=record.id, failure=failure).model_dump_json()
        return ServerSentEvent("error", body, event_id)
    message = message_out(record, language)
    if record.state == "stopped":
        stopped = StoppedEvent(message=message).model_dump_json()
        return ServerSentEvent("stopped", stopped, event_id)
    return ServerSentEvent("done", DoneEvent(message=message).model_dump_json(), event_id)
