"""Logs: one JSON object per line on standard output; what could carry a secret is taken out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from tenant_agent.settings import Settings

SECRET_KEY = re.compile(r"password|secret|token|api_?key|authorization|cookie", re.IGNORECASE)
SECRET_TEXT = re.compile(r"AIza[\w-]{20,}|(?<=key=)[^&\s]+|(?<=password=)\S+")
HIDDEN = "[hidden]"


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide values whose key or look says secret."""
    for key, value in event.items():
        if SECRET_KEY.search(key):
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = SECRET_TEXT.sub(HIDDEN, value)
    return event


def configure(level: str) -> None:
    """Send structlog's and the libraries' logs through one formatter."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpx2", "httpcore", "google_genai", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configured_settings() -> Settings:
    """Read the settings of this process and configure its logs by them."""
    settings = Settings()
    configure(settings.log_level)
    return settings
