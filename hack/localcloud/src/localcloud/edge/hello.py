"""The server name in a TLS ClientHello, read without answering it (RFC 8446 §4.1.2, RFC 6066 §3).

Pure. The hello may be spread over several records and arrive in any number of pieces; what is no
TLS at all is told apart from what is not complete yet.
"""

from __future__ import annotations

from dataclasses import dataclass

HANDSHAKE = 22
CLIENT_HELLO = 1
SERVER_NAME = 0
HOST_NAME = 0
MOST = 65536
RECORD_HEADER = 5

UNRECOGNIZED_NAME = bytes((21, 3, 3, 0, 2, 2, 112))
INTERNAL_ERROR = bytes((21, 3, 3, 0, 2, 2, 80))


class NotTlsError(ValueError):
    """The bytes are no TLS ClientHello."""


@dataclass(frozen=True)
class Hello:
    """What the ClientHello says; `server_name` is empty when it names none."""

    server_name: str


class _Bytes:
    """A cursor that fails with `NotTlsError` when the message ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise NotTlsError("a length in the ClientHello points behind its end")
        found = self._data[self._at : end]
        self._at = end
        return found

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def read_hello(data: bytes) -> Hello | None:
    """The ClientHello at the start of a connection; `None` means that more bytes are needed.

    Raises:
        NotTlsError: it cannot become a ClientHello.
    """
    message = _handshake(data)
    if message is None:
        return None
    cursor = _Bytes(message)
    cursor.take(4 + 2 + 32)
    cursor.vector(1)
    cursor.vector(2)
    cursor.vector(1)
    extensions = _Bytes(cursor.vector(2)) if cursor.left else _Bytes(b"")
    while extensions.left:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == SERVER_NAME:
            return Hello(_host_name(body))
    return Hello("")


def _handshake(data: bytes) -> bytes | None:
    """The first handshake message, its records joined."""
    message = b""
    at = 0
    while len(data) >= at + RECORD_HEADER:
        kind, major = data[at], data[at + 1]
        length = int.from_bytes(data[at + 3 : at + RECORD_HEADER], "big")
        if kind != HANDSHAKE or major != 3 or not 0 < length <= MOST:
            raise NotTlsError("the connection does not start with a TLS handshake")
        at += RECORD_HEADER
        message += data[at : at + length]
        at += length
        if _complete(message):
            return message
    if data and data[0] != HANDSHAKE:
        raise NotTlsError("the connection does not start with a TLS handshake")
    return None


def _complete(message: bytes) -> bool:
    if message[:1] not in (b"", bytes((CLIENT_HELLO,))):
        raise NotTlsError("the first handshake message is no ClientHello")
    wanted = int.from_bytes(message[1:4], "big")
    if wanted > MOST:
        raise NotTlsError("the ClientHello is too long")
    return len(message) >= 4 and len(message) >= 4 + wanted


def _host_name(body: bytes) -> str:
    names = _Bytes(_Bytes(body).vector(2))
    while names.left:
        kind, name = names.number(1), names.vector(2)
        if kind == HOST_NAME:
            return name.decode("ascii", errors="replace").lower().rstrip(".")
    return ""
