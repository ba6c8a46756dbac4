"""A person at the agent's HTTP interface, as short as a browser makes it for them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from demo.agent import EMAIL

ONE_TIME_PASSWORD = "one-time-password"
PASSWORD = "a-password-of-my-own"
DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One server-sent event."""

    name: str
    data: dict[str, Any]
    id: str


def read_events(response: httpx.Response) -> Iterator[Seen]:
    """Yield the events of an open stream."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Seen(fields.get("event", ""), json.loads(fields["data"]), fields.get("id", ""))
            fields = {}


class AgentUser:
    """A signed-in client; the cookie is sent by hand because it is for HTTPS only."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.http = httpx.Client(base_url=url, timeout=60, headers={"Accept-Language": "de"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def keep_cookie(self, response: httpx.Response) -> None:
        """Send the response's session cookie from now on."""
        self.http.headers["cookie"] = response.headers["set-cookie"].partition(";")[0]

    def sign_in(self) -> None:
        """Sign in with the one-time password and replace it."""
        body = {"email": EMAIL, "password": ONE_TIME_PASSWORD}
        answer = self.http.post("/api/v1/session", json=body)
        assert answer.status_code == 200, answer.text
        self.keep_cookie(answer)
        change = {"current_password": ONE_TIME_PASSWORD, "new_password": PASSWORD}
        answer = self.http.post("/api/v1/session/password", json=change)
        assert answer.status_code == 200, answer.text
        self.keep_cookie(answer)

    def send(self, name: str, content: bytes) -> httpx.Response:
        """Upload and return the raw response."""
        return self.http.post("/api/v1/documents", files={"file": (name, content)})

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload and wait until the job is over; returns the document."""
        answer = self.send(name, content)
        assert answer.status_code == 202, answer.text
        return self.settled(answer.json()["id"])

    def document(self, identity: str) -> dict[str, Any]:
        """Return a document."""
        found: dict[str, Any] = self.http.get(f"/api/v1/documents/{identity}").json()
        return found

    def settled(self, identity: str) -> dict[str, Any]:
        """Wait until a document is ready or failed."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            document = self.document(identity)
            if document["state"] in {"ready", "failed"}:
                return document
            time.sleep(0.05)
        raise AssertionError(f"not settled: {document}")

    def conversation(self) -> str:
        """Open a conversation."""
        identity: str = self.http.post("/api/v1/conversations", json={}).json()["id"]
        return identity

    def stream(self, path: str, body: dict[str, Any] | None = None) -> list[Seen]:
        """Post and return all events of the answer."""
        with self.http.stream("POST", path, json=body) as response:
            if response.status_code != 200:
                raise AssertionError(response.read())
            return list(read_events(response))

    def ask(self, question: str, conversation: str | None = None) -> list[Seen]:
        """Ask in a conversation, by default a new one."""
        place = conversation or self.conversation()
        return self.stream(f"/api/v1/conversations/{place}/messages", {"question": question})

    def answer(self, question: str, conversation: str | None = None) -> dict[str, Any]:
        """Ask and return the stored message."""
        last = self.ask(question, conversation)[-1]
        assert last.name == "done", last
        message: dict[str, Any] = last.data["message"]
        return message
