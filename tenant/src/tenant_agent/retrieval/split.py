"""Where sentences end, in German and English; spans, so that offsets into the text survive."""

import re
from collections.abc import Iterator

from tenant_agent.retrieval.words import word_list

END = re.compile(r"[.!?…]+[\"'»«“”)\]]*(?=\s|$)|\n+")
BEFORE = re.compile(r"([^\W_]+)$")


def is_abbreviation(word: str) -> bool:
    """Return whether a full stop after `word` does not end a sentence."""
    return word.lower() in word_list("abbreviations")


def _is_end(text: str, match: re.Match[str]) -> bool:
    if (
        match.group().startswith(("\n", "!", "?", "…"))
        or len(match.group().rstrip("\"'»«“”)]")) > 1
    ):
        return True
    word = BEFORE.search(text, 0, match.start())
    if word is None:
        return True
    last = word.group(1)
    ordinal = last.isdigit() and len(last) <= 2
    return not (ordinal or is_abbreviation(last))


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence, surrounding blanks left out."""
    start = 0
    for match in END.finditer(text):
        if _is_end(text, match):
            yield from _trimmed(text, start, match.end())
            start = match.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
    if right > left:
        yield start + left, start + right


def sentences(text: str) -> list[str]:
    """Return the sentences of `text`."""
    return [text[start:end] for start, end in sentence_spans(text)]
