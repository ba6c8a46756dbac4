"""The API against Hetzner's own document, whose path is `HETZNER_OPENAPI`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from localcloud.hetzner.cloud import Settings
from localcloud.hetzner.conformance import Document
from localcloud.hetzner.operations import ROUTES
from localcloud.hetzner.unimplemented import OPERATIONS
from plugins.fix_hetzner import TOKEN, StartHetzner
from schemathesis.core.result import Ok

README = Path(__file__).parents[3] / "hack/localcloud/README.md"
EXAMPLES = 3

needs_document = pytest.mark.skipif(
    "HETZNER_OPENAPI" not in os.environ,
    reason="HETZNER_OPENAPI does not name Hetzner's OpenAPI document",
)


def listed_in_the_readme() -> list[str]:
    """The bullets below "What is not there"."""
    section = README.read_text().partition("### What is not there")[2].partition("###")[0]
    return re.findall(r"^- `([A-Z]+ /\S+)`$", section, re.MULTILINE)


def test_the_readme_lists_exactly_what_answers_501(start_hetzner_api: StartHetzner) -> None:
    """Asked on the wire: every operation, with numbers and names that mean nothing."""
    api = start_hetzner_api(settings=Settings(requests_per_hour=10**9))
    refused = []
    for route in ROUTES:
        path = re.sub(r"\{(id|action_id)\}", "1", re.sub(r"\{[a-z_]*name\}", "x", route.path))
        answer = api.ask(route.method, path.replace("{rr_type}", "A"))
        if answer.status_code == 501:
            assert answer.json()["error"]["code"] == "not_implemented"
            refused.append(route.operation)
    assert refused == list(OPERATIONS)
    assert listed_in_the_readme() == refused


@needs_document
def test_every_operation_of_the_document_has_a_route(hetzner_document: Document) -> None:
    published = {
        f"{method.upper()} {path}"
        for path, operations in hetzner_document["paths"].items()
        for method in operations
        if method in ("get", "post", "put", "delete")
    }
    served = {route.operation for route in ROUTES}
    assert published - served == set()
    assert served - published == set()


@needs_document
@pytest.mark.timeout(600)
def test_no_answer_to_made_up_requests_breaks_the_document(
    start_hetzner_api: StartHetzner, hetzner_document: Document
) -> None:
    """Requests that schemathesis makes up from the document; the fixture checks the answers."""
    api = start_hetzner_api(settings=Settings(requests_per_hour=10**9))
    schema = schemathesis.openapi.from_dict(hetzner_document)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    broken: list[str] = []

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(base_url=api.url, headers=headers)
            if answer.status_code in (500, 502, 503, 504):
                broken.append(f"{case.method} {case.path}: {answer.text}")

        ask()
    assert broken == []
