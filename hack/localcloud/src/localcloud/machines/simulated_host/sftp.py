"""SFTP over a simulated machine's files, as far as placing and reading files needs it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncssh

from localcloud.machines.simulated_host.filesystem import FileSystem, Node

_MASK = 0o7777


@dataclass
class Handle:
    """An open file: content is written through at once, as a kernel's page cache would show it."""

    path: str
    writable: bool


class Files(asyncssh.SFTPServer):
    """One SFTP session on one machine."""

    def __init__(
        self, channel: asyncssh.SSHServerChannel[bytes], files: FileSystem, full: Callable[[], bool]
    ) -> None:
        super().__init__(channel)
        self._files = files
        self._full = full

    def _node(self, path: str) -> Node:
        node = self._files.get(path)
        if node is None:
            raise asyncssh.SFTPNoSuchFile(f"{path}: no such file")
        return node

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open for reading or writing."""
        name = path.decode()
        writable = bool(pflags & asyncssh.FXF_WRITE)
        node = self._files.get(name)
        if node is not None and node.is_folder:
            raise asyncssh.SFTPFailure(f"{name} is a folder")
        if node is None and not pflags & asyncssh.FXF_CREAT:
            raise asyncssh.SFTPNoSuchFile(f"{name}: no such file")
        if node is None or pflags & asyncssh.FXF_TRUNC:
            mode = 0o644 if attrs.permissions is None else attrs.permissions & _MASK
            self._files.write(name, b"", mode)
        return Handle(name, writable)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Part of a file."""
        content = self._node(_handle(file_obj).path).content or b""
        return content[offset : offset + size]

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Replace part of a file; refused when the disk is full."""
        handle = _handle(file_obj)
        if self._full():
            raise asyncssh.SFTPFailure("No space left on device")
        node = self._node(handle.path)
        content = (node.content or b"").ljust(offset, b"\0")
        changed = content[:offset] + data + content[offset + len(data) :]
        self._files.write(handle.path, changed, node.mode)
        return len(data)

    def fsync(self, file_obj: object) -> None:
        """Everything is in its place already."""

    def close(self, file_obj: object) -> None:
        """Nothing is held open."""

    def stat(self, path: bytes) -> Any:
        """Mode, owner and size."""
        return _attributes(self._node(path.decode()))

    lstat = stat

    def fstat(self, file_obj: object) -> Any:
        """The same for an open file."""
        return _attributes(self._node(_handle(file_obj).path))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change mode and owner."""
        self._change(path.decode(), attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """The same for an open file."""
        self._change(_handle(file_obj).path, attrs)

    def _change(self, path: str, attrs: asyncssh.SFTPAttrs) -> None:
        self._node(path)
        if attrs.permissions is not None:
            self._files.change(path, mode=attrs.permissions & _MASK)
        if attrs.uid is not None and attrs.gid is not None:
            self._files.change(path, uid=attrs.uid, gid=attrs.gid)

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make one folder."""
        name = path.decode()
        if self._files.get(name) is not None:
            raise asyncssh.SFTPFailure(f"{name} exists")
        mode = 0o755 if attrs.permissions is None else attrs.permissions & _MASK
        self._files.mkdir(name, mode)

    def remove(self, path: bytes) -> None:
        """Remove one file."""
        self._node(path.decode())
        self._files.remove(path.decode())

    rmdir = remove

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move over whatever is there."""
        self._node(oldpath.decode())
        if self._files.children(newpath.decode()):
            raise asyncssh.SFTPFailure(f"{newpath.decode()} is a folder that is not empty")
        self._files.rename(oldpath.decode(), newpath.decode())

    rename = posix_rename

    def realpath(self, path: bytes) -> bytes:
        """The machine has no links."""
        return path if path.startswith(b"/") else b"/root/" + path.lstrip(b"./")


def _handle(file_obj: object) -> Handle:
    if not isinstance(file_obj, Handle):
        raise asyncssh.SFTPFailure("not a file handle of this session")
    return file_obj


def _attributes(node: Node) -> asyncssh.SFTPAttrs:
    kind = stat.S_IFDIR if node.is_folder else stat.S_IFREG
    return asyncssh.SFTPAttrs(
        size=len(node.content or b""), uid=node.uid, gid=node.gid, permissions=kind | node.mode
    )
