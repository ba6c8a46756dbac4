"""Known browsers: what one holds after a sign-in tells it from strangers who guess.

The token is a nonce with its HMAC over the account's address (OWASP "device cookies"). It lets
nobody in; it only gives its holder a count of attempts that no stranger can use up.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from tenant_agent.settings import Settings

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who wants to sign in: the address, and the token the browser holds, if any."""

    address: str
    token: str = ""


class Devices:
    """Issues and recognises tokens; keeps nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def issue(self, email: str) -> str:
        """Return a new token for a browser that has signed in as `email`."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        return f"{nonce}.{self._proof(email, nonce)}"

    def recognise(self, email: str, token: str) -> str | None:
        """Return the nonce of a token that was issued for `email`; nothing for any other."""
        nonce, _, proof = token.partition(".")
        genuine = hmac.compare_digest(proof.encode(), self._proof(email, nonce).encode())
        return nonce if genuine else None

    def _proof(self, email: str, nonce: str) -> str:
        key = self._settings.secret("session_key").get_secret_value().encode()
        text = f"device\n{email.lower()}\n{nonce}"
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
