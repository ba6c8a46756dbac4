"""Who may call and how often."""

from __future__ import annotations

import hmac
import secrets
import string
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from localcloud.model.errors import ApiError, bad_key, missing_key, quota
from localcloud.model.settings import ModelSettings

_WINDOW = 60.0
_LETTERS = string.ascii_letters + string.digits


def authenticate(
    headers: Mapping[str, str], query: Mapping[str, str], settings: ModelSettings
) -> str:
    """The caller's key, from the header `x-goog-api-key` or the query `key`.

    Raises:
        ApiError: 401, 403 or 400 as Google answers a foreign, missing or wrong credential.
    """
    key = headers.get("x-goog-api-key") or query.get("key") or ""
    if not key and headers.get("Authorization"):
        raise ApiError(401)
    if not key:
        raise missing_key()
    if _among(key, settings.revoked_keys):
        raise ApiError(403, "Your API key was reported as leaked. Please use another API key.")
    if settings.keys and not _among(key, settings.keys):
        raise bad_key()
    return key


def _among(key: str, known: list[str]) -> bool:
    return any(hmac.compare_digest(key.encode(), other.encode()) for other in known)


def new_key() -> str:
    """A key as Google's look: 39 characters."""
    return f"AIza{''.join(secrets.choice(_LETTERS) for _ in range(35))}"


class RateLimit:
    """A moving window of one minute per key and model."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def spend(self, owner: str, limit: int) -> None:
        """Count one request.

        Raises:
            ApiError: 429 with the seconds until the oldest request leaves the window.
        """
        calls, now = self._calls[owner], self._now()
        while calls and calls[0] <= now - _WINDOW:
            calls.popleft()
        if limit and len(calls) >= limit:
            raise quota(round(calls[0] + _WINDOW - now, 3))
        calls.append(now)
