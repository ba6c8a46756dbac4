"""Which of the tenant's languages a browser prefers (RFC 9110 §12.5.4, prefix match)."""

from collections.abc import Sequence


def _weighted(header: str) -> list[tuple[float, str]]:
    """Return (-quality, tag) pairs of the header; malformed parts count as unwanted."""
    found = []
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") or "1"
        try:
            found.append((-float(quality), tag.strip().lower()))
        except ValueError:
            continue
    return found


def preferred_language(header: str, offered: Sequence[str]) -> str:
    """Return the offered language the header likes best, the first offered if none fits."""
    for weight, tag in sorted(_weighted(header), key=lambda pair: pair[0]):
        for language in offered:
            if weight < 0 and tag.partition("-")[0] == language.lower().partition("-")[0]:
                return language
    return offered[0]
