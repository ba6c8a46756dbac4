"""The child process of `sandbox`: sets its own limits, reads one file, prints one JSON line.

    python -m tenant_agent.retrieval.parsing.child KIND PATH MEMORY_MIB SECONDS MAX_PAGES

Limits come before the first byte of the file is read and cannot be raised again; where the kernel
has Landlock, no other file and no network can be reached either. Standard output is reserved for
the result; whatever a library prints goes to standard error.
"""

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Parsed
from tenant_agent.retrieval.parsing.landlock import confine, python_folders

READERS = ("pdf", "docx", "html", "markdown", "text")
Reader = Callable[[Path, int], Parsed]


def limit_self(memory_mib: int, seconds: int) -> None:
    """Bound address space, CPU time and written files; no core dump."""
    memory = memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024 * 1024, 64 * 1024 * 1024))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def reader_of(kind: str) -> Reader:
    """Return the reader of a kind; only its own libraries are loaded."""
    if kind not in READERS:
        raise DocumentUnreadable("unsupported_type")
    module = importlib.import_module(f"tenant_agent.retrieval.parsing.{kind}_file")
    read: Reader = module.read
    return read


def outcome(kind: str, path: Path, pages: int) -> dict[str, Any]:
    """Return the parsed document or its failure as plain data."""
    try:
        parsed = reader_of(kind)(path, pages)
        if not any(block.text for page in parsed.pages for block in page):
            return {"failure": "no_text"}
        return parsed.to_json()
    except DocumentUnreadable as error:
        return {"failure": error.code}
    except (MemoryError, RecursionError):
        return {"failure": "reading_too_big"}
    except Exception as error:  # noqa: BLE001 - a reader may raise anything on a damaged file
        print(type(error).__name__, error, file=sys.stderr)  # noqa: T201
        return {"failure": "corrupt"}


def main() -> None:
    """Read as the arguments say."""
    kind, path, memory, seconds, pages = sys.argv[1:]
    result = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    limit_self(int(memory), int(seconds))
    confine([*python_folders(), Path(path)])
    with result:
        json.dump(outcome(kind, Path(path), int(pages)), result)


if __name__ == "__main__":
    main()
