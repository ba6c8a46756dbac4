"""What a customer does in the browser, as calls: sign in, upload, ask, read the answer.

Everything goes through the public name and its certificate. Only the address it connects to is
the edge on loopback, because nobody delegates the demo's zone to this machine.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

WAIT_SECONDS = 120.0


class RefusedError(Exception):
    """The agent refused or failed; the message is its own sentence."""


@dataclass(frozen=True)
class Door:
    """How to reach a tenant: public URL, where to connect, what to trust."""

    url: str
    connect: str
    ca_bundle: Path

    @property
    def hostname(self) -> str:
        """The public name."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Answer:
    """A complete answer as the customer reads it."""

    text: str
    outcome: str
    citations: tuple[dict[str, Any], ...] = ()
    first_token_seconds: float = 0.0
    stream_seconds: float = 0.0
    """Between the first event and the last: near nothing when somebody kept events back."""


@dataclass
class Customer:
    """A browser session without the browser."""

    door: Door
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Host": urlsplit(self.door.url).netloc, "Origin": self.door.url}
        self.client = httpx.Client(
            base_url=f"https://{self.door.connect}",
            verify=_trust(self.door.ca_bundle),
            headers=headers,
            timeout=60.0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    def problem(self) -> str | None:
        """Why the agent cannot be used at this moment; None when it can."""
        try:
            response = self.client.get("/readyz", extensions=self._extensions())
        except httpx.TransportError as error:
            return str(error)
        return _sentence(response) if response.is_error else None

    def sign_in(self, email: str, password: str) -> dict[str, Any]:
        """Sign in; returns the account."""
        return self._json("POST", "/api/v1/session", json={"email": email, "password": password})

    def change_password(self, current: str, new: str) -> None:
        """Replace the one-time password."""
        body = {"current_password": current, "new_password": new}
        self._json("POST", "/api/v1/session/password", json=body)

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file and wait until it can be asked about; returns the document."""
        files = {"file": (name, content)}
        document = self._json("POST", "/api/v1/documents", files=files)
        deadline = time.monotonic() + WAIT_SECONDS
        while document["state"] in ("queued", "processing"):
            if time.monotonic() > deadline:
                raise RefusedError(f"{name} is still {document['state']} after {WAIT_SECONDS} s")
            time.sleep(0.2)
            document = self._json("GET", f"/api/v1/documents/{document['id']}")
        if document["state"] != "ready":
            raise RefusedError(f"{name}: {document['job']['failure']['message']}")
        return document

    def ask(self, question: str) -> Answer:
        """Ask in a new conversation and read the stream to its end."""
        conversation = self._json("POST", "/api/v1/conversations", json={})
        url = f"/api/v1/conversations/{conversation['id']}/messages"
        started, first, token = time.monotonic(), 0.0, 0.0
        with self._stream("POST", url, json={"question": question}) as response:
            for name, data in events(response.iter_lines()):
                now = time.monotonic() - started
                first = first or now
                token = token or (now if name == "token" else 0.0)
                if name == "done":
                    return _answer(data["message"], token, now - first)
                if name == "error":
                    raise RefusedError(data["failure"]["message"])
        raise RefusedError("the stream ended without an answer")

    def page(self, citation: dict[str, Any]) -> dict[str, Any]:
        """The page a citation came from, with the passage marked."""
        path = f"/api/v1/documents/{citation['document_id']}/pages/{citation['page']}"
        return self._json("GET", path, params={"passage": citation["passage_id"]})

    def _json(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        response = self.client.request(method, path, extensions=self._extensions(), **body)
        if response.is_error:
            raise RefusedError(_sentence(response))
        found: dict[str, Any] = response.json()
        return found

    def _stream(self, method: str, path: str, **body: Any) -> Any:
        return self.client.stream(method, path, extensions=self._extensions(), **body)

    def _extensions(self) -> dict[str, Any]:
        return {"sni_hostname": self.door.hostname}


def _trust(bundle: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(bundle))


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and data of each event of a stream."""
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, json.loads(line.removeprefix("data:"))


def _answer(message: dict[str, Any], token: float, stream: float) -> Answer:
    citations = tuple(message["citations"])
    return Answer(message["content"], message["outcome"], citations, token, stream)


def _sentence(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "")
    if "json" in kind:
        return str(response.json().get("detail", response.text))
    return f"{response.status_code} {response.reason_phrase}"
