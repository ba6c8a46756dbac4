"""Conversations, their messages, and the answer as a stream that can be resumed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from tenant_agent.services.chat import Question
from tenant_agent.web.deps import (
    CursorQuery,
    LanguageDep,
    LastEventId,
    LimitQuery,
    ServicesDep,
    SessionDep,
)
from tenant_agent.web.models import (
    Ask,
    Conversation,
    ConversationCreate,
    ConversationList,
    ConversationUpdate,
    MessageList,
)
from tenant_agent.web.present import chat_events, message_out
from tenant_agent.web.problems import responses
from tenant_agent.web.sse import EventStream

router = APIRouter(prefix="/conversations", tags=["conversations"])

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `status`, `sources`, `token`, `citation`, and one of `done`, "
        "`stopped`, `error` at the end; each has an id, `…/events` with Last-Event-ID continues "
        "after it for an hour",
        "content": {
            "text/event-stream": {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{name}"}
                        for name in (
                            "StatusEvent",
                            "SourcesEvent",
                            "TokenEvent",
                            "CitationEvent",
                            "DoneEvent",
                            "StoppedEvent",
                            "ErrorEvent",
                        )
                    ]
                }
            }
        },
    }
}


@router.get("", operation_id="listConversations", responses=responses(401, 403))
async def list_conversations(
    services: ServicesDep, session: SessionDep, cursor: CursorQuery = None, limit: LimitQuery = 50
) -> ConversationList:
    """Return the account's conversations, last used first."""
    records, following = await services.conversations.page_of(
        session.id, cursor=cursor, limit=limit
    )
    items = [Conversation.model_validate(record) for record in records]
    return ConversationList(items=items, next_cursor=following)


@router.post(
    "", status_code=201, operation_id="createConversation", responses=responses(401, 403, 422)
)
async def create_conversation(
    body: ConversationCreate, services: ServicesDep, session: SessionDep
) -> Conversation:
    """Open a conversation."""
    record = await services.conversations.create(session.id, body.title)
    return Conversation.model_validate(record)


@router.get(
    "/{conversation_id}", operation_id="getConversation", responses=responses(401, 403, 404)
)
async def get_conversation(
    conversation_id: UUID, services: ServicesDep, session: SessionDep
) -> Conversation:
    """Return one conversation."""
    return Conversation.model_validate(
        await services.conversations.get(session.id, conversation_id)
    )


@router.patch(
    "/{conversation_id}", operation_id="renameConversation", responses=responses(401, 403, 404, 422)
)
async def rename_conversation(
    conversation_id: UUID, body: ConversationUpdate, services: ServicesDep, session: SessionDep
) -> Conversation:
    """Give a conversation another title."""
    record = await services.conversations.rename(session.id, conversation_id, body.title)
    return Conversation.model_validate(record)


@router.delete(
    "/{conversation_id}",
    status_code=204,
    operation_id="deleteConversation",
    responses=responses(401, 403, 404),
)
async def delete_conversation(
    conversation_id: UUID, services: ServicesDep, session: SessionDep
) -> None:
    """Delete a conversation with all its messages."""
    await services.conversations.delete(session.id, conversation_id)


@router.get(
    "/{conversation_id}/messages", operation_id="listMessages", responses=responses(401, 403, 404)
)
async def list_messages(
    conversation_id: UUID, services: ServicesDep, session: SessionDep, language: LanguageDep
) -> MessageList:
    """Return all messages, oldest first."""
    records = await services.conversations.messages(session.id, conversation_id)
    return MessageList(items=[message_out(record, language) for record in records])


@router.post(
    "/{conversation_id}/messages",
    operation_id="askQuestion",
    response_class=EventStream,
    responses={**STREAM, **responses(401, 403, 404, 409, 422, 429, 503)},
)
async def ask_question(
    conversation_id: UUID,
    body: Ask,
    services: ServicesDep,
    session: SessionDep,
    language: LanguageDep,
) -> EventStream:
    """Ask; the answer streams, and goes on being written for a while when nobody reads it."""
    question = Question(body.question, asked_language=body.language, reader_language=language)
    message = await services.chat.ask(session.id, conversation_id, question)
    return EventStream(chat_events(services.chat, message, language))


@router.post(
    "/{conversation_id}/messages/{message_id}/retry",
    operation_id="retryMessage",
    response_class=EventStream,
    responses={**STREAM, **responses(401, 403, 404, 409, 429, 503)},
)
async def retry_message(
    conversation_id: UUID,
    message_id: UUID,
    services: ServicesDep,
    session: SessionDep,
    language: LanguageDep,
) -> EventStream:
    """Try a failed or stopped answer again."""
    message = await services.chat.retry(session.id, conversation_id, message_id)
    return EventStream(chat_events(services.chat, message, language))


@router.post(
    "/{conversation_id}/messages/{message_id}/stop",
    status_code=204,
    operation_id="stopMessage",
    responses=responses(401, 403, 404),
)
async def stop_message(
    conversation_id: UUID, message_id: UUID, services: ServicesDep, session: SessionDep
) -> None:
    """End an answer being written; its stream ends with `stopped`. One that ended stays."""
    await services.chat.stop(session.id, conversation_id, message_id)


@router.get(
    "/{conversation_id}/messages/{message_id}/events",
    operation_id="resumeMessage",
    response_class=EventStream,
    responses={**STREAM, **responses(401, 403, 404, 503)},
)
async def resume_message(
    conversation_id: UUID,
    message_id: UUID,
    services: ServicesDep,
    session: SessionDep,
    language: LanguageDep,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Continue the stream of an answer after the last event the client saw."""
    message = await services.conversations.message(session.id, conversation_id, message_id)
    return EventStream(chat_events(services.chat, message, language, after=last_event_id))
