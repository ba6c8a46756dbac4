"""Splitting German and English text into sentences and comparable words.

Rule-based on purpose: no model decides where a sentence ends, so the same text always gives the
same sentences. Stemming is light (endings only); it serves comparison, never display.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

Language = Literal["de", "en"]


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_ABBREVIATIONS = _set(
    "abs art bzw ca dr etc evtl fig ggf inkl jr max min mio mr mrs ms nr no prof sog sr st str tel "
    "usw vgl vs zzgl approx dept est inc ltd co corp z b d h u a i e g s p vol al"
)
_MONTHS = _set(
    "januar februar märz april mai juni juli august september oktober november dezember jan feb "
    "apr jun jul aug sep okt nov dez"
)
_COUNTED = re.compile(
    r"jahrhunderts?|rang|platz|klasse|liga|auflage|stock|kapitel|tag|woche|lebensjahr|geburtstag",
    re.IGNORECASE,
)
_BEFORE_ORDINAL = re.compile(
    r"(?:\(|\b(?:am|im|vom|zum|der|dem|den|des|bis|ab|seit|beim|frühen|späten))\s*$", re.IGNORECASE
)
_BOUNDARY = re.compile(r"[.!?…]+[\"'»«“”)\]]*\s+(?=[\"'»«“”(\[]*[\w])|\n\s*\n|\n(?=\s*[-*•\d])")
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*", re.UNICODE)
_STOP: dict[Language, frozenset[str]] = {
    "de": _set(
        "aber alle allem allen aller alles als also am an ander andere anderem anderen anderer "
        "auch auf aus bei beim bin bis bist da damit dann das dass dein dem den denn der deren des "
        "dessen dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine "
        "einem einen einer eines er es etwa etwas euch euer für gegen gewesen hab habe haben hat "
        "hatte hatten hier hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede "
        "jedem jeden jeder jedes jene jenem jenen jener kann kein keine keinem keinen keiner "
        "können könnte mal man mein mich mir mit muss müssen nach nicht nichts noch nun nur ob "
        "oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so solche soll sollen "
        "sollte sondern sonst über um und uns unser unter viel vom von vor war waren warum was "
        "wegen weil welche welchem welchen welcher welches wenn wer werde werden wessen wem wen "
        "wie wieder will wir wird wirst wo wohin woher wofür womit worin wann wieviel wurde wurden "
        "würde würden zu zum zur zwar zwischen gibt gab geben es wodurch woran worauf woraus "
        "worüber wovon wozu viele darf dürfen dürfte möchte möchten bitte danke hallo "
        "genau erwähnt erwähnte erwähnten genannt genannte genannten beschrieben"
    ),
    "en": _set(
        "a about after again all also am an and any are as at be because been before being "
        "between both but by can could did do does doing down during each few for from further "
        "had has have having he her here hers him his how i if in into is it its itself just me "
        "more most my no nor not of off on once only or other our out over own same she should so "
        "some such than that the their them then there these they this those through to too under "
        "until up very was we were what when where which while who whom whose why will with would "
        "you your yours many much may might must shall please thanks hello hi "
        "specific specifically mention mentions mentioned discuss discussed describe described "
        "emphasize emphasized"
    ),
}
_SUFFIXES: dict[Language, tuple[str, ...]] = {
    "de": ("ungen", "ung", "en", "ern", "em", "er", "es", "et", "st", "te", "e", "n", "s", "t"),
    "en": ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "ly", "s", "e"),
}


def fold(text: str) -> str:
    """Lower case with umlauts written out, accents dropped and ß as ss."""
    plain = text.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    decomposed = unicodedata.normalize("NFKD", plain)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The words and numbers of a text, as written."""
    return _WORD.findall(unicodedata.normalize("NFC", text))


def language_of(text: str, default: Language = "en") -> Language:
    """German or English, by counting function words and umlauts; `default` when undecided."""
    lowered = [word.casefold() for word in words(text)]
    german = sum(word in _STOP["de"] for word in lowered)
    english = sum(word in _STOP["en"] for word in lowered)
    german += sum(any(char in "äöüß" for char in word) for word in lowered)
    if german == english:
        return default
    return "de" if german > english else "en"


def content_words(text: str, language: Language) -> list[str]:
    """Words without function words, in order, as written."""
    stop = _STOP[language]
    kept = [word for word in words(text) if word.casefold() not in stop]
    return [word for word in kept if len(word) > 1 or word.isdigit()]


@lru_cache(maxsize=65536)
def stem(word: str, language: Language) -> str:
    """A comparable form: folded, one ending removed; numbers stay whole."""
    form = fold(word)
    if form[:1].isdigit():
        return form
    for suffix in _SUFFIXES[language]:
        if form.endswith(suffix) and len(form) - len(suffix) >= 4:
            return form[: -len(suffix)]
    return form


def _is_end(text: str, dot: int, end: int) -> bool:
    """Whether the punctuation at `dot` closes a sentence, not an abbreviation or an ordinal."""
    if text[dot] != ".":
        return True
    before = re.search(r"(\w+)$", text[:dot])
    after = re.match(r"[\"'»«“”(\[]*(\w+)", text[end:])
    if before is None or after is None:
        return True
    last, following = before.group(1).casefold(), after.group(1)
    if last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha()):
        return False
    if last.isdigit() and _is_ordinal(text[: before.start()], last, following):
        return False
    return text.islower() or not following[0].islower()


def _is_ordinal(before: str, number: str, after: str) -> bool:
    """Whether a number with a dot counts (`im 18. Jahrhundert`) and does not end a sentence."""
    if len(number) > 2:
        return False
    counted = after.casefold() in _MONTHS or _COUNTED.fullmatch(after)
    return bool(counted or _BEFORE_ORDINAL.search(before[-12:]))


def sentences(text: str) -> list[str]:
    """Sentences of a text in order, trimmed; blank lines and list items also separate."""
    parts: list[str] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        if text[match.start()] not in "\n" and not _is_end(text, match.start(), match.end()):
            continue
        parts.append(text[start : match.end()])
        start = match.end()
    parts.append(text[start:])
    cleaned = (" ".join(part.split()) for part in parts)
    return [part for part in cleaned if part]
