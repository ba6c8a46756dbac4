"""What kind of thing a question asks for, and whether a sentence holds one.

By wording only, German and English. A number or a name counts when the question does not hold it
itself: who asks for a year and names another one is not answered by the year they named.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NUMBER_WORD = re.compile(
    r"\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend|million\w*|"
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|thousand)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d{3}|20\d{2})\b|\b\d{1,2}[.:]\d{2}\b|jahrhundert|centur|\b(?:montag|dienstag|mittwoch|"
    r"donnerstag|freitag|samstag|sonntag|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|january|"
    r"february|march|may|june|july|october|december|uhr|täglich|monat\w*|jahr\w*|years?|months?|"
    r"tage?n?|days?|wochen?|weeks?)\b|\b\d{1,2} ?[ap]\.?m\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)(?<![.!?]\s)\b[A-ZÄÖÜ][\w-]+")
_FULL_NAME = re.compile(
    r"\b[A-ZÄÖÜ][\w.'\u2019-]+(?:\s+(?:von|van|de|del|der|of|the|di|da)){0,2}\s+[A-ZÄÖÜ][\w'\u2019-]+"
)
_REASON = re.compile(
    r"\b(?:because|since|due to|therefore|so that|in order|as a result|led to|caused?|reasons?|"
    r"owing|thus|weil|da|denn|wegen|aufgrund|um|daher|deshalb|damit|führ\w+|ursache\w*|durch|"
    r"folge)\b",
    re.IGNORECASE,
)


_YES_OR_NO = re.compile(
    r"^\W*(?:werden|wird|ist|sind|darf|dürfen|kann|können|muss|müssen|soll|sollen|hat|haben|gibt|"
    r"gilt|are|is|do|does|did|can|could|may|must|will|would|should|has|have|was|were)\b",
    re.IGNORECASE,
)


def is_yes_or_no(question: str) -> bool:
    """Whether a question is answered by a statement in its own words, or by one that denies it."""
    return _YES_OR_NO.match(question) is not None


def _asks(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _new_numbers(question: str, sentence: str) -> set[str]:
    return set(_NUMBER.findall(sentence)) - set(_NUMBER.findall(question))


def _number(question: str, sentence: str) -> float:
    held = _new_numbers(question, sentence) or _NUMBER_WORD.search(sentence)
    return 1.0 if held else -1.0


def _time(question: str, sentence: str) -> float:
    if not _TIME.search(sentence):
        return -1.0
    return 1.0 if _new_numbers(question, sentence) or not _NUMBER.search(sentence) else -1.0


def _person(question: str, sentence: str) -> float:
    asked = question.casefold()
    if any(name.casefold() not in asked for name in _FULL_NAME.findall(sentence)):
        return 1.0
    return 0.0 if _NAME.search(sentence) else -1.0


def _reason(_question: str, sentence: str) -> float:
    return 1.0 if _REASON.search(sentence) else -1.0


_KINDS: tuple[tuple[re.Pattern[str], Callable[[str, str], float]], ...] = (
    (
        _asks(
            r"\bwie ?viele?n?\b|\bhow (?:many|much|old|tall|high|long|far|big|large|often|fast)\b|"
            r"\bwie (?:hoch|alt|groß|lange?|weit|teuer|schwer|oft|schnell)\b|"
            r"\b(?:prozent\w*|percent\w*|anzahl|number of|rate|amount|betrag)\b"
        ),
        _number,
    ),
    (
        _asks(
            r"\bwann\b|\bwhen\b|\b(?:what|which) (?:year|day|date|month|century|time)\b|"
            r"\bwelche[mnrs]? (?:jahr|tag|datum|monat|jahrhundert)\w*"
        ),
        _time,
    ),
    (_asks(r"\b(?:we[rnm]|wessen|who|whom|whose)\b"), _person),
    (
        _asks(
            r"\b(?:why|warum|weshalb|wieso|wozu|reasons?|caused?|causes|gründe?|ursache\w*|grund)\b"
        ),
        _reason,
    ),
)
KINDS = ("number", "time", "person", "reason")


def kinds(question: str, sentence: str) -> tuple[float, ...]:
    """Per kind of `KINDS`: 1 when it is asked for and there, -1 when asked for and not, else 0."""
    return tuple(
        holds(question, sentence) if asks.search(question) else 0.0 for asks, holds in _KINDS
    )
