"""Every failure the agent knows, and how it looks to a person and to HTTP.

    AgentError
    ├── Refused            the request cannot be done as asked (4xx)
    ├── Unavailable        a part of the stack does not answer (503)
    ├── UploadRefused      the file itself is the problem (409, 413, 507)
    ├── DocumentUnreadable the job failed because of the document; never retried by itself
    └── ModelFailure       the model provider failed; `retryable` says whether later may be better

An error carries a `code`; `sentences` holds the text for it in every language. Nothing here
contains a secret, a path or a provider's raw text.
"""

from typing import Any, ClassVar


class AgentError(Exception):
    """Base; `code` selects status, title and sentence."""

    status = 500

    def __init__(self, code: str, *, retry_after: int | None = None, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.values = values


class Refused(AgentError):
    """The request cannot be done as asked."""

    STATUS: ClassVar[dict[str, int]] = {
        "not_signed_in": 401,
        "invalid_credentials": 401,
        "wrong_password": 403,
        "password_change_required": 403,
        "cross_site": 403,
        "not_found": 404,
        "still_answering": 409,
        "not_retryable": 409,
        "being_processed": 409,
        "invalid_request": 422,
        "text_too_long": 422,
        "one_file_only": 422,
        "weak_password": 422,
        "too_many_attempts": 429,
        "too_many_questions": 429,
    }

    def __init__(self, code: str, *, retry_after: int | None = None, **values: Any) -> None:
        super().__init__(code, retry_after=retry_after, **values)
        self.status = self.STATUS[code]


class Unavailable(AgentError):
    """A part of the stack does not answer right now."""

    status = 503


class UploadRefused(AgentError):
    """A file that is not taken in; nothing of it is kept."""

    STATUS: ClassVar[dict[str, int]] = {"too_large": 413, "no_space": 507, "duplicate": 409}

    def __init__(self, code: str, *, retry_after: int | None = None, **values: Any) -> None:
        super().__init__(code, retry_after=retry_after, **values)
        self.status = self.STATUS[code]


class DocumentUnreadable(AgentError):
    """The document is the cause: a retry of the same file ends the same way."""

    CODES = frozenset(
        {
            "empty",
            "corrupt",
            "encrypted",
            "unsupported_type",
            "extension_mismatch",
            "not_word",
            "zip_bomb",
            "no_text",
            "too_many_pages",
            "reading_too_long",
            "reading_too_big",
            "gave_up",
        }
    )


class ModelFailure(AgentError):
    """The model provider did not deliver."""

    RETRYABLE = frozenset(
        {
            "model_busy",
            "model_down",
            "model_slow",
            "model_broken_off",
            "model_cut_off",
            "model_error",
        }
    )

    @property
    def retryable(self) -> bool:
        """Whether asking again later may succeed without anybody changing a setting."""
        return self.code in self.RETRYABLE
