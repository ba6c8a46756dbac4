"""Files that appear whole or not at all: temporary name, mode and owner, sync, rename, sync."""

from __future__ import annotations

import os
import stat
from pathlib import Path

Owner = tuple[int, int]
ROOT: Owner = (0, 0)


def replace(path: Path, content: bytes, *, mode: int = 0o644, owner: Owner = ROOT) -> None:
    """Put `content` at `path`; readers see the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(content)
        target.flush()
        os.fchown(target.fileno(), *owner)
        os.fchmod(target.fileno(), mode)
        os.fsync(target.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def same(path: Path, content: bytes, *, mode: int, owner: Owner = ROOT) -> bool:
    """Whether `path` is exactly that file."""
    try:
        found = path.stat()
        return (
            stat.S_ISREG(found.st_mode)
            and stat.S_IMODE(found.st_mode) == mode
            and (found.st_uid, found.st_gid) == owner
            and path.read_bytes() == content
        )
    except OSError:
        return False


def ensure(path: Path, content: bytes, *, mode: int = 0o644, owner: Owner = ROOT) -> bool:
    """Replace `path` when it differs; returns whether it did."""
    if same(path, content, mode=mode, owner=owner):
        return False
    replace(path, content, mode=mode, owner=owner)
    return True


def ensure_folder(path: Path, *, mode: int, uid: int) -> None:
    """A folder with exactly that mode and owner."""
    path.mkdir(parents=True, exist_ok=True)
    found = path.stat()
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)
    if (found.st_uid, found.st_gid) != (uid, uid):
        os.chown(path, uid, uid)
