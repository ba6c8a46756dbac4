"""What keeps text from documents from acting: instructions taken out, output made inert. Pure.

No detector stops injection. What holds is that the model has no tools here, that its output loses
links, images and markup, and that only what a source says gets through. Taking instruction-like
sentences out of the sources before the model sees them keeps an obedient model on its question.
"""

import re

from tenant_agent.retrieval.split import sentence_spans

INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instruction|prompt|rule|previous|above|"
    r"prior|everything|context)"
    r"|\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*|überschreib\w*)\b.{0,50}\b(?:anweisung|"
    r"vorgabe|regel|bisherig|vorherig|obig|alles|instruktion|kontext)"
    r"|\byou (?:are now|must now|must (?:say|answer|reply|respond|output|write))\b"
    r"|\bdu (?:bist (?:jetzt|nun)|musst (?:jetzt )?(?:sagen|antworten|schreiben))\b"
    r"|\b(?:system|assistant|developer)\s*(?:prompt|message|instruction|:)"
    r"|\bsystem(?:anweisung|nachricht|prompt)"
    r"|\b(?:reveal|print|output|repeat|zeige|gib|nenne|verrate)\b.{0,40}\b(?:your|deine|ihre)\b.{0,20}"
    r"\b(?:instruction|prompt|rules|anweisung|vorgabe|regeln)"
    r"|\b(?:say|reply|respond|answer|output|print|append|antworte|schreibe?|sage?)\b[^.!?\n]{0,30}"
    r"[\"“„»'`][^\"”“»'`]+[\"”“«'`]"
    r"|\b(?:append|add|attach|insert|include|put)\b.{0,80}\b(?:your|every|each) "
    r"(?:answer|reply|response|output)"
    r"|\b(?:füge|hänge|ergänze|setze)\b.{0,80}\b(?:deine\w*|jede\w*) (?:antwort|ausgabe)"
    r"|\b(?:output|print|say|repeat|write) (?:only |just )?the (?:word|phrase|string|sentence)s?\b"
    r"|\b(?:gib|sage?|schreibe?|wiederhole) (?:nur |immer )?(?:das wort|den satz|die worte)\b"
    r"|\b(?:ai|language) (?:model|assistant)s?\b|\b(?:sprachmodell|ki-assistent)"
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
