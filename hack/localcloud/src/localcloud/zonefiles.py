"""Zone files (RFC 1035) that clients send."""

from __future__ import annotations

import re

import dns.exception
import dns.name
import dns.zone

_GENERATE = re.compile(r"^[ \t]*\$GENERATE\b", re.MULTILINE | re.IGNORECASE)


def one_line(comment: str) -> str:
    """A comment as a zone file can hold it: what comes after a line break would be a record."""
    return " ".join(comment.split())


def parsed(text: str, origin: dns.name.Name) -> dns.zone.Zone:
    """The zone that a file describes, with absolute names.

    `$GENERATE` is BIND's own and is refused: one line of it makes any number of records.

    Raises:
        ValueError: it is no zone file; the text says why.
    """
    if _GENERATE.search(text):
        raise ValueError("the directive $GENERATE is not allowed")
    try:
        return dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
    except dns.exception.DNSException as error:
        raise ValueError(str(error) or type(error).__name__) from error
