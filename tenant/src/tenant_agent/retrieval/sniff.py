"""What an uploaded file is: told by its first bytes, held against its name. Pure.

The name never decides by itself: a file whose extension contradicts its content is refused, since
whoever opens it later would be misled.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

HEAD_BYTES = 4096
EXTENSIONS = {
    "pdf": ("pdf",),
    "docx": ("docx",),
    "html": ("html", "htm", "xhtml"),
    "markdown": ("md", "markdown"),
    "text": ("txt", "text", "log", ""),
}
KIND_OF = {extension: kind for kind, known in EXTENSIONS.items() for extension in known}
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
}
TEXTUAL = frozenset({"html", "markdown", "text"})
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
SHOWN = {"pdf": "PDF", "zip": "ZIP/Office", "ole": "Office 97-2003", "text": "Text"}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The kind, or the code and values of why there is none."""

    kind: str | None
    failure: str | None = None
    extension: str = ""
    found: str = ""

    @property
    def media_type(self) -> str:
        """Return the media type the file is served as."""
        return MEDIA_TYPES.get(self.kind or "", "application/octet-stream")


def content_class(head: bytes) -> str:
    """Return "pdf", "zip", "ole", "text" or "binary"."""
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(ZIP_MAGIC):
        return "zip"
    if head.startswith(OLE_MAGIC):
        return "ole"
    if head.startswith(BYTE_ORDER_MARKS):
        return "text"
    return "binary" if b"\x00" in head else "text"


def _looks_like_html(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _mismatch(extension: str, found: str) -> Sniffed:
    return Sniffed(None, "extension_mismatch", f".{extension}", SHOWN.get(found, found))


def _of_binary(extension: str, kind: str | None, found: str) -> Sniffed:
    """Judge what is neither text nor an open format."""
    if found == "ole" and kind == "docx":
        return Sniffed(None, "encrypted")
    if found == "binary" and kind in {"pdf", "docx"}:
        return Sniffed(None, "corrupt")
    if found == "ole" or kind is None or extension == "":
        return Sniffed(None, "unsupported_type")
    return _mismatch(extension, "Binary")


def sniff(name: str, head: bytes) -> Sniffed:
    """Return the kind of a file from its name and first bytes."""
    if not head:
        return Sniffed(None, "empty")
    extension = PurePosixPath(name).suffix.lower().removeprefix(".")
    kind, found = KIND_OF.get(extension), content_class(head)
    if found in {"binary", "ole"}:
        return _of_binary(extension, kind, found)
    if kind is None:
        return Sniffed(None, "unsupported_type")
    if found == "text":
        return _of_text(extension, kind, head)
    return _of_container(extension, kind, found)


def _of_text(extension: str, kind: str, head: bytes) -> Sniffed:
    if kind not in TEXTUAL:
        return _mismatch(extension, "text") if head.strip() else Sniffed(None, "corrupt")
    if extension == "" and _looks_like_html(head):
        return Sniffed("html")
    return Sniffed(kind)


def _of_container(extension: str, kind: str, found: str) -> Sniffed:
    actual = "pdf" if found == "pdf" else "docx"
    if extension == "":
        return Sniffed("pdf") if found == "pdf" else Sniffed(None, "unsupported_type")
    return Sniffed(kind) if kind == actual else _mismatch(extension, found)
