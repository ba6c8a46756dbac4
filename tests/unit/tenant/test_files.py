"""Uploaded files on the disk."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tenant_agent.errors import UploadRefused
from tenant_agent.services.files import Files


async def test_a_file_is_on_the_disk_before_it_is_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First what it holds, then, under its final name, that it is there."""
    lasting: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        held = [each.name for each in path.iterdir()] if path.is_dir() else []
        lasting.append((str(path.relative_to(tmp_path)), held))
        fsync(handle)

    async def contents() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    monkeypatch.setattr(os, "fsync", watched)
    files, identity = Files(tmp_path, 100), uuid.uuid4()
    files.prepare()
    received = await files.receive(identity, contents())
    assert lasting == [(f"incoming/{identity}", []), ("files", [str(identity)])]
    assert (received.size, received.path.read_bytes()) == (7, b"one two")


async def test_uploads_leave_room_for_the_database(tmp_path: Path) -> None:
    async def contents() -> AsyncIterator[bytes]:
        yield b"one"

    files = Files(tmp_path, 100, reserve=2**62)
    files.prepare()
    with pytest.raises(UploadRefused, match="no_space"):
        await files.receive(uuid.uuid4(), contents())
    assert not list((tmp_path / "incoming").iterdir())
    assert not list((tmp_path / "files").iterdir())
