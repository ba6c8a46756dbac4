"""The few programs of every Unix machine that take their input or a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from localcloud.machines.simulated_host.ended import Ended
from localcloud.machines.simulated_host.filesystem import FileSystem

Basic = Callable[[FileSystem, Sequence[str], bytes], Ended]


def run_basic(files: FileSystem, argv: Sequence[str], stdin: bytes) -> Ended | None:
    """Run one of these programs; None when it is another."""
    program = BASICS.get(argv[0].rsplit("/", 1)[-1])
    return None if program is None else program(files, argv[1:], stdin)


def _cat(files: FileSystem, argv: Sequence[str], stdin: bytes) -> Ended:
    if not argv:
        return Ended(out=stdin.decode(errors="replace"))
    missing = [path for path in argv if files.read(path) is None]
    told = "".join(f"cat: {path}: No such file or directory\n" for path in missing)
    return Ended(1 if missing else 0, "".join(files.text(path) for path in argv), told)


def _printf(_files: FileSystem, argv: Sequence[str], _stdin: bytes) -> Ended:
    """Only `printf %s TEXT`."""
    return Ended(out=argv[1]) if argv[:1] == ["%s"] and len(argv) == 2 else Ended(2, "", "printf")


def _head(_files: FileSystem, argv: Sequence[str], _stdin: bytes) -> Ended:
    """Only `head -c SIZE /dev/zero`."""
    if len(argv) != 3 or (argv[0], argv[2]) != ("-c", "/dev/zero"):
        return Ended(2, "", "head")
    return Ended(out="\0" * int(argv[1]))


def _sleep(_files: FileSystem, argv: Sequence[str], _stdin: bytes) -> Ended:
    return Ended(seconds=float(argv[0]))


def _ls(files: FileSystem, argv: Sequence[str], _stdin: bytes) -> Ended:
    """Only `ls -A FOLDER`."""
    folder = files.get(argv[-1]) if len(argv) == 2 else None
    if folder is None or not folder.is_folder:
        return Ended(2, "", f"ls: cannot access '{' '.join(argv)}': No such file or directory\n")
    return Ended(out="".join(f"{name}\n" for name in sorted(files.children(argv[-1]))))


def _stat(files: FileSystem, argv: Sequence[str], _stdin: bytes) -> Ended:
    """Only `stat -c '%a %u %g' PATH`."""
    node = files.get(argv[-1]) if argv else None
    if node is None or list(argv[:2]) != ["-c", "%a %u %g"]:
        return Ended(1, "", f"stat: cannot statx '{' '.join(argv)}'\n")
    return Ended(out=f"{node.mode:o} {node.uid} {node.gid}\n")


BASICS: Final[Mapping[str, Basic]] = {
    "cat": _cat,
    "head": _head,
    "ls": _ls,
    "printf": _printf,
    "sleep": _sleep,
    "stat": _stat,
}
