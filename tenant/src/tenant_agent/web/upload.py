"""One file out of a multipart body, streamed to the document store as it arrives.

Starlette's form parser would spool the whole body to /tmp before anybody could refuse it; here
every chunk goes through the size limit at once and at most one chunk is in memory.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tenant_agent.errors import Refused
from tenant_agent.services.accounts import Session
from tenant_agent.services.documents import Documents
from tenant_agent.store.records import DocumentRecord

FIELD = b"file"
HEADER_LIMIT = 16 * 1024
ENVELOPE = 64 * 1024


# What browsers write for the characters that would end the header's quoted text (WHATWG HTML,
# "multipart form data"); every other percent sign of a name is its own.
ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}


def file_name(sent: bytes) -> str:
    """Return a file's name as it was before the browser escaped it."""
    name = sent.decode("utf-8", "replace")
    for escape, character in ESCAPED.items():
        name = name.replace(escape, character)
    return name


@dataclass
class _Parts:
    """Collects parser callbacks; data of other fields than the file is dropped."""

    name: str | None = None
    ready: list[bytes] = field(default_factory=list)
    in_file: bool = False
    files: int = 0
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    ended: bool = False

    def on_part_begin(self) -> None:
        self.disposition, self.in_file = b"", False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        if len(self.value) > HEADER_LIMIT:
            raise MultipartParseError("header too long")

    def on_header_end(self) -> None:
        if bytes(self.header).lower() == b"content-disposition":
            self.disposition = bytes(self.value)
        self.header.clear()
        self.value.clear()

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self.disposition)
        if options.get(b"name") == FIELD and b"filename" in options:
            self.files += 1
            self.in_file = self.files == 1
            if self.in_file:
                self.name = file_name(options[b"filename"])

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.in_file:
            self.ready.append(data[start:end])

    def on_end(self) -> None:
        self.ended = True

    def take(self) -> list[bytes]:
        """Return and forget the file data collected so far.

        Raises:
            Refused: `one_file_only`.
        """
        if self.files > 1:
            raise Refused("one_file_only")
        ready, self.ready = self.ready, []
        return ready


def _parser(request: Request, parts: _Parts) -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refused("invalid_request")
    return MultipartParser(
        boundary,
        {
            "on_part_begin": parts.on_part_begin,
            "on_header_field": parts.on_header_field,
            "on_header_value": parts.on_header_value,
            "on_header_end": parts.on_header_end,
            "on_headers_finished": parts.on_headers_finished,
            "on_part_data": parts.on_part_data,
            "on_end": parts.on_end,
        },
    )


async def _until_named(body: AsyncIterator[bytes], parser: MultipartParser, parts: _Parts) -> None:
    """Feed the parser until the file part has begun."""
    read = 0
    async for chunk in body:
        parser.write(chunk)
        read += len(chunk)
        if parts.name is not None:
            return
        if read > ENVELOPE:
            break
    raise Refused("invalid_request")


async def _contents(
    body: AsyncIterator[bytes], parser: MultipartParser, parts: _Parts
) -> AsyncIterator[bytes]:
    """Yield the bytes of the file as they arrive.

    Raises:
        MultipartParseError: the body breaks off.
        Refused: `one_file_only`.
    """
    for piece in parts.take():
        yield piece
    async for chunk in body:
        parser.write(chunk)
        for piece in parts.take():
            yield piece
    if not parts.ended:
        raise MultipartParseError("the closing boundary is missing")


async def receive_upload(
    request: Request, documents: Documents, session: Session
) -> DocumentRecord:
    """Stream the file of `request` into `documents`.

    Raises:
        UploadRefused: too large, no space left, or already there.
        Refused: not a multipart body with one field `file`.
    """
    parts = _Parts()
    parser = _parser(request, parts)
    body = aiter(request.stream())
    try:
        await _until_named(body, parser, parts)
        contents = _contents(body, parser, parts)
        return await documents.upload(contents, parts.name or "", session.id)
    except MultipartParseError as error:
        raise Refused("invalid_request") from error
