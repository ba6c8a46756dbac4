"""JSON that clients send, read as strictly as the clouds do that we stand in for.

Python's own reader takes more than JSON: `NaN`, and halves of characters that no text can hold,
which would break whatever keeps or sends them later.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn


def read(raw: bytes) -> Any:
    """The value that a body holds.

    Raises:
        ValueError: it is no JSON, is nested too deep, or has text that is no Unicode.
    """
    try:
        found = json.loads(raw, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if b"\\u" in raw:
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")
