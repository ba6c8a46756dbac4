"""Request and response bodies of the API; the dashboard's TypeScript client is made from them.

Names are snake_case, times are UTC ISO 8601, ids are UUIDs. Sentences for people (`detail`,
`message`) come in the language the browser asks for; programs decide on `code`.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints


def _storable(text: str) -> str:
    """Refuse what PostgreSQL cannot hold; anything else of Unicode is welcome."""
    if "\x00" in text:
        raise ValueError("must not contain the character U+0000")
    return text


STORABLE = AfterValidator(_storable)
Question = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), STORABLE
]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE
]


def _encodable(password: SecretStr) -> SecretStr:
    """Refuse half a surrogate pair: JSON can write it, but it is no character to hash."""
    try:
        password.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text") from None
    return password


Password = Annotated[SecretStr, Field(max_length=1024), AfterValidator(_encodable)]

DocumentState = Literal["queued", "processing", "ready", "failed"]
DocumentKind = Literal["pdf", "docx", "html", "markdown", "text"]
JobState = Literal["queued", "running", "done", "failed"]
JobStage = Literal["waiting", "reading", "embedding", "indexing", "finished"]
MessageState = Literal["complete", "streaming", "failed", "stopped"]
Outcome = Literal["answered", "not_found"]


class Wire(BaseModel):
    """Base of every body: built from service records by attribute, unknown fields ignored."""

    model_config = ConfigDict(from_attributes=True)


class Problem(Wire):
    """An RFC 9457 problem document; every error of the API has this shape."""

    type: str = Field(
        description="URI that names the kind of problem", examples=["/problems/login"]
    )
    title: str
    status: int
    detail: str = Field(description="What happened, why and what to do, in the user's language")
    code: str = Field(description="Stable word for programs", examples=["invalid_credentials"])
    retry_after: int | None = Field(default=None, description="Seconds until a retry makes sense")
    document_id: UUID | None = Field(default=None, description="With `duplicate`: the document")
    errors: list[str] = Field(default_factory=list, description="Field errors of a bad request")


class Credentials(Wire):
    """Body of a sign-in."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), STORABLE]
    password: Password


class PasswordChange(Wire):
    """Body of a password change; the first administrator must do it once."""

    current_password: Password
    new_password: Password = Field(description="At least 12 characters")


class Me(Wire):
    """The signed-in account."""

    id: UUID
    email: str
    role: Literal["administrator", "member"]
    must_change_password: bool
    expires_at: datetime
    upload_limit: int = Field(description="Size of the largest file that is taken, in bytes")


class Branding(Wire):
    """What the dashboard looks like; public because the sign-in page needs it."""

    name: str
    logo: str = Field(description="data: URI or empty")
    primary: str = Field(description="CSS colour", examples=["#1f4b99"])
    accent: str
    languages: list[str] = Field(examples=[["de", "en"]])
    default_language: str


class Failure(Wire):
    """Why a job or an answer failed, or what a job waits for, as a stable code and a sentence."""

    code: str
    message: str
    retryable: bool


class Job(Wire):
    """The processing of one document."""

    id: UUID
    document_id: UUID
    state: JobState
    stage: JobStage
    progress: float = Field(ge=0, le=1)
    attempt: int
    failure: Failure | None
    next_attempt_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Document(Wire):
    """One uploaded document with the job that reads it."""

    id: UUID
    name: str
    kind: DocumentKind | None = Field(description="null when the file could not be recognised")
    media_type: str
    size: int = Field(description="bytes")
    language: str | None
    page_count: int | None
    paged: bool = Field(description="true: real pages; false: `page` counts sections of the text")
    state: DocumentState
    job: Job
    created_at: datetime


class DocumentList(Wire):
    """One page of documents, newest first."""

    items: list[Document]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page")


class Highlight(Wire):
    """A cited passage on a page."""

    start: int = Field(description="Offset in UTF-16 code units, as JavaScript counts")
    end: int


class Page(Wire):
    """The text of one page with the cited passage marked."""

    document_id: UUID
    document_name: str
    number: int
    page_count: int
    paged: bool
    text: str
    highlights: list[Highlight]


class ConversationCreate(Wire):
    """Body of a new conversation; without a title the first question becomes it."""

    title: Title | None = None


class ConversationUpdate(Wire):
    """Body of a rename."""

    title: Title


class Conversation(Wire):
    """A chat."""

    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationList(Wire):
    """One page of conversations, newest first."""

    items: list[Conversation]
    next_cursor: str | None


class Citation(Wire):
    """A numbered source of an answer; `[n]` in the text points at it."""

    n: int
    document_id: UUID
    document_name: str
    page: int
    paged: bool
    heading: str
    passage_id: int = Field(description="Pass as `passage` to the page to get it highlighted")
    quote: str = Field(description="The sentence of the source behind the first marker")
    quotes: list[str] = Field(
        default=[],
        description="The sentence behind each `[n]` of this source, in the order of the answer",
    )
    available: bool = Field(default=True, description="false once the document was deleted")


class Message(Wire):
    """A question or an answer."""

    id: UUID
    conversation_id: UUID
    role: Literal["user", "assistant"]
    content: str = Field(description="Markdown without links, images and raw HTML")
    language: str | None
    state: MessageState
    outcome: Outcome | None = Field(
        description="null for questions and for what is no whole answer: failed, stopped"
    )
    citations: list[Citation]
    removed_sentences: int = Field(description="Sentences withheld: the sources do not say them")
    failure: Failure | None
    created_at: datetime


class MessageList(Wire):
    """All messages of a conversation, oldest first."""

    items: list[Message]


class Ask(Wire):
    """Body of a question."""

    question: Question
    language: str | None = Field(default=None, description="Overrides the detected language")


class StatusEvent(Wire):
    """SSE `status`: first `searching` with the ids, then `asking`, then `answering`."""

    stage: Literal["searching", "asking", "answering"]
    message_id: UUID
    question_id: UUID
    conversation_id: UUID


class Source(Wire):
    """A passage given to the model."""

    n: int
    document_id: UUID
    document_name: str
    page: int
    paged: bool
    heading: str
    passage_id: int


class SourcesEvent(Wire):
    """SSE `sources`: what the answer may rest on."""

    sources: list[Source]


class TokenEvent(Wire):
    """SSE `token`: text to append. Every piece was checked against its source before."""

    text: str


class CitationEvent(Citation):
    """SSE `citation`: the source of the next `[n]`; a later one of the same `n` replaces it."""


class DoneEvent(Wire):
    """SSE `done`: the stored answer; replaces what was shown."""

    message: Message


class StoppedEvent(Wire):
    """SSE `stopped`: by its reader, unread or too long; what was proven by then is kept."""

    message: Message


class ErrorEvent(Wire):
    """SSE `error`: nothing was stored as an answer; the message can be retried when so marked."""

    message_id: UUID
    failure: Failure


class Health(Wire):
    """The process lives."""

    status: Literal["ok"]


class Readiness(Wire):
    """Whether the process can serve, with each dependency."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


class Version(Wire):
    """What runs."""

    version: str
    release: str
    color: str
