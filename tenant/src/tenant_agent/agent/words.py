"""Content words and numbers of a text, comparable across inflection; German and English."""

import re
from functools import cache, lru_cache

from tenant_agent.retrieval.words import word_list

TOKEN = re.compile(r"\d+(?:[.,'\u2019]\d+)*|[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
MONTHS = "jan|feb|mär|mar|apr|mai|may|jun|jul|aug|sep|o[kc]t|nov|de[zc]"
# "1." before a month is a day, and what is claimed of it counts.
ITEM = re.compile(
    rf"^\s*(?:#{{1,6}}|[-*•\u2013]|\d{{1,3}}[.)](?!\s+(?:{MONTHS})))\s+", re.IGNORECASE
)
SUFFIXES = (
    "ungen", "ung", "heit", "keit", "isch", "lich", "ern", "est", "end", "en", "er", "es", "em",
    "et", "te", "st", "e", "n", "s", "t",
    "ations", "ation", "ings", "ing", "ies", "ied", "ed", "ly",
)  # fmt: skip
SHORTEST_STEM = 4
# Of an answer and its sources; each is looked at for every sentence of the answer.
REMEMBERED = 4096
THOUSANDS = 3
UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
WRITTEN = {
    word: str(value)
    for value, words in {
        2: "zwei two", 3: "drei three", 4: "vier four", 5: "fünf five", 6: "sechs six",
        7: "sieben seven", 8: "acht eight", 9: "neun nine", 10: "zehn ten", 11: "elf eleven",
        12: "zwölf twelve", 13: "dreizehn thirteen", 14: "vierzehn fourteen",
        15: "fünfzehn fifteen", 16: "sechzehn sixteen", 17: "siebzehn seventeen",
        18: "achtzehn eighteen", 19: "neunzehn nineteen", 20: "zwanzig twenty",
        30: "dreißig dreissig thirty", 40: "vierzig forty", 50: "fünfzig fifty",
        60: "sechzig sixty", 70: "siebzig seventy", 80: "achtzig eighty", 90: "neunzig ninety",
    }.items()
    for word in words.split()
}  # fmt: skip
"""Numbers as words; "one" and "ein" are articles as well."""
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


def is_item(line: str) -> bool:
    """Return whether a line is one of a list."""
    return ITEM.match(line) is not None


def without_item_mark(line: str) -> str:
    """Return a line without the bullet or number of its list, which claims nothing."""
    return ITEM.sub("", line)


@lru_cache(REMEMBERED)
def figures(text: str) -> frozenset[str]:
    """Return what a text writes in digits, in one way: 1.234,50 and 1,234.5 are both 1234.5."""
    return frozenset(_number(token) for token in TOKEN.findall(text) if token[0].isdigit())


@lru_cache(REMEMBERED)
def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text, in digits or as words: "drei", "three" and "3" are all 3."""
    words = (WRITTEN.get(token.lower()) for token in TOKEN.findall(text))
    return figures(text) | frozenset(word for word in words if word is not None)


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


@lru_cache(REMEMBERED)
def content_stems(text: str) -> frozenset[str]:
    """Return the stems of a text's content words; numbers as words are numbers."""
    words = (token for token in TOKEN.findall(text) if not token[0].isdigit())
    return frozenset(
        stem(part)
        for word in words
        for part in re.split(r"[-'\u2019]", word)
        if len(part) > 1 and part.lower() not in stop_words() and part.lower() not in WRITTEN
    )


def is_negated(text: str) -> bool:
    """Return whether the text holds an odd number of negations."""
    return len(NEGATION.findall(text)) % 2 == 1
