"""Key pairs that tests throw away."""

from __future__ import annotations

import asyncssh
from tenant_operator.core.stack import KeyPair


def new_pair() -> KeyPair:
    """A fresh Ed25519 pair."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = " ".join(key.export_public_key().decode().split()[:2])
    return KeyPair(private=key.export_private_key().decode(), public=public)
