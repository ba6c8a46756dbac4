"""Makes a follow-up question searchable by itself. Pure.

"And in 2024?" or "Wie lange gilt das?" share no word with what they are about. When a question is
short or points back, the words of the questions before it are searched along, up to the one that
stands alone. A model could rewrite
it better, at the price of a second call before the first word appears.
"""

import re
from collections.abc import Sequence

from tenant_agent.agent.words import content_stems

POINTS_BACK = re.compile(
    r"^\s*(?:und|oder|aber|auch|and|or|but|also|what about|how about|was ist mit|wie ist es)\b"
    r"|\b(?:das|dies\w*|jen\w+|dort|dafür|davon|damit|dabei|darin|dazu|deren|dessen|er|sie|ihn|ihm|"
    r"ihnen|it|its|they|them|their|this|that|these|those|there|he|she|him|her)\b",
    re.IGNORECASE,
)
FEW_WORDS = 3
MOST_STEPS = 3


def depends_on_history(question: str) -> bool:
    """Return whether the question is likely not to stand alone."""
    words = len(content_stems(question))
    return words < FEW_WORDS or (words < 2 * FEW_WORDS and bool(POINTS_BACK.search(question)))


def search_text(question: str, earlier: Sequence[str]) -> str:
    """Return what to search for: the question, with those before it that it leans on."""
    asked = [question]
    for one in reversed(earlier[-MOST_STEPS:]):
        if not depends_on_history(asked[-1]):
            break
        asked.append(one)
    return "\n".join(asked)
