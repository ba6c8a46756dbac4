"""Text as a person sees it: characters that hide or re-order text are taken out.

Zero-width and tag characters carry instructions that no reader sees; bidirectional overrides make
a line read otherwise than it is stored. Soft hyphens and line-end hyphens would split words.
"""

import re
import unicodedata

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
BLANKS = re.compile(r"[^\S\n]+")
LINE_HYPHEN = re.compile(r"(?<=[a-zäöüß])-\n(?=[a-zäöüß])")


def clean(text: str) -> str:
    """Return `text` normalised (NFC), visible, with single blanks."""
    text = unicodedata.normalize("NFC", text)
    text = INVISIBLE.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = CONTROL.sub("", text)
    return BLANKS.sub(" ", text).strip()


def clean_lines(text: str) -> str:
    """Return `text` cleaned, its lines joined as one paragraph, words at line ends mended."""
    return " ".join(LINE_HYPHEN.sub("", clean(text)).split())
