"""The brand, read again when its file changes; a broken file leaves the last good one in place."""

import json
import re
from dataclasses import dataclass
from typing import Any

import structlog

from tenant_agent.settings import Settings

log = structlog.get_logger(__name__)
COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
LOGO = re.compile(r"data:image/(?:png|jpeg|webp|gif|svg\+xml)[;,]")
MAX_LOGO = 512 * 1024


@dataclass(frozen=True, slots=True)
class Brand:
    """What the dashboard wears."""

    name: str
    logo: str
    primary: str
    accent: str
    languages: list[str]
    default_language: str


def parse_brand(data: dict[str, Any], languages: list[str]) -> Brand:
    """Return the brand of a branding file; a value that is not what it should be is left out."""
    logo = str(data.get("logo") or "")
    if len(logo) > MAX_LOGO or not LOGO.match(logo):
        logo = ""

    def colour(key: str, fallback: str) -> str:
        value = str(data.get(key) or "")
        return value if COLOUR.fullmatch(value) else fallback

    return Brand(
        name=str(data.get("name") or "Agent"),
        logo=logo,
        primary=colour("primary", "#1f4b99"),
        accent=colour("accent", "#0f766e"),
        languages=languages,
        default_language=languages[0],
    )


class Branding:
    """Caches the brand by the file's identity and time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp: tuple[int, int, int] | None = None
        self._brand = parse_brand({}, settings.language_list)

    def current(self) -> Brand:
        """Return the brand as the file says now."""
        path = self._settings.branding_file
        if path is None:
            return self._brand
        try:
            stat = path.stat()
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                data = json.loads(path.read_text(encoding="utf-8"))
                self._brand = parse_brand(dict(data), self._settings.language_list)
                self._stamp = stamp
        except (OSError, ValueError, TypeError) as error:
            log.warning("branding file unreadable", error=type(error).__name__)
        return self._brand
