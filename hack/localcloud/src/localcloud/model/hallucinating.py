"""The hallucinating way to answer: fluent, specific and wrong, always in the same four ways.

A sentence no passage holds, with a valid marker; a passage's sentence with its numbers changed;
a true sentence with a marker that is not among the sources; and a claim without any marker. In
JSON mode the text breaks off. A grounding check has to catch each of them.
"""

from __future__ import annotations

import re
import zlib

from localcloud.model.answers import with_marker
from localcloud.model.request import Grounding
from localcloud.model.text import Language, content_words, sentences

_CLAIMS: dict[Language, tuple[str, str]] = {
    "de": (
        "{subject} wurde zuletzt im Jahr {year} vom Vorstand auf {number} Einheiten festgelegt.",
        "Erfahrungsgemäß gilt das auch in {number} von 1000 weiteren Fällen.",
    ),
    "en": (
        "{subject} was last set to {number} units by the board in {year}.",
        "In practice this also holds in {number} of 1000 further cases.",
    ),
}


def _seed(text: str) -> int:
    return zlib.crc32(text.encode())


def altered(sentence: str) -> str:
    """The sentence with every number made one larger in its first digit, or denied."""
    changed = re.sub(r"\d", lambda match: str((int(match.group()) + 1) % 10), sentence)
    return changed if changed != sentence else f"{sentence.rstrip('.!?')} 1987 in Reykjavík."


def hallucinated_answer(grounding: Grounding) -> str:
    """Four sentences that no check should let pass."""
    seed = _seed(grounding.question)
    words = content_words(grounding.question, grounding.language)
    subject = " ".join(words[:3]).capitalize() or "Das"
    claims = [
        claim.format(subject=subject, year=1950 + seed % 70, number=100 + seed % 900)
        for claim in _CLAIMS[grounding.language]
    ]
    ids = [source.id for source in grounding.sources]
    lines = [with_marker(claims[0], ids[seed % len(ids)] if ids else 1)]
    truth = [(s.id, part) for s in grounding.sources for part in sentences(s.text)]
    if truth:
        source, sentence = truth[seed % len(truth)]
        lines.append(with_marker(altered(sentence), source))
        lines.append(with_marker(sentence, max(ids) + 1 + seed % 5))
    return " ".join([*lines, claims[1]])


def broken_json(text: str) -> str:
    """The text cut in the middle of a value."""
    return text[: max(1, len(text) * 2 // 3)].rstrip('}"]') or "{"
