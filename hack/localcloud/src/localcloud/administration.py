"""The administration of a running instance, over the `/_admin` of its services.

For people (the command line) and for tests (the fixture). It is no part of any provider's API.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SECONDS = 10.0
SERVICES = {"hetzner": "hetzner", "cloudflare": "cloudflare", "model": "model_local"}


class AdministrationError(RuntimeError):
    """The service refused, or does not run; the message says which."""


@dataclass(frozen=True)
class Administration:
    """One service's `/_admin`."""

    origin: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request; returns the decoded answer, `None` when it is empty.

        Raises:
            AdministrationError: the service refused or did not answer.
        """
        request = urllib.request.Request(  # noqa: S310 - an http URL from endpoints.json
            f"{self.origin}/_admin/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise AdministrationError(f"{method} {path} was refused: {said}") from error
        except OSError as error:
            raise AdministrationError(f"{self.origin} does not answer: {error}") from error
        return json.loads(text) if text else None

    def add_fault(self, fault: str | Mapping[str, Any]) -> Any:
        """Add one fault, given as JSON text or as data."""
        if isinstance(fault, str):
            try:
                fault = json.loads(fault)
            except ValueError as error:
                raise AdministrationError(f"the fault is no JSON object: {error}") from error
        return self.ask("POST", "faults", fault)

    def faults(self) -> Any:
        """What is still to strike."""
        return self.ask("GET", "faults")

    def clear_faults(self) -> None:
        """Remove every fault."""
        self.ask("DELETE", "faults")

    def make_token(self, body: Mapping[str, Any]) -> str:
        """Make a token; returns its secret."""
        made = self.ask("POST", "tokens", body)
        return str(made.get("token") or made["result"]["value"])


def of(folder: Path, service: str) -> Administration:
    """The administration of a service of the instance in `folder`.

    Raises:
        AdministrationError: the instance or the service does not run.
    """
    path = folder / "endpoints.json"
    if not path.exists():
        raise AdministrationError(f"no instance is ready in {folder}: run `localcloud up` first")
    url = json.loads(path.read_text()).get(SERVICES[service])
    if url is None:
        raise AdministrationError(f"the instance in {folder} runs without {service}")
    return Administration(origin_of(str(url)))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
