"""Files in memory: content, mode and owner by absolute path; folders are nodes too."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Node:
    """A file, or a folder when `content` is None."""

    content: bytes | None
    mode: int
    uid: int = 0
    gid: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it holds other nodes."""
        return self.content is None


ROOT = Node(content=None, mode=0o755)


def clean(path: str) -> str:
    """The absolute, normalised form of a path."""
    return "/" + posixpath.normpath("/" + path).lstrip("/")


class FileSystem:
    """One tree. Nothing is ever half written: a node is replaced as a whole."""

    def __init__(self, nodes: dict[str, Node] | None = None) -> None:
        self._nodes: dict[str, Node] = {"/": ROOT, **(nodes or {})}

    def get(self, path: str) -> Node | None:
        """The node at a path."""
        return self._nodes.get(clean(path))

    def read(self, path: str) -> bytes | None:
        """A file's content; None when it is absent or a folder."""
        node = self.get(path)
        return node.content if node else None

    def text(self, path: str) -> str:
        """A file's content as text, empty when absent."""
        return (self.read(path) or b"").decode(errors="replace")

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Make or replace a file and the folders above it; an existing one keeps its owner."""
        path, before = clean(path), self.get(path)
        self.mkdir(posixpath.dirname(path))
        owner = (before.uid, before.gid) if before else (0, 0)
        self._nodes[path] = Node(content=content, mode=mode, uid=owner[0], gid=owner[1])

    def mkdir(self, path: str, mode: int = 0o755) -> None:
        """Make a folder and those above it; one that exists stays as it is."""
        path = clean(path)
        while path not in self._nodes:
            self._nodes[path] = Node(content=None, mode=mode)
            path = posixpath.dirname(path)

    def change(self, path: str, **fields: Any) -> None:
        """Change mode or owner of a node that exists."""
        path = clean(path)
        self._nodes[path] = replace(self._nodes[path], **fields)

    def remove(self, path: str) -> None:
        """Remove a node and all below it; absent is fine."""
        path = clean(path)
        for name in [path, *self.below(path)]:
            self._nodes.pop(name, None)

    def rename(self, old: str, new: str) -> None:
        """Move a node over whatever was there, with all below it."""
        old, new = clean(old), clean(new)
        moved = {name: self._nodes[name] for name in [old, *self.below(old)]}
        self.remove(new)
        for name, node in moved.items():
            del self._nodes[name]
            self._nodes[new + name[len(old) :]] = node
        self.mkdir(posixpath.dirname(new))

    def below(self, path: str) -> list[str]:
        """Every path below a folder, sorted."""
        prefix = clean(path).rstrip("/") + "/"
        return sorted(name for name in self._nodes if name.startswith(prefix) and name != "/")

    def children(self, path: str) -> list[str]:
        """Names directly inside a folder."""
        depth = len(clean(path).rstrip("/")) + 1
        return [name[depth:] for name in self.below(path) if "/" not in name[depth:]]

    def files(self, path: str) -> Iterator[tuple[str, Node]]:
        """Files below a folder with their paths."""
        for name in self.below(path):
            node = self._nodes[name]
            if not node.is_folder:
                yield name, node

    def copy(self) -> FileSystem:
        """An independent copy; nodes are immutable."""
        return FileSystem(dict(self._nodes))

    def document(self) -> dict[str, Any]:
        """JSON form; bytes as Latin-1 text, which maps them one to one."""
        return {
            path: {**asdict(node), "content": _as_text(node.content)}
            for path, node in self._nodes.items()
        }


def _as_text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("latin-1")


def from_document(document: dict[str, Any]) -> FileSystem:
    """The inverse of `FileSystem.document`."""
    nodes = {}
    for path, fields in document.items():
        text = fields["content"]
        content = None if text is None else text.encode("latin-1")
        nodes[path] = Node(**{**fields, "content": content})
    return FileSystem(nodes)
