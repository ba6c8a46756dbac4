"""Upload, list, open, retry and delete documents."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from tenant_agent.web.deps import (
    CursorQuery,
    LanguageDep,
    LimitQuery,
    PassageQuery,
    ServicesDep,
    SessionDep,
)
from tenant_agent.web.file_response import StoredFileResponse
from tenant_agent.web.models import Document, DocumentList, Page
from tenant_agent.web.present import document_out, page_out
from tenant_agent.web.problems import responses
from tenant_agent.web.upload import receive_upload

router = APIRouter(prefix="/documents", tags=["documents"])

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "One file"}
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    operation_id="uploadDocument",
    openapi_extra=UPLOAD_BODY,
    responses=responses(401, 403, 409, 413, 422, 507),
)
async def upload_document(
    request: Request, services: ServicesDep, session: SessionDep, language: LanguageDep
) -> Document:
    """Take in one file; reading it goes on as a job. Unreadable files give a failed job."""
    record = await receive_upload(request, services.documents, session)
    return document_out(record, language)


@router.get("", operation_id="listDocuments", responses=responses(401, 403))
async def list_documents(
    services: ServicesDep,
    _session: SessionDep,
    language: LanguageDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> DocumentList:
    """Return documents with the state of their jobs, newest first."""
    records, following = await services.documents.page_of(cursor=cursor, limit=limit)
    items = [document_out(record, language) for record in records]
    return DocumentList(items=items, next_cursor=following)


@router.get("/{document_id}", operation_id="getDocument", responses=responses(401, 403, 404))
async def get_document(
    document_id: UUID, services: ServicesDep, _session: SessionDep, language: LanguageDep
) -> Document:
    """Return one document."""
    return document_out(await services.documents.get(document_id), language)


@router.delete(
    "/{document_id}",
    status_code=204,
    operation_id="deleteDocument",
    responses=responses(401, 403, 404, 409),
)
async def delete_document(document_id: UUID, services: ServicesDep, _session: SessionDep) -> None:
    """Delete the file, its text, its index entries and its passages in stored citations."""
    await services.documents.delete(document_id)


@router.post(
    "/{document_id}/retry",
    status_code=202,
    operation_id="retryDocument",
    responses=responses(401, 403, 404, 409),
)
async def retry_document(
    document_id: UUID, services: ServicesDep, _session: SessionDep, language: LanguageDep
) -> Document:
    """Start a failed job again."""
    return document_out(await services.documents.retry(document_id), language)


@router.get(
    "/{document_id}/file",
    operation_id="getDocumentFile",
    response_class=StoredFileResponse,
    responses={
        200: {
            "description": "The original file; PDF inline (`#page=n` works), others as download",
            "content": {"application/octet-stream": {}, "application/pdf": {}},
        },
        **responses(401, 403, 404, 416),
    },
)
async def get_document_file(
    document_id: UUID, services: ServicesDep, _session: SessionDep
) -> StoredFileResponse:
    """Return the original file."""
    stored = await services.documents.file(document_id)
    inline = stored.media_type == "application/pdf"
    return StoredFileResponse(
        stored.path,
        media_type=stored.media_type if inline else "application/octet-stream",
        filename=stored.name,
        content_disposition_type="inline" if inline else "attachment",
    )


@router.get(
    "/{document_id}/pages/{number}",
    operation_id="getDocumentPage",
    responses=responses(401, 403, 404, 422),
)
async def get_document_page(
    document_id: UUID,
    number: int,
    services: ServicesDep,
    _session: SessionDep,
    passage: PassageQuery = None,
) -> Page:
    """Return the text of a page, with the passage of a citation marked."""
    return page_out(await services.documents.text_page(document_id, number, passage))
