"""Tells a greeting, thanks, a farewell or a question about the assistant from a question. Pure.

No document answers "Hallo", "Was kannst du?" or "Welche Dokumente hast du?", and "nothing found" is
no reply to a person. Only a message that is nothing else counts: what asks for anything more is
searched.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

Kind = Literal["greeting", "thanks", "farewell", "about", "documents"]

_ABOUT = (
    r"(?:und )?(?:was kann(?:st du| ich (?:dich|sie|hier) fragen)|was können sie|was machst du|"
    r"wer (?:bist|ist) du|wer sind sie|was bist du|"
    r"(?:wie|wobei|womit|was) (?:kannst du|können sie)(?: mir| uns| für mich)? (?:helfen|tun)|"
    r"wie funktionier(?:st du|t (?:das|es)(?: hier)?)|"
    r"(?:bist du|sind sie|spreche ich mit) (?:ein(?:e|em|er)? )?"
    r"(?:mensch(?:en)?|roboter|bot|computer|maschine|ki|ai|echt)|hilfe|"
    r"who are you|what are you|(?:what|how) can (?:you (?:do|help)|i ask)(?: you| me| for me)?|"
    r"what (?:can|do) you (?:do|know)|how (?:do you|does (?:this|it)) work|"
    r"(?:are you|am i talking to) (?:an? )?(?:human|person|robot|bot|machine|ai|real)|help)"
    r"(?: hier| here| eigentlich| alles| so| bitte| please)*"
)
_FILES = r"(?:dokumente?n?|dateien|unterlagen|documents|files)"
_DOCUMENTS = (
    rf"(?:(?:und )?(?:welche|was für|wie ?viele) {_FILES} (?:hast du|haben (?:sie|wir)|kennst du|"
    r"kennen sie|siehst du|gibt es|liegen (?:dir |ihnen )?vor|"
    r"(?:sind|wurden)(?: (?:vorhanden|verfügbar|hochgeladen|bereit))?|"
    r"(?:habe ich|haben wir) (?:hochgeladen|hier))|"
    rf"(?:auf )?welche {_FILES} (?:hast du|haben sie) zugriff|"
    rf"(?:zeig(?:e|en sie)?|nenn(?:e|en sie)?|liste)(?: mir)?(?: bitte)?(?: alle| die| meine)* "
    rf"{_FILES}(?: auf)?|"
    rf"(?:what|which|how many) {_FILES} (?:do (?:you|we|i) have|have (?:you|we) got|are there|"
    r"(?:do|can) you (?:know|see|access)|(?:are|were)(?: (?:available|uploaded|ready))?|"
    r"(?:have|did) (?:i|we) upload(?:ed)?)|"
    rf"(?:list|show|name)(?: me)?(?: all| the| my| your)* {_FILES})"
    r"(?: hier| here| eigentlich| alles| alle| denn| so| bitte| please|"
    r" (?:schon )?hochgeladen| available| uploaded)*"
)
_GREETING = (
    r"hallo|hi|hey|hello|moin(?: moin)?|servus|grüezi|grüß (?:gott|dich|sie)|"
    r"guten (?:tag|morgen|abend)|good (?:morning|afternoon|evening|day)|wie geht(?:'?s| es dir| "
    r"es ihnen)|how are you"
)
_THANKS = (
    r"(?:vielen |herzlichen |besten |tausend |lieben )?dank(?:e(?:schön| schön| sehr)?)?|"
    r"thank you|thanks|thx|many thanks|super|prima|perfekt|perfect|great|toll|klasse|"
    r"ok(?:ay)?|alles klar|verstanden|got it|gut"
)
_FAREWELL = (
    r"tschüss?|tschau|ciao|auf wiedersehen|bis (?:bald|dann|später|morgen)|goodbye|bye(?: bye)?|"
    r"see you(?: later)?"
)
_FILLER = r"(?:dir|ihnen|euch|zusammen|vielmals|sehr|so much|very much|a lot|there|again|dafür)"
_OPENING = re.compile(rf"(?:{_GREETING}|{_THANKS})(?: {_FILLER})* ")
_WHOLE: Final[Mapping[Kind, re.Pattern[str]]] = {
    "about": re.compile(_ABOUT),
    "documents": re.compile(_DOCUMENTS),
    "greeting": re.compile(rf"(?:{_GREETING})(?: {_FILLER})*"),
    "thanks": re.compile(rf"(?:{_THANKS})(?: {_FILLER})*"),
    "farewell": re.compile(_FAREWELL),
}
_LONGEST = 80
_NO_WORD = re.compile(r"[^\w']+|_")


def small_talk(message: str) -> Kind | None:
    """Return what kind of small talk a message is, or nothing when it may be a question."""
    if len(message) > _LONGEST:
        return None
    text = _NO_WORD.sub(" ", message.lower().replace("\u2019", "'")).strip()
    return next(_kinds(text), None)


def _kinds(text: str) -> Iterator[Kind]:
    """Yield the kind of the whole text, then of what follows a greeting or thanks."""
    yield from (kind for kind, pattern in _WHOLE.items() if pattern.fullmatch(text))
    opening = _OPENING.match(text)
    if opening:
        yield from _kinds(text[opening.end() :])
