"""Opaque cursors of newest-first lists: the time and id of the last item seen."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from tenant_agent.errors import Refused

Cursor = tuple[datetime, UUID]


def encode(cursor: Cursor) -> str:
    """Return the text of a cursor."""
    return base64.urlsafe_b64encode(f"{cursor[0].isoformat()}|{cursor[1]}".encode()).decode()


def decode(text: str | None) -> Cursor | None:
    """Return the cursor of a text.

    Raises:
        Refused: `invalid_request`, the text is none of ours.
    """
    if not text:
        return None
    try:
        moment, _, identity = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        return datetime.fromisoformat(moment), UUID(identity)
    except (binascii.Error, ValueError) as error:
        raise Refused("invalid_request") from error
