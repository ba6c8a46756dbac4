"""What the agent asks of model providers, whoever they are.

Calls are never repeated by the adapter: whoever calls decides (a person asks again, a job waits).
Every failure is a `ModelFailure`; usage comes with the pieces as far as it is known, since what
was written until a stop or a failure is billed too.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as they are billed.

    `prompt` includes `cached`; `output` includes `thoughts`. Gemini reports thoughts beside the
    candidates' tokens and cached tokens inside the prompt's: the adapter adds the one and must
    not add the other.
    """

    prompt: int = 0
    cached: int = 0
    output: int = 0
    thoughts: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation as the model sees it: role `user` or `model`."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Instruction and conversation; the last turn is the user's and carries the sources."""

    system: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer.

    Args:
        text: what comes next.
        usage: that of the whole call so far, final at the end.
        cut_off: said with the last piece: the answer ends at the limit of its length, wherever
            that fell, also before its first word.
    """

    text: str = ""
    usage: Usage | None = None
    cut_off: bool = False


class ChatModel(Protocol):
    """Writes answers."""

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[Piece]:
        """Yield the answer as it is written; closing the generator ends the call.

        Raises:
            ModelFailure: at any point; what was yielded so far is then not an answer.
        """
        ...


class EmbeddingModel(Protocol):
    """Turns texts into unit vectors of one space."""

    name: str
    dimensions: int

    async def embed_question(self, text: str) -> list[float]:
        """Return the vector of a question.

        Raises:
            ModelFailure: the provider did not deliver.
        """
        ...

    async def embed_passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of passages, in order, at most `BATCH` at a time.

        Raises:
            ModelFailure: the provider did not deliver.
        """
        ...


BATCH = 64
