"""Structured logs: one event per line, with every known secret and anything that looks like one
replaced before it is written.

Redaction is the last line of defence, not the first: values that are secret have no place in a log
call. But texts of providers and programs may quote a token, so the values the operator has read
are remembered here and cut out wherever they appear.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import structlog

HIDDEN: Final = "«hidden»"
SHORTEST: Final = 8
"""Shorter values would cut ordinary words out of messages."""
LIMIT: Final = 2000
HEAD: Final = 700
"""How much of a longer text's beginning stays; the rest is its end, where a traceback has its
cause."""
_PATTERNS: Final = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.S),
    re.compile(r"(?i)(bearer|token|password|api[_-]?key|secret)\"?\s*[:=]\s*\"?[^\s\",}]{8,}"),
    re.compile(r"(?i)\bbearer\s+[^\s\",}]{8,}"),
    # Only what looks like one: messages name Secrets and their entries, and people must read them.
    re.compile(r"(?i)(token|password|api[_-]?key)\s+(?=\w*\d)\w{8,}"),
)


class Redactor:
    """Knows the secrets of this process and takes them out of texts.

    A thousand tenants have thousands of secrets, and every message of every condition passes here:
    so they are found by their first letters, and a text costs what its length costs.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[str]] = {}

    def learn(self, values: Iterable[str]) -> None:
        """Remember values that must never appear."""
        for value in values:
            if len(value) < SHORTEST:
                continue
            alike = self._known.setdefault(value[:SHORTEST], [])
            if value not in alike:
                alike.append(value)
                alike.sort(key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without known secrets and without what looks like one; of more than 2,000
        letters the middle is left out."""
        text = self._without_known(text)
        for pattern in _PATTERNS:
            text = pattern.sub(HIDDEN, text)
        return text if len(text) <= LIMIT else f"{text[:HEAD]}…{text[HEAD + 1 - LIMIT :]}"

    def _without_known(self, text: str) -> str:
        known, last = self._known, len(text) - SHORTEST
        begins = [at for at in range(last + 1) if text[at : at + SHORTEST] in known]
        parts, kept = [], 0
        for at in begins:
            alike = known[text[at : at + SHORTEST]]
            length = next((len(value) for value in alike if text.startswith(value, at)), 0)
            if length and at >= kept:
                parts += [text[kept:at], HIDDEN]
                kept = at + length
        return "".join((*parts, text[kept:]))


REDACTOR: Final = Redactor()


def _redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    del logger, method
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = REDACTOR.clean(value)
    return event


def configure(*, level: str, as_json: bool) -> None:
    """Send structlog's and the standard library's events through one pipe to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("asyncssh", "kopf", "httpx", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return bound
