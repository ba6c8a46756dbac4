"""Live progress of document jobs."""

from collections.abc import AsyncIterator

from fastapi import APIRouter

from tenant_agent.web.deps import LanguageDep, LastEventId, ServicesDep, SessionDep, SessionToken
from tenant_agent.web.present import document_out
from tenant_agent.web.problems import responses
from tenant_agent.web.sse import EventStream, ServerSentEvent

router = APIRouter(prefix="/jobs", tags=["jobs"])

EVENTS = (
    "Event `document`: data is a Document whenever its job changed. Without Last-Event-ID it "
    "starts with the documents that are not finished."
)


@router.get(
    "/events",
    operation_id="streamJobEvents",
    response_class=EventStream,
    responses={
        200: {
            "description": EVENTS,
            "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Document"}}},
        },
        **responses(401, 403),
    },
)
async def stream_job_events(
    services: ServicesDep,
    _session: SessionDep,
    token: SessionToken,
    language: LanguageDep,
    last_event_id: LastEventId = None,
) -> EventStream:
    """Stream every change of every document's job for as long as the session lasts."""

    async def events() -> AsyncIterator[ServerSentEvent]:
        async for sequence, record in services.progress.changes(last_event_id):
            if await services.accounts.session(token) is None:
                return
            data = document_out(record, language).model_dump_json()
            yield ServerSentEvent("document", data, str(sequence))

    return EventStream(events())
