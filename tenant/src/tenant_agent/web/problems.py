"""Errors as RFC 9457 problem documents; the only place that knows exception and status."""

import secrets
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tenant_agent import sentences
from tenant_agent.errors import AgentError, Refused, Unavailable
from tenant_agent.store.pool import DatabaseUnavailable
from tenant_agent.web.language import preferred_language
from tenant_agent.web.models import Problem

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger(__name__)
# Written out, because Python's own phrases differ between its versions.
PHRASES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    503: "Service Unavailable",
    507: "Insufficient Storage",
}
ROUTING = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    416: "range_not_satisfiable",
}


def _language(request: Request) -> str:
    offered = request.app.state.services.settings.language_list
    return preferred_language(request.headers.get("accept-language", ""), offered)


def problem_response(request: Request, error: AgentError, errors: list[str]) -> JSONResponse:
    """Return the problem document for `error` in the reader's language."""
    language = _language(request)
    body = Problem(
        type=f"/problems/{error.code.replace('_', '-')}",
        title=sentences.title(error.status, language),
        status=error.status,
        detail=sentences.detail(error.code, language, **error.values),
        code=error.code,
        retry_after=error.retry_after,
        document_id=error.values.get("document_id"),
        errors=errors,
    )
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else None
    return JSONResponse(
        body.model_dump(mode="json"), error.status, headers=headers, media_type=MEDIA_TYPE
    )


async def _on_agent_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, AgentError):
        raise error
    return problem_response(request, error, [])


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    for item in error.errors():
        if item["type"] == "string_too_long" and item["loc"][0] == "body":
            refused = Refused("text_too_long", limit=item["ctx"]["max_length"])
            return problem_response(request, refused, [])
    fields = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    return problem_response(request, Refused("invalid_request"), fields)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    wrapped = AgentError(ROUTING.get(error.status_code, "invalid_request"))
    wrapped.status = error.status_code
    response = problem_response(request, wrapped, [])
    response.headers.update(error.headers or {})
    return response


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    log.warning("database unavailable", error=type(error).__name__)
    return problem_response(request, Unavailable("database_down", retry_after=5), [])


class UnexpectedErrors:
    """Answers what nobody foresaw, as plain ASGI middleware inside all others.

    Starlette's handler of last resort sits outside them, so that its answer lacks their headers,
    and raises again, at which the server cuts the connection of the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; half an answer is cut off, which is all one can tell by then."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            log.info("the client went away", path=scope["path"])
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            reference = secrets.token_hex(4)
            log.error("unexpected error", reference=reference, path=scope["path"], exc_info=error)
            unforeseen = AgentError("internal", reference=reference)
            await problem_response(Request(scope), unforeseen, [])(scope, receive, send)


def install(app: FastAPI) -> None:
    """Register the handlers on `app`, before any middleware: the first is the innermost."""
    app.add_exception_handler(AgentError, _on_agent_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DatabaseUnavailable, _on_database)
    app.add_middleware(UnexpectedErrors)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the errors a route may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {s: {"description": PHRASES[s], "content": content} for s in statuses}
