"""Content words and numbers of a text, comparable across inflection; German and English."""

import re
from functools import cache

from tenant_agent.retrieval.words import word_list

TOKEN = re.compile(r"\d+(?:[.,'\u2019]\d+)*|[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
SUFFIXES = (
    "ungen", "ung", "heit", "keit", "isch", "lich", "ern", "est", "end", "en", "er", "es", "em",
    "et", "te", "st", "e", "n", "s", "t",
    "ations", "ation", "ings", "ing", "ies", "ied", "ed", "ly",
)  # fmt: skip
SHORTEST_STEM = 4
THOUSANDS = 3
UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
NEGATION = re.compile(
    r"\b(?:nicht|kein\w*|nie(?:mals)?|ohne|not|no|never|none|without|cannot|\w+n['\u2019]t)\b",
    re.IGNORECASE,
)


@cache
def stop_words() -> frozenset[str]:
    """Return the function words of both languages."""
    return word_list("function_de") | word_list("function_en")


def stem(word: str) -> str:
    """Return a crude stem: case, umlauts and one inflection ending taken off."""
    word = word.lower().translate(UMLAUTS)
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text, written one way: 1.234,50 and 1,234.5 are both 1234.5."""
    return frozenset(_number(token) for token in TOKEN.findall(text) if token[0].isdigit())


def _number(token: str) -> str:
    """Return a number without thousands separators, a point before its decimals.

    One separator before three digits separates thousands, unless nothing but a zero is before it;
    what separates anything else more than once is no number but a date or a version.
    """
    whole, *groups = re.split(r"\D", token)
    marks = re.findall(r"\D", token)
    if len(groups) > 1 and marks[-1] not in marks[:-1]:
        decimals: str | None = groups.pop()
    elif len(groups) == 1 and (len(groups[0]) != THOUSANDS or whole.strip("0") == ""):
        decimals = groups.pop()
    else:
        decimals = None
    if any(len(group) != THOUSANDS for group in groups):
        return ".".join(re.split(r"\D", token))
    digits = "".join((whole, *groups))
    decimals = (decimals or "").rstrip("0")
    return f"{digits}.{decimals}" if decimals else digits


def content_stems(text: str) -> frozenset[str]:
    """Return the stems of a text's content words."""
    words = (token for token in TOKEN.findall(text) if not token[0].isdigit())
    return frozenset(
        stem(part)
        for word in words
        for part in re.split(r"[-'\u2019]", word)
        if len(part) > 1 and part.lower() not in stop_words()
    )


def is_negated(text: str) -> bool:
    """Return whether the text holds an odd number of negations."""
    return len(NEGATION.findall(text)) % 2 == 1
