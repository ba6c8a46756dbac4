"""Rows as frozen values; repositories return these and nothing of the driver leaks out."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account with its password hash."""

    id: UUID
    email: str
    role: str
    password_hash: str
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A live session joined with its account; `id` is the account's."""

    id: UUID
    email: str
    role: str
    must_change_password: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The processing of one document; `sequence` grows with every change of any job."""

    id: UUID
    document_id: UUID
    state: str
    stage: str
    progress: float
    attempt: int
    failure_code: str | None
    failure_values: dict[str, Any]
    next_attempt_at: datetime | None
    created_at: datetime
    updated_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document with its job."""

    id: UUID
    name: str
    kind: str | None
    media_type: str
    size: int
    sha256: str
    language: str | None
    page_count: int | None
    paged: bool
    state: str
    created_at: datetime
    job: JobRecord


@dataclass(frozen=True, slots=True)
class PageRecord:
    """The text of one page; `start`/`end` delimit the cited passage in code points."""

    document_id: UUID
    document_name: str
    number: int
    page_count: int
    paged: bool
    text: str
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A chat of one account."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A question or an answer; citations as stored JSON."""

    id: UUID
    conversation_id: UUID
    question_id: UUID | None
    role: str
    content: str
    language: str | None
    state: str
    outcome: str | None
    citations: list[dict[str, Any]] = field(default_factory=list)
    removed_sentences: int = 0
    failure_code: str | None = None
    failure_values: dict[str, Any] = field(default_factory=dict)
    created_at: datetime = field(kw_only=True)
