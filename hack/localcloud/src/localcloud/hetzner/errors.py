"""Errors of the API: one exception, one constructor for each code that the API answers.

Texts are those that Hetzner's own end-to-end tests assert where these are known; real clients
branch on the code alone.
"""

from __future__ import annotations

from typing import Any

STATUS = {
    "json_error": 400,
    "unauthorized": 401,
    "token_readonly": 401,
    "forbidden": 403,
    "maintenance": 403,
    "resource_limit_exceeded": 403,
    "not_found": 404,
    "firewall_resource_not_found": 404,
    "method_not_allowed": 405,
    "uniqueness_error": 409,
    "conflict": 409,
    "deprecated_api_endpoint": 410,
    "resource_unavailable": 412,
    "primary_ip_version_mismatch": 412,
    "locked": 423,
    "protected": 423,
    "rate_limit_exceeded": 429,
    "server_error": 500,
    "not_implemented": 501,
    "bad_gateway": 502,
    "unavailable": 503,
    "timeout": 504,
}
"""Status by code; every code that is not named here is answered with 422."""


class ApiError(Exception):
    """An answer in Hetzner's error envelope."""

    def __init__(self, code: str, message: str, details: Any = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return STATUS.get(self.code, 422)

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {
            "error": {"code": self.code, "message": self.message, "details": self.details},
        }


def invalid(field: str, *messages: str) -> ApiError:
    """422 `invalid_input` about one field; a field within another is written `a.b`."""
    return invalid_fields({field: list(messages)})


def invalid_fields(fields: dict[str, list[str]]) -> ApiError:
    """422 `invalid_input` about several fields."""
    name, messages = next(iter(fields.items()))
    text = f"invalid input in field '{name}'"
    if messages:
        text += ": " + ", ".join(messages)
    details = {"fields": [{"name": key, "messages": texts} for key, texts in fields.items()]}
    return ApiError("invalid_input", text, details)


def invalid_input(message: str) -> ApiError:
    """422 `invalid_input` that is about no single field."""
    return ApiError("invalid_input", message)


def not_found(what: str, reference: object = None) -> ApiError:
    """404: nothing of that id or name in the project."""
    suffix = "" if reference is None else f" with ID '{reference}'"
    return ApiError("not_found", f"{what}{suffix} not found")


def not_unique(message: str, field: str) -> ApiError:
    """409: another object holds the value of that field."""
    return ApiError("uniqueness_error", message, {"fields": [{"name": field}]})


def locked(what: str = "server") -> ApiError:
    """423: an action runs on it."""
    return ApiError("locked", f"cannot perform operation because {what} is locked")


def conflict(what: str) -> ApiError:
    """409: another change of it is under way."""
    return ApiError("conflict", f"{what} is being changed by another request, please retry")


def protected(message: str) -> ApiError:
    """423: the protection of the object forbids it."""
    return ApiError("protected", message)


def not_stopped() -> ApiError:
    """422: the server has to be off."""
    return ApiError("server_not_stopped", "Server must be offline for this action")


def limit_exceeded(message: str, limit: str) -> ApiError:
    """403: the project has as many of them as it may have."""
    return ApiError("resource_limit_exceeded", message, {"limits": [{"name": limit}]})


def not_implemented(operation: str) -> ApiError:
    """501: in Hetzner's document, but not in the local cloud."""
    return ApiError(
        "not_implemented", f"{operation} is not part of the local cloud: see its README"
    )
