"""Google's error envelope.

`ApiError` carries one of the documented statuses; `envelope` gives the JSON the wire shows. A
missing key is 403 and a wrong one 400 with reason `API_KEY_INVALID`, as at Google; 401 answers
credentials of another kind, such as a bearer token nobody issued.
"""

from __future__ import annotations

from typing import Any

STATUSES: dict[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPE = "type.googleapis.com/google.rpc."
_MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission.",
    404: "Requested entity was not found.",
    429: "You exceeded your current quota. Please retry later.",
    500: "An internal error has occurred. Please retry.",
    501: "Operation is not implemented, or supported, or enabled.",
    503: "The model is overloaded. Please try again later.",
    504: "The request did not finish within its deadline.",
}


class ApiError(Exception):
    """An answer that is not 200."""

    def __init__(
        self,
        code: int,
        message: str = "",
        *,
        details: tuple[dict[str, Any], ...] = (),
        status: str = "",
    ) -> None:
        """`message` and `status` default to what is documented for the code."""
        self.code = code
        self.status = status or STATUSES.get(code, "UNKNOWN")
        self.message = message or _MESSAGES.get(code, "Unknown error.")
        self.details = details
        super().__init__(f"{code} {self.message}")

    def envelope(self) -> dict[str, Any]:
        """The body: `{"error": {code, message, status, details}}`."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": self.status,
        }
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def invalid(message: str, field: str = "") -> ApiError:
    """400 with the field that is wrong."""
    violation = {"field": field, "description": message}
    details = ({"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]},) if field else ()
    return ApiError(400, message, details=details)


def bad_key() -> ApiError:
    """400: the key given is not one of ours."""
    info = {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return ApiError(400, "API key not valid. Please pass a valid API key.", details=(info,))


def missing_key() -> ApiError:
    """403: no key was given."""
    return ApiError(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API.",
    )


def quota(seconds: float, *, metric: str = "generate_requests_per_minute") -> ApiError:
    """429 with how long to wait, in the form of `google.rpc.RetryInfo`."""
    violation = {
        "quotaMetric": f"generativelanguage.googleapis.com/{metric}",
        "quotaId": "RequestsPerMinutePerProjectPerModel",
    }
    details: tuple[dict[str, Any], ...] = (
        {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]},
        {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"},
    )
    return ApiError(
        429, f"You exceeded your current quota. Please retry in {seconds:g}s.", details=details
    )
