"""One Hetzner project behind its API; the only importer of hcloud.

The SDK's transport is used, not its resource objects: those reload themselves over the network when
a field is empty, and know no `GET /actions?id=`. Its own retries are off, because it repeats POST
after a time-out, and the second try of a create that did happen is refused as a duplicate. Reads
are repeated once when the connection breaks; everything else is the reconcile loop's to repeat.

The SDK blocks, so every request runs in a thread of a small pool, each with a client of its own
(one `requests.Session` is not for several threads).
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import hcloud
import requests

from tenant_operator.core.faults import Ambiguous, Busy, ProviderError
from tenant_operator.core.world import RateBudget

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
THREADS: Final = 4
PAGE: Final = 50
MESSAGE_LENGTH: Final = 300
SECRET_START: Final = 6

Fault = Callable[..., ProviderError]
Query = Mapping[str, str | int | Sequence[int]]


class HetznerApi:
    """Requests to one project; JSON in, JSON out, errors of our own.

    Args:
        token: the project's API token; appears in no message.
        endpoint: base URL with `/v1`.
        fault: makes an error from a code (`cloud.port.fault`).
    """

    def __init__(self, token: str, *, endpoint: str, fault: Fault) -> None:
        self._token = token
        self._endpoint = endpoint.rstrip("/")
        self._fault = fault
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="hetzner")
        self._budget: RateBudget | None = None
        self._closed = False

    @property
    def budget(self) -> RateBudget | None:
        """The rate-limit headers of the last answer."""
        return self._budget

    async def get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """Read; repeated once when the connection breaks or the provider stumbles."""
        try:
            return await self._send("GET", path, query=query)
        except (Ambiguous, Busy):
            return await self._send("GET", path, query=query)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Create or start something; sent exactly once."""
        return await self._send("POST", path, body=body)

    async def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace fields; sent exactly once."""
        return await self._send("PUT", path, body=body)

    async def delete(self, path: str) -> dict[str, Any]:
        """Remove; sent exactly once. Absence raises `Gone`."""
        return await self._send("DELETE", path)

    async def every(self, path: str, key: str, query: Query | None = None) -> list[dict[str, Any]]:
        """All pages of a list, complete or an error.

        Raises:
            Busy: the pages together hold another number of objects than the provider counts.
        """
        found: list[dict[str, Any]] = []
        page: int | None = 1
        while page is not None:
            answer = await self.get(path, {**(query or {}), "page": page, "per_page": PAGE})
            found += answer[key]
            pages = answer.get("meta", {}).get("pagination", {})
            page, total = pages.get("next_page"), pages.get("total_entries")
        if total is not None and total != len({item["id"] for item in found}):
            raise Busy(f"the list of {key} is not whole: {len(found)} of {total} objects arrived")
        return found

    async def close(self) -> None:
        """Let the threads end. What was asked before is still answered, whoever waits for it."""
        self._closed = True
        self._pool.shutdown(wait=False)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        if self._closed:
            raise Busy("this login was replaced meanwhile")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._request, method, path, query, body)

    def _request(
        self, method: str, path: str, query: Query | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """One request in a pool thread."""
        options = {name: value for name, value in (("params", query), ("json", body)) if value}
        try:
            return self._client().request(method, path, **options)
        except hcloud.APIException as error:
            raise self._refusal(error) from None
        except requests.RequestException as error:
            kind = type(error).__name__
            raise Ambiguous(f"{method} {path}: no answer ({kind})", code="no_answer") from None

    def _refusal(self, error: hcloud.APIException) -> ProviderError:
        """The provider's error as one of ours; `from None` above keeps the original text out."""
        text = self._redacted(f"{error.message}{field_names(error.details)}")
        reset = self._budget.reset_at if self._budget else None
        identity = error.correlation_id or ""
        return self._fault(str(error.code), text, correlation_id=identity, reset_at=reset)

    def _redacted(self, text: str) -> str:
        """Without the token or its beginning, which Hetzner's 429 message quotes."""
        start = re.escape(self._token[:SECRET_START])
        return re.sub(rf"{start}\w*", "[token]", text)[:MESSAGE_LENGTH]

    def _client(self) -> hcloud.Client:
        """This thread's client."""
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._new_client()
        return client

    def _new_client(self) -> hcloud.Client:
        """A client that never repeats a request and reports the headers it sees."""
        client = hcloud.Client(
            self._token,
            api_endpoint=self._endpoint,
            application_name="tenant-operator",
            timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
        base = client._client
        base._retry_max_retries = 0
        base._session.hooks["response"].append(self._note)
        return client

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Remember what the provider says about the budget."""
        self._budget = budget_of(response.headers) or self._budget


def budget_of(headers: Mapping[str, str]) -> RateBudget | None:
    """`RateLimit-*` headers as a value; None when any is missing or no number."""
    try:
        return RateBudget(
            limit=int(headers["RateLimit-Limit"]),
            remaining=int(headers["RateLimit-Remaining"]),
            reset_at=datetime.fromtimestamp(int(headers["RateLimit-Reset"]), UTC),
        )
    except (KeyError, ValueError):
        return None


def field_names(details: Any) -> str:
    """Which fields or limits an error is about, as a suffix for its message."""
    if not isinstance(details, dict):
        return ""
    named = [*(details.get("fields") or []), *(details.get("limits") or [])]
    names = [str(item.get("name")) for item in named if isinstance(item, dict)]
    return f" [{', '.join(names)}]" if names else ""
