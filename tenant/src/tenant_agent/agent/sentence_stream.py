"""Cuts a streamed answer into sentences with their `[n]` markers, wherever the pieces break.

A sentence is given out when its end is certain: something that is neither a marker nor a closing
quote follows it, or a line ends. Pure: text in, sentences out.
"""

import re
from dataclasses import dataclass

from tenant_agent.retrieval.split import is_abbreviation

MARKER = re.compile(r"[\[【]{1,2}\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]{1,2}")
BOUNDARY = re.compile(
    r"(?P<mark>[.!?…]+)(?P<tail>[\"'»«“”)*_]*(?:\s*[\[【]{1,2}[\d\s,;]+[\]】]{1,2})*)"
    r"(?P<gap>[^\S\n]+)(?=[^\s\[【])"
    r"|(?P<newline>[^\S\n]*\n\s*)"
)
LAST_WORD = re.compile(r"([^\W_]+)$")
NUMBERS = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without markers, the numbers of its markers, and the blank that follows it."""

    text: str
    markers: tuple[int, ...]
    gap: str


def markers_of(text: str) -> tuple[int, ...]:
    """Return the numbers of all markers in order, each once."""
    found = (int(n) for match in MARKER.finditer(text) for n in NUMBERS.findall(match.group(1)))
    return tuple(dict.fromkeys(found))


def without_markers(text: str) -> str:
    """Return `text` without markers and without the blank before each."""
    return re.sub(rf"\s*(?:{MARKER.pattern})", "", text)


def _is_real_end(text: str, match: re.Match[str]) -> bool:
    if match.group("newline") is not None or match.group("mark") != ".":
        return True
    word = LAST_WORD.search(text, 0, match.start())
    if word is None:
        return True
    last = word.group(1)
    return not (is_abbreviation(last) or (last.isdigit() and len(last) <= 2))


class SentenceStream:
    """Feed pieces, take sentences."""

    def __init__(self) -> None:
        self._buffer = ""

    def feed(self, piece: str) -> list[Sentence]:
        """Return the sentences that are complete now."""
        self._buffer += piece
        found: list[Sentence] = []
        while (cut := self._next_cut()) is not None:
            end, gap_start = cut
            found += _sentence(self._buffer[:gap_start], self._buffer[gap_start:end])
            self._buffer = self._buffer[end:]
        return found

    def _next_cut(self) -> tuple[int, int] | None:
        """Return (end, where the gap begins) of the first sentence that has surely ended."""
        for match in BOUNDARY.finditer(self._buffer):
            newline = match.group("newline") is not None
            if newline and match.end() == len(self._buffer):
                return None
            if _is_real_end(self._buffer, match):
                return match.end(), match.start("newline" if newline else "gap")
        return None

    def close(self) -> list[Sentence]:
        """Return what is left when the answer has ended."""
        rest, self._buffer = self._buffer, ""
        return _sentence(rest.rstrip(), "")


def _sentence(text: str, gap: str) -> list[Sentence]:
    plain = without_markers(text).strip()
    if not plain:
        return []
    return [Sentence(plain, markers_of(text), gap)]
