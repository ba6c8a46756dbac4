"""Which of the supported languages a text is in, by its function words.

German and English are told apart from a dozen words on; a text that shows neither gets the
fallback. No model to load: this runs in the idle web process.
"""

import re

from tenant_agent.retrieval.words import word_list

WORD = re.compile(r"[^\W\d_]+")
LANGUAGES = ("de", "en")
UMLAUT = re.compile(r"[äöüßÄÖÜ]")


def detect_language(text: str, fallback: str) -> str:
    """Return "de" or "en" by function words and umlauts, else `fallback`."""
    words = [word.lower() for word in WORD.findall(text[:20_000])]
    scores = {
        language: sum(word in word_list(f"function_{language}") for word in words)
        for language in LANGUAGES
    }
    scores["de"] += sum(1 for word in words if UMLAUT.search(word))
    if scores["de"] == scores["en"]:
        return fallback
    return max(scores, key=lambda language: scores[language])
