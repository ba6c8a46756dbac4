"""Takes from this process what reading one file does not need: other files and the network.

Landlock (Linux 5.13; TCP since 6.7) needs no rights and cannot be undone. The numbers are those of
`linux/landlock.h` and of the system call table, which is the same on all architectures since 5.1.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_FOR_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# How many rights a version knows, and the size of what it takes: (file rights, bytes).
_KNOWN = {1: (13, 8), 2: (14, 8), 3: (15, 8), 4: (15, 16), 5: (16, 16), 6: (16, 24)}
_TCP = 0b11
_SIGNALS_AND_SOCKETS = 0b11
# Where the interpreter and its libraries find theirs.
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom", "/dev/null")


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("handled_files", ctypes.c_uint64),
        ("handled_network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


_LIBC = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the kernel's version of Landlock; 0 where it has none or a container forbids it."""
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION)))


def python_folders() -> list[Path]:
    """Return where modules may still be loaded from."""
    found = (sys.prefix, sys.base_prefix, *sys.path, *_SYSTEM)
    return [Path(place) for place in dict.fromkeys(found) if place and Path(place).exists()]


def confine(readable: Iterable[Path]) -> bool:
    """Leave this process nothing but reading `readable`: files, or folders with all below.

    Returns:
        False where the kernel has no Landlock; then nothing has changed.

    Raises:
        OSError: the kernel has it and refuses.
    """
    newest = version()
    if newest == 0:
        return False
    rights, size = _KNOWN[min(newest, max(_KNOWN))]
    wanted = _Ruleset((1 << rights) - 1, _TCP, _SIGNALS_AND_SOCKETS)
    ruleset = _call(_CREATE_RULESET, ctypes.byref(wanted), size, 0)
    for path in readable:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
        rule = _PathBeneath(allowed, parent)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(parent)
    if _LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return True


def _call(number: int, *arguments: object) -> int:
    result = int(_LIBC.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result
