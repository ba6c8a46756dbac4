"""The prompt: instruction, earlier turns, and the question with its sources as JSON data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

from tenant_agent.agent.guard import without_instructions
from tenant_agent.agent.models.port import Prompt, Turn
from tenant_agent.agent.sentence_stream import without_markers

NOT_FOUND = "NOT_FOUND"
VERSION = "answer-1"
HISTORY_TURNS = 6
HISTORY_CHARACTERS = 1500


@dataclass(frozen=True)
class PromptSource:
    """A passage as the model gets it; `id` is the number it cites.

    Without slots, because `evidence` is kept: every sentence of an answer is checked against it.
    """

    id: int
    title: str
    heading: str
    page: int
    text: str

    @cached_property
    def evidence(self) -> str:
        """Return what the model sees of the text: the only words an answer may rest on."""
        return without_instructions(self.text)


@cache
def system_instruction() -> str:
    """Return the instruction; a file, so that it is read and reviewed as prose."""
    return (files(__package__) / "prompts" / f"{VERSION}.md").read_text(encoding="utf-8").strip()


def question_document(question: str, language: str, sources: Sequence[PromptSource]) -> str:
    """Return the last user content: one JSON object, which delimits data from instruction."""
    return json.dumps(
        {
            "question": question,
            "language": language,
            "sources": [
                {
                    "id": source.id,
                    "title": without_instructions(source.title),
                    "heading": without_instructions(source.heading),
                    "page": source.page,
                    "text": source.evidence,
                }
                for source in sources
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def build_prompt(
    question: str,
    language: str,
    sources: Sequence[PromptSource],
    history: Sequence[Turn] = (),
) -> Prompt:
    """Return the prompt of a turn; of the history the last turns, shortened, without markers."""
    earlier = tuple(
        Turn(turn.role, without_markers(turn.text)[:HISTORY_CHARACTERS])
        for turn in history[-HISTORY_TURNS:]
    )
    last = Turn("user", question_document(question, language, sources))
    return Prompt(system_instruction(), (*earlier, last))
