"""Who may ask: tokens of projects, read-write or read-only, remembered over a restart."""

from __future__ import annotations

import secrets
import string

from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.model import Token
from localcloud.rows import Rows

LENGTH = 64
"""Characters of a token; Hetzner's command line refuses others."""

_ALPHABET = string.ascii_letters + string.digits
_KIND = "Token"


def new_secret() -> str:
    """A token as Hetzner's look."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


class Tokens:
    """All tokens of a cloud."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._tokens = {secret: Token(**document) for secret, document in rows.load(_KIND)}

    def add(self, token: Token) -> Token:
        """Accept a token from now on."""
        self._tokens[token.secret] = token
        document = {
            "secret": token.secret,
            "project": token.project,
            "read_only": token.read_only,
        }
        self._rows.put(_KIND, token.secret, document)
        return token

    def find(self, authorization: str | None) -> Token | None:
        """The token of an `Authorization` header, or `None`."""
        scheme, _, secret = (authorization or "").partition(" ")
        return self._tokens.get(secret.strip()) if scheme.lower() == "bearer" else None

    def check(self, authorization: str | None) -> Token:
        """The token of an `Authorization` header; raises `unauthorized`."""
        found = self.find(authorization)
        if found is not None:
            return found
        given = bool((authorization or "").partition(" ")[2].strip())
        text = "the token you have provided is invalid" if given else "token is required"
        raise ApiError("unauthorized", text)
