"""Word lists, as text files."""

from functools import cache
from importlib.resources import files


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of `name`.txt."""
    return frozenset((files(__package__) / f"{name}.txt").read_text(encoding="utf-8").split())
