"""The OpenAPI document: FastAPI's, plus the bodies that only travel as server-sent events."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from tenant_agent.web import models

STREAMED = (
    models.StatusEvent,
    models.SourcesEvent,
    models.TokenEvent,
    models.CitationEvent,
    models.DoneEvent,
    models.StoppedEvent,
    models.ErrorEvent,
    models.Problem,
)


def build_document(app: FastAPI) -> dict[str, Any]:
    """Return the document of `app` with the schemas of streamed events."""
    document = get_openapi(title=app.title, version="1", routes=app.routes, summary=app.summary)
    _, schema = models_json_schema(
        [(model, "serialization") for model in STREAMED],
        ref_template="#/components/schemas/{model}",
    )
    document["components"]["schemas"].update(schema["$defs"])
    _use_problem_for_invalid(document)
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    return document


def _use_problem_for_invalid(document: dict[str, Any]) -> None:
    """Describe 422 as it is answered: FastAPI's own error shape is never sent."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in document["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"]["content"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
