"""The operator's own writing client: one bounded session, few verbs, typed failures.

kopf watches; this writes. Every write that depends on what was read carries the resource version,
so that a stale writer is refused instead of winning.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from tenant_operator.cluster.login import Access
from tenant_operator.metrics import KUBERNETES_CALLS

MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
CHUNK: Final = 500
Document = dict[str, Any]
PATIENT: Final = aiohttp.ClientTimeout(total=300)
BRISK: Final = aiohttp.ClientTimeout(total=30, connect=5)


def open_session(
    access: Access, *, connections: int = 0, timeout: aiohttp.ClientTimeout = PATIENT
) -> aiohttp.ClientSession:
    """A session that trusts the cluster and nobody else; 0 connections means as many as needed."""
    connector = aiohttp.TCPConnector(limit=connections, ssl=access.ssl_context())
    return aiohttp.ClientSession(connector=connector, timeout=timeout)


class KubernetesError(Exception):
    """The API server refused or did not answer; `status` is 0 when it did not answer or was not
    asked."""

    def __init__(self, message: str, *, status: int, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class NotFound(KubernetesError):
    """There is no such object."""


class Conflict(KubernetesError):
    """The object changed since it was read, or exists already."""


class Kubernetes:
    """Requests to one API server."""

    def __init__(self, access: Access, *, connections: int = 16) -> None:
        self._access = access
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._access.server

    async def get(self, path: str) -> Document:
        """Read an object. Raises NotFound, KubernetesError."""
        return await self._send("GET", path)

    async def pages(self, path: str, *, fields: str = "") -> AsyncIterator[list[Document]]:
        """A collection in chunks, narrowed by a field selector. Raises KubernetesError."""
        asked = {"limit": str(CHUNK)} | ({"fieldSelector": fields} if fields else {})
        more = ""
        while True:
            query = urlencode(asked | ({"continue": more} if more else {}))
            document = await self._send("GET", f"{path}?{query}")
            yield document.get("items") or []
            more = document.get("metadata", {}).get("continue", "")
            if not more:
                return

    async def create(self, path: str, document: Document) -> Document:
        """Make an object. Raises Conflict when the name exists."""
        return await self._send("POST", path, document)

    async def replace(self, path: str, document: Document) -> Document:
        """Replace an object; its resource version is the precondition."""
        return await self._send("PUT", path, document)

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Document:
        """Merge-patch an object; a `metadata.resourceVersion` in it is the precondition."""
        return await self._send("PATCH", path, patch, content_type=MERGE)

    async def json_patch(self, path: str, operations: list[Document]) -> Document:
        """JSON-patch an object; a failed `test` raises Conflict."""
        return await self._send("PATCH", path, operations, content_type=JSON_PATCH)

    async def delete(self, path: str, *, uid: str = "") -> None:
        """Delete an object, only if its uid is as given; absent is success."""
        options: Document = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._send("DELETE", path, options)
        except NotFound:
            return

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = open_session(self._access, connections=self._connections, timeout=BRISK)
        return self._session

    async def _send(
        self, verb: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Document:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = json.dumps(body)
        url = f"{self._access.server}{path}"
        try:
            if bearer := self._access.bearer():
                headers["Authorization"] = f"Bearer {bearer}"
            async with self._open().request(verb, url, data=data, headers=headers) as answer:
                KUBERNETES_CALLS.labels(verb, str(answer.status)).inc()
                text = await answer.text(encoding="utf-8", errors="replace")
                return _checked(answer.status, text, f"{verb} {path}")
        except (aiohttp.ClientError, OSError) as error:
            # A time-out is an OSError, and so is a token file that cannot be read.
            KUBERNETES_CALLS.labels(verb, "none").inc()
            raise KubernetesError(f"{verb} {path}: {error or 'time-out'}", status=0) from error


def _checked(status: int, text: str, what: str) -> Document:
    document = _document(text)
    if status < 400:
        if document is None:
            # Not the API server but something before it, with a page of its own.
            raise KubernetesError(f"{what}: no JSON object: {text[:200]}", status=status)
        return document
    document = document or {}
    message = f"{what}: {document.get('message', text[:200])}"
    reason = str(document.get("reason", ""))
    kind = {404: NotFound, 409: Conflict}.get(status, KubernetesError)
    if status == 422 and "test" in message.lower() and "PATCH" in what:
        kind = Conflict
    raise kind(message, status=status, reason=reason)


def _document(text: str) -> Document | None:
    """The object that was answered, an empty one for an empty answer; None when it is none."""
    try:
        document = json.loads(text) if text else {}
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
