"""Why a job stopped: a short name the operator acts on, and a sentence for people."""

from __future__ import annotations

import re
from collections.abc import Sequence


class JobError(Exception):
    """A job cannot go on. `failure` is one of the operator's `HostFailure` values."""

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message


_SIGNS: tuple[tuple[str, str], ...] = (
    (r"no space left on device|disk quota exceeded|not enough free space", "disk-full"),
    (r"could not get lock|unable to acquire the dpkg frontend lock|unable to lock", "apt-locked"),
    (r"manifest unknown|manifest for .* not found|repository .* not found|name unknown"
     r"|failed to resolve reference .*: not found", "image-missing"),
    (r"unauthorized|authentication required|pull access denied|no basic auth|denied:"
     r"|requested access .* denied", "registry-denied"),
)  # fmt: skip


def classify(text: str, *, otherwise: str) -> str:
    """The failure a program's error text stands for."""
    lowered = text.lower()
    for pattern, failure in _SIGNS:
        if re.search(pattern, lowered):
            return failure
    return otherwise


def brief(text: str, *, limit: int = 600) -> str:
    """The end of an error text on one line: programs put the cause last."""
    joined = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    return joined if len(joined) <= limit else "…" + joined[-limit:]


def redact(text: str, secrets: Sequence[str]) -> str:
    """`text` without any of the secret values."""
    for value in secrets:
        if len(value) >= 6:
            text = text.replace(value, "[secret]")
    return text
