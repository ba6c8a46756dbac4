"""From what the Gemini API or the network reports to the failures the agent knows. Pure.

Status meanings: https://ai.google.dev/gemini-api/docs/troubleshooting. The provider's own text is
never passed on: it may repeat parts of the request.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from tenant_agent.errors import ModelFailure

DEFAULT_WAIT = 20
LONGEST_WAIT = 3600
SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")
BY_STATUS = {
    400: "model_rejected",
    401: "model_refused_key",
    403: "model_refused_key",
    404: "model_misconfigured",
    408: "model_slow",
    499: "model_slow",
    500: "model_error",
    502: "model_down",
    503: "model_busy",
    504: "model_slow",
}
CUT_OFF = "MAX_TOKENS"
BLOCKED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE"}
)


def _details(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else {}
    found = error.get("details", []) if isinstance(error, dict) else []
    return (item for item in found if isinstance(item, dict))


def retry_seconds(body: Any) -> int:
    """Return how long the provider asks to wait (`RetryInfo.retryDelay`), or a default."""
    for item in _details(body):
        match = SECONDS.fullmatch(str(item.get("retryDelay", "")))
        if match:
            return min(max(math.ceil(float(match.group(1))), 1), LONGEST_WAIT)
    return DEFAULT_WAIT


def _is_key_problem(body: Any) -> bool:
    return any(item.get("reason") == "API_KEY_INVALID" for item in _details(body))


def of_status(status: int, body: Any) -> ModelFailure:
    """Return the failure that an HTTP status with its error body stands for."""
    if status == 429 or status == 503:
        wait = retry_seconds(body)
        return ModelFailure("model_busy", retry_after=wait, seconds=wait)
    if status == 400 and _is_key_problem(body):
        return ModelFailure("model_refused_key")
    code = BY_STATUS.get(status, "model_rejected" if status < 500 else "model_down")
    return ModelFailure(code)


def of_finish(reason: str | None) -> ModelFailure | None:
    """Return the failure of a finish reason; None for one that leaves what was written standing."""
    if reason in BLOCKED:
        return ModelFailure("model_blocked")
    if reason in {None, "STOP", CUT_OFF, "FINISH_REASON_UNSPECIFIED"}:
        return None
    return ModelFailure("model_error")
