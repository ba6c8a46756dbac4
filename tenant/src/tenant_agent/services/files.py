"""Uploaded files on the data volume: streamed in under a limit, named by id, never by the user.

    <data>/incoming/<id>   while it arrives
    <data>/files/<id>      once complete

A file reaches its final name by rename, so that a half-written one is never read, and is on the
disk before anybody is told that it was taken in: losing power loses no accepted upload.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import time
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from tenant_agent.errors import UploadRefused
from tenant_agent.retrieval.clean import INVISIBLE
from tenant_agent.retrieval.sniff import HEAD_BYTES

MAX_NAME = 200
LEFT_SECONDS = 24 * 3600
STRAY_SECONDS = 3600
# What uploads leave free: PostgreSQL and Redis write to the same volume, and a database that finds
# no room for its log stops and does not start again. A gibibyte is its default `max_wal_size`.
RESERVE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Received:
    """A complete file."""

    path: Path
    size: int
    sha256: str
    head: bytes


class TooLarge(Exception):
    """The file is larger than allowed; all of it was read and dropped."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


def safe_name(name: str) -> str:
    """Return the file's own name: one line, no path, no invisible characters, bounded."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    base = "".join(c for c in INVISIBLE.sub("", base) if not _breaks_or_controls(c))
    base = base.strip().strip(".") if base.strip(". ") == "" else base.strip()
    if len(base) > MAX_NAME:
        stem, dot, suffix = base.rpartition(".")
        base = f"{stem[: MAX_NAME - len(suffix) - 1]}{dot}{suffix}" if dot else base[:MAX_NAME]
    return base or "document"


def _breaks_or_controls(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in {"Zl", "Zp"}


class Files:
    """The two folders."""

    def __init__(self, data_dir: Path, limit: int, reserve: int = RESERVE_BYTES) -> None:
        self._incoming = data_dir / "incoming"
        self._files = data_dir / "files"
        self.limit = limit
        self._reserve = reserve

    def prepare(self) -> None:
        """Create the folders and drop half-written files; young ones may be another colour's."""
        for folder in (self._incoming, self._files):
            folder.mkdir(parents=True, exist_ok=True)
        for left in self._incoming.iterdir():
            if left.stat().st_mtime < time.time() - LEFT_SECONDS:
                left.unlink(missing_ok=True)

    def path(self, document_id: UUID) -> Path:
        """Return where a document's file is."""
        return self._files / str(document_id)

    async def receive(self, document_id: UUID, contents: AsyncIterator[bytes]) -> Received:
        """Write a file as it arrives.

        Raises:
            TooLarge: past the limit; the rest was read so that the client gets its answer.
            UploadRefused: `no_space`.
        """
        target = self._incoming / str(document_id)
        try:
            received = await self._write(target, contents)
            await asyncio.to_thread(_move_durably, target, self.path(document_id))
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise UploadRefused("no_space") from error
            raise
        finally:
            target.unlink(missing_ok=True)
        return Received(self.path(document_id), received.size, received.sha256, received.head)

    async def _write(self, target: Path, contents: AsyncIterator[bytes]) -> Received:
        digest, size, head = hashlib.sha256(), 0, b""
        with target.open("xb") as file:
            async for piece in contents:
                size += len(piece)
                if size > self.limit:
                    await _drain(contents, size)
                self._refuse_without_room()
                digest.update(piece)
                head = head if len(head) >= HEAD_BYTES else (head + piece)[:HEAD_BYTES]
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_to_disk, file)
        return Received(target, size, digest.hexdigest(), head)

    def _refuse_without_room(self) -> None:
        found = os.statvfs(self._incoming)
        if found.f_bavail * found.f_frsize < self._reserve:
            raise UploadRefused("no_space")

    def strays(self) -> list[UUID]:
        """Return whose complete files are older than an hour, for a look whether they are needed.

        A younger one may belong to an upload that is just being stored.
        """
        until, old = time.time() - STRAY_SECONDS, list[UUID]()
        for file in self._files.iterdir():
            # Deleted meanwhile, or not of this folder's making.
            with contextlib.suppress(FileNotFoundError, ValueError):
                identity = UUID(file.name)
                if file.stat().st_mtime < until:
                    old.append(identity)
        return old

    def delete(self, document_id: UUID) -> None:
        """Remove a document's file; absent is fine."""
        self.path(document_id).unlink(missing_ok=True)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _move_durably(source: Path, target: Path) -> None:
    """Rename, and make the directory's entry last as well."""
    source.replace(target)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def _drain(contents: AsyncIterator[bytes], size: int) -> None:
    """Read the rest away: a connection cut while sending would hide the answer."""
    async for piece in contents:
        size += len(piece)
    raise TooLarge(size)
