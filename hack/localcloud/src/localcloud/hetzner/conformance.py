"""Checks every answer: always against our own shapes, and against Hetzner's document if given.

The document is not part of this repository; its path is a setting (`HETZNER_OPENAPI` in the
tests). `overlaid` brings a document of July 2026 up to what changed until November 2026.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from localcloud.hetzner import shapes
from localcloud.hetzner.door import Exchange
from localcloud.hetzner.unimplemented import OPERATIONS

Document = dict[str, Any]

_GONE = ("/datacenters", "/datacenters/{id}")
_MEMBER = {
    "type": "object",
    "required": ["id", "type", "ip", "alias_ips", "subnet", "status"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer"},
        "type": {"enum": ["server", "load_balancer"]},
        "ip": {"type": "string"},
        "alias_ips": {"type": "array", "items": {"type": "string"}},
        "subnet": {"type": "string"},
        "status": {"enum": ["ok", "attaching", "detaching", "updating", "error"]},
    },
}


def overlaid(document: Document) -> Document:
    """The document with the changes that came after it, and a slip of its own put right."""
    _mend(document)
    members = {"type": "object", "required": ["members", "meta"]}
    members["properties"] = {"members": {"type": "array", "items": _MEMBER}}  # type: ignore[assignment]
    answer = {"content": {"application/json": {"schema": members}}}
    known = document["paths"]["/networks/{id}"]["get"]
    responses = {**known["responses"], "200": answer}
    document["paths"]["/networks/{id}/members"] = {"get": {**known, "responses": responses}}
    for path in _GONE:
        document["paths"][path]["get"]["responses"].pop("200", None)
    return document


def _mend(node: Any) -> None:
    """Change, everywhere below, what a schema says.

    Primary IPs that nobody has show `assignee_type: unassigned` since August 2026. A type that
    may be null has, in places, an enumeration without it: nullable is what was meant.
    """
    if isinstance(node, list):
        for item in node:
            _mend(item)
    if not isinstance(node, dict):
        return
    kinds, values = node.get("type"), node.get("enum")
    if isinstance(kinds, list) and "null" in kinds and isinstance(values, list):
        node["enum"] = list(dict.fromkeys([*values, None]))
    kind = node.get("assignee_type")
    if isinstance(kind, dict) and kind.get("enum") == ["server"]:
        kind["enum"] = ["server", "unassigned"]
    for value in node.values():
        _mend(value)


def load(path: Path) -> Document:
    """Read a document and bring it up to date."""
    document: Document = json.loads(path.read_text())
    return overlaid(document)


class Conformance:
    """An observer that collects what is wrong with answers."""

    def __init__(self, document: Document | None = None) -> None:
        self.problems: list[str] = []
        self.seen: set[tuple[str, str]] = set()
        self._document = document
        self._own = Draft202012Validator(shapes.ANSWER)
        self._errors = Draft202012Validator(shapes.ERROR)
        self._cache: dict[tuple[str, str, int], Draft202012Validator | None] = {}

    def __call__(self, exchange: Exchange) -> None:
        """Check one answer."""
        if exchange.template is not None:
            self.seen.add((exchange.method, exchange.template))
        if exchange.body is None:
            return
        own = self._errors if exchange.status >= 400 else self._own
        self._check(own, exchange, "own shape")
        published = self._published(exchange)
        if published is not None:
            self._check(published, exchange, "document")

    def _check(self, validator: Draft202012Validator, exchange: Exchange, which: str) -> None:
        # through JSON, as a client sees it: no tuples, no integers for keys
        seen = json.loads(json.dumps(exchange.body))
        for error in validator.iter_errors(seen):
            where = "/".join(str(part) for part in error.instance_path)
            self.problems.append(
                f"{exchange.method} {exchange.template} {exchange.status}: "
                f"{which}: {where}: {error.message[:300]}"
            )

    def _published(self, exchange: Exchange) -> Draft202012Validator | None:
        if self._document is None or exchange.template is None:
            return None
        key = (exchange.method, exchange.template, exchange.status)
        if key not in self._cache:
            self._cache[key] = self._validator(*key)
        return self._cache[key]

    def _validator(self, method: str, path: str, status: int) -> Draft202012Validator | None:
        document = self._document or {}
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            return None
        responses = operation["responses"]
        answer = responses.get(str(status)) or responses.get(f"{status // 100}xx")
        if answer is None:
            if f"{method} {path}" not in OPERATIONS and path not in _GONE:
                self.problems.append(f"{method} {path}: status {status} is not in the document")
            return None
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return None
        with_references = {**schema, "components": document.get("components", {})}
        return Draft202012Validator(with_references)
