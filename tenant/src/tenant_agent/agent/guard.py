"""What keeps text from documents from acting: instructions taken out, output made inert. Pure.

No detector stops injection. What holds is that the model has no tools here, that its output loses
links, images and markup, and that only what a source says gets through. Taking instruction-like
sentences out of the sources before the model sees them keeps an obedient model on its question.
"""

import re

from tenant_agent.retrieval.split import sentence_spans

# An order stands at the begin of a sentence or of a part of it; "who ignores the rules" gives none.
_ORDER = r"(?:^\W*|[,:;]\s*|\b(?:please|now|and|then|must|should|bitte|und|dann|jetzt)\s+)"
INSTRUCTION = re.compile(
    rf"{_ORDER}(?:ignore|disregard|forget|override)\b.{{0,40}}\b(?:instruction|prompt|rule|"
    r"task|assignment|everything|context|(?:all|the) (?:of )?(?:the )?above\b|"
    r"all\b.{0,15}\b(?:previous|prior|earlier|provided))"
    rf"|{_ORDER}ignore above\b"
    rf"|(?:\bvergiss|\bignorier|\bignoriere|\bmissachte|{_ORDER}(?:ignorieren|vergessen|missachten|"
    r"überschreiben) sie)\b(?! nicht\b).{0,50}\b(?:anweisung|vorgabe|regel|aufgabe|instruktion|"
    r"kontext|alles\b|alle\w* (?:bisherig|vorherig|obig))"
    r"|\byou (?:are now|must now|must (?:say|answer|reply|respond|output|write))\b"
    r"|\bdu (?:bist (?:jetzt|nun)|musst (?:jetzt )?(?:sagen|antworten|schreiben))\b"
    r"|\bsystem[\s-]?prompt"
    r"|\b(?:system|assistant|developer)\s*:\s*(?:you|say|write|answer|reply|respond|print|output|"
    r"antworte|schreibe?|sage?)\b"
    r"|\bas an? (?:ai (?:model|assistant)|(?:large )?language model)\b"
    r"|\bals (?:ki-assistent\w*|sprachmodell)\b.{0,30}\b(?:musst|sollst|darfst)\b"
    r"|\b(?:answer|reply|respond|antworte)\b.{0,40}\b(?:only|nur)\b.{0,20}[\"“„»'`]"
    r"|\b(?:reveal|print|output|repeat|zeige|gib|nenne|verrate)\b.{0,40}\b(?:your|deine|ihre)\b.{0,20}"
    r"\b(?:instruction|prompt|rules|anweisung|vorgabe|regeln)"
    r"|\b(?:say|reply|respond|answer|output|print|append|antworte|schreibe?|sage?)\b:?"
    r"(?:\s+(?:only|just|exactly|always|with|nur|immer|genau|mit|das wort|den satz|the word))*\s*"
    r"\(?[\"“„»'`][^\"”“»'`]+[\"”“«'`]"
    r"|\b(?:append|add|attach|insert|include|put)\b.{0,80}\b(?:your|every|each) "
    r"(?:answer|reply|response|output)"
    r"|\b(?:füge|hänge|ergänze|setze)\b.{0,80}\b(?:deine\w*|jede\w*) (?:antwort|ausgabe)"
    r"|\b(?:output|print|say|repeat|write) (?:only |just )?the (?:word|phrase|string|sentence)s?\b"
    r"|\b(?:gib|sage?|schreibe?|wiederhole) (?:nur |immer )?(?:das wort|den satz|die worte)\b"
    r"|<\|?(?:im_start|system|endoftext)|\[/?INST\]|\bNOT_FOUND\b",
    re.IGNORECASE | re.DOTALL,
)
REMOVED = "[…]"
IMAGE = re.compile(r"!\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.MULTILINE)
TAG = re.compile(r"<[/!?a-zA-Z][^>]*>?")
ADDRESS = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,15}:)?//[^\s<>\"')\]]+|\b(?:javascript|data|vbscript|file):\S*"
    r"|\bwww\.[^\s<>\"')\]]+",
    re.IGNORECASE,
)


def is_instruction(sentence: str) -> bool:
    """Return whether a sentence speaks to a model rather than to a reader."""
    return INSTRUCTION.search(sentence) is not None


def without_instructions(text: str) -> str:
    """Return `text` with instruction-like sentences replaced by an ellipsis."""
    parts, at = [], 0
    for start, end in sentence_spans(text):
        if is_instruction(text[start:end]):
            parts += [text[at:start], REMOVED]
            at = end
    return "".join([*parts, text[at:]])


def inert(text: str, allowed: str = "") -> str:
    """Return `text` without images, link targets, raw HTML and addresses.

    Args:
        text: what the model wrote.
        allowed: text of the sources; an address that stands there stays, as plain text.
    """
    text = IMAGE.sub("", text)
    text = LINK.sub(r"\1", text)
    text = DEFINITION.sub("", text)
    text = TAG.sub("", text)

    def keep(match: re.Match[str]) -> str:
        address = match.group().rstrip(".,;:!?")
        known = address in allowed and not address.lower().startswith(("javascript", "data"))
        return match.group() if known else ""

    return ADDRESS.sub(keep, text)
