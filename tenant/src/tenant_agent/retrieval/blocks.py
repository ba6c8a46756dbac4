"""What a reader of a format returns: pages of blocks. The one shape all formats share."""

from dataclasses import dataclass, field
from typing import Any

BLOCK_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row or heading (`level` 1 to 6; 0 means body text)."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as pages of blocks.

    `paged` says whether the pages are those of the original; otherwise they are sections of even
    size that make a long text addressable.
    """

    pages: list[list[Block]] = field(default_factory=list)
    paged: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the pipe from the reading process."""
        pages = [[[block.text, block.level] for block in page] for page in self.pages]
        return {"paged": self.paged, "pages": pages}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Parsed":
        """Return the value `to_json` came from."""
        pages = [[Block(text, level) for text, level in page] for page in data["pages"]]
        return cls(pages, data["paged"])


def page_text(blocks: list[Block]) -> str:
    """Return the text of a page as it is stored and shown; chunk offsets count in it."""
    return BLOCK_GAP.join(block.text for block in blocks)
