"""Named SQL: every statement of the agent, in `.sql` files with a sentence each.

A file holds blocks that begin with `-- name: <name>`. They are read once per process.
"""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def parse(text: LiteralString) -> dict[str, LiteralString]:
    """Return the blocks of one file by name."""
    parts = NAME.split(text)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


@cache
def _load(file: str) -> dict[str, LiteralString]:
    return parse((files(__package__) / f"{file}.sql").read_text(encoding="utf-8"))


def query(file: str, name: str) -> LiteralString:
    """Return statement `name` of `file`.sql; the text is ours, so it counts as literal."""
    return _load(file)[name]
