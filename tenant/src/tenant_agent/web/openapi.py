"""The OpenAPI document: FastAPI's, plus the bodies that only travel as server-sent events.

`python -m tenant_agent.web.openapi` writes `tenant/openapi.json`; a test holds that it is current.
"""

import json
import sys
from pathlib import Path
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


def main() -> None:
    """Write the document to the path given, or to standard output."""
    from tenant_agent.web.app import create_documented_app

    text = json.dumps(build_document(create_documented_app()), indent=2, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
