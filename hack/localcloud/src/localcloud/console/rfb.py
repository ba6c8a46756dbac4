"""The server's side of RFB 3.8 (RFC 6143): password, then a picture that follows a screen.

Only what every client can do: VNC authentication, true colour in the format the client asks for,
raw encoding. Keys and pointer are read and let go: the console shows, it does not steer.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from localcloud.console.picture import HEIGHT, WIDTH, Dots, picture

VERSION = b"RFB 003.008\n"
LOOK_SECONDS = 0.5
LIGHT, DARK = 0xD0, 0x10
_VNC_AUTHENTICATION = 2
_LARGEST_CUT = 1 << 20
_SET_FORMAT, _SET_ENCODINGS, _UPDATE, _KEY, _POINTER, _CUT = 0, 2, 3, 4, 5, 6
_REST = {_SET_FORMAT: 19, _SET_ENCODINGS: 3, _UPDATE: 9, _KEY: 7, _POINTER: 5, _CUT: 7}

Screen = Callable[[], Awaitable[tuple[str, ...]]]


class ProtocolError(Exception):
    """The client says what RFB does not know."""


class Stream(Protocol):
    """Bytes to and from a client."""

    async def read(self, count: int) -> bytes:
        """Exactly `count` bytes; raises EOFError when the client has gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        ...


@dataclass(frozen=True)
class Format:
    """How the client wants its dots: bits, byte order, and where each colour lies."""

    bits: int = 32
    big: bool = False
    maxima: tuple[int, int, int] = (255, 255, 255)
    shifts: tuple[int, int, int] = (16, 8, 0)

    def packed(self) -> bytes:
        """As the server's greeting carries it."""
        return struct.pack(
            ">BBBBHHHBBB3x", self.bits, 24, self.big, True, *self.maxima, *self.shifts
        )

    def grey(self, level: int) -> int:
        """The dot that is so light in all three colours."""
        parts = zip(self.maxima, self.shifts, strict=True)
        return sum((level * most // 255) << shift for most, shift in parts)

    def dots(self, shown: Dots) -> bytes:
        """A picture in this format."""
        order = ">" if self.big else "<"
        values = np.where(shown, self.grey(LIGHT), self.grey(DARK))
        return values.astype(f"{order}u{self.bits // 8}").tobytes()


def read_format(packed: bytes) -> Format:
    """What a client asked for; raises `ProtocolError` for palettes and unknown sizes."""
    bits, _, big, true, *rest = struct.unpack(">BBBBHHHBBB3x", packed)
    if bits not in (8, 16, 32) or not true:
        raise ProtocolError(f"{bits} bits, true colour {bool(true)}")
    (r, g, b), (rs, gs, bs) = rest[:3], rest[3:]
    if any(most << shift >= 1 << bits for most, shift in ((r, rs), (g, gs), (b, bs))):
        raise ProtocolError("colours do not fit into their bits")
    return Format(bits, bool(big), (r, g, b), (rs, gs, bs))


def scrambled(challenge: bytes, password: str) -> bytes:
    """The answer to a challenge: DES with the password's bits in the other order (RFC 6143 7.2.2).

    DES with one key is triple DES with the same one thrice.
    """
    key = password.encode()[:8].ljust(8, b"\0")
    turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    des = Cipher(TripleDES(turned * 3), modes.ECB()).encryptor()  # noqa: S305 - RFB's own
    return des.update(challenge) + des.finalize()


class Session:
    """One client before one screen."""

    def __init__(self, stream: Stream, screen: Screen) -> None:
        self._stream = stream
        self._screen = screen
        self._format = Format()
        self._shown: tuple[str, ...] | None = None
        self._waited_for = False

    async def run(self, name: str, password: str) -> None:
        """Serve until the client goes: raises EOFError then, or `ProtocolError`."""
        await self._greet(password)
        await self._stream.read(1)  # whether others may look on: they may
        title = name.encode()
        size = struct.pack(">HH", WIDTH, HEIGHT)
        packed = self._format.packed()
        await self._stream.write(size + packed + struct.pack(">I", len(title)) + title)
        while True:
            await self._next()

    async def _next(self) -> None:
        """Answer the next message; while the client waits for another picture, look for it."""
        try:
            async with asyncio.timeout(LOOK_SECONDS if self._waited_for else None):
                kind = await self._stream.read(1)
        except TimeoutError:
            await self._show()
        else:
            await self._answer(kind[0])

    async def _greet(self, password: str) -> None:
        await self._stream.write(VERSION)
        if await self._stream.read(len(VERSION)) != VERSION:
            raise ProtocolError("only version 3.8 is spoken")
        await self._stream.write(bytes((1, _VNC_AUTHENTICATION)))
        if (await self._stream.read(1))[0] != _VNC_AUTHENTICATION:
            raise ProtocolError("only VNC authentication is known")
        challenge = secrets.token_bytes(16)
        await self._stream.write(challenge)
        answer = await self._stream.read(16)
        if not hmac.compare_digest(answer, scrambled(challenge, password)):
            reason = b"the password is wrong"
            await self._stream.write(struct.pack(">II", 1, len(reason)) + reason)
            raise ProtocolError(reason.decode())
        await self._stream.write(struct.pack(">I", 0))

    async def _answer(self, kind: int) -> None:
        if kind not in _REST:
            raise ProtocolError(f"message {kind}")
        rest = await self._stream.read(_REST[kind])
        if kind == _SET_FORMAT:
            self._format = read_format(rest[3:])
        elif kind == _SET_ENCODINGS:
            await self._stream.read(4 * struct.unpack(">xH", rest)[0])
        elif kind == _CUT:
            await self._skip(struct.unpack(">3xI", rest)[0])
        elif kind == _UPDATE:
            incremental, self._waited_for = bool(rest[0]), True
            self._shown = self._shown if incremental else None
            await self._show()

    async def _skip(self, count: int) -> None:
        if count > _LARGEST_CUT:
            raise ProtocolError(f"a clipboard of {count} bytes")
        await self._stream.read(count)

    async def _show(self) -> None:
        """Send the whole picture when there is another one than the client has."""
        lines = await self._screen()
        if lines == self._shown:
            return
        self._shown, self._waited_for = lines, False
        head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
        await self._stream.write(head + self._format.dots(picture(lines)))
