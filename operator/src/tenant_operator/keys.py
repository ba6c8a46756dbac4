"""Making keys and passwords, and reading them back from a Secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tenant_operator.core.case import TenantKeys
from tenant_operator.core.fleet_case import BakeKeys
from tenant_operator.core.stack import KeyPair, StackSecrets
from tenant_operator.core.steps import BOOT_KEY, LASTING_KEYS

SSH_KEYS: Final = frozenset(
    {"host_key", "client_key", BOOT_KEY, "bake_host_key", "bake_client_key"}
)
PASSWORD_BYTES: Final = 24
HEIR_OF: Final = "heir_of"
"""Entry with the uid of the deleted tenant that the others were taken over from."""


def new_key_pair() -> KeyPair:
    """A fresh Ed25519 key in OpenSSH form, without a comment."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyPair(private=private, public=public)


def new_entries(names: tuple[str, ...]) -> dict[str, str]:
    """Fresh values for the named entries; an SSH key has a second entry `<name>.pub`."""
    entries: dict[str, str] = {}
    for name in names:
        if name in SSH_KEYS:
            pair = new_key_pair()
            entries |= {name: pair.private, f"{name}.pub": pair.public}
        else:
            entries[name] = secrets.token_urlsafe(PASSWORD_BYTES)
    return entries


def encoded(entries: Mapping[str, str]) -> dict[str, str]:
    """Entries as a Secret's `data` has them."""
    return {name: base64.b64encode(value.encode()).decode() for name, value in entries.items()}


def decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """A Secret's `data` as text; an entry that is no UTF-8 text is left out."""
    found: dict[str, str] = {}
    for name, value in (secret.get("data") or {}).items():
        raw = base64.b64decode(value)
        try:
            found[name] = raw.decode()
        except UnicodeDecodeError:
            continue
    return found


def pair(entries: Mapping[str, str], name: str) -> KeyPair | None:
    """An SSH key from its two entries."""
    private, public = entries.get(name), entries.get(f"{name}.pub")
    if not private or not public:
        return None
    return KeyPair(private=private, public=public)


def tenant_keys(entries: Mapping[str, str]) -> TenantKeys:
    """A tenant's Secret as values, and what is missing in it."""
    missing = tuple(
        name
        for name in LASTING_KEYS
        if not entries.get(name) or (name in SSH_KEYS and not entries.get(f"{name}.pub"))
    )
    stack = None
    if not missing:
        stack = StackSecrets(
            database_password=entries["database_password"],
            redis_password=entries["redis_password"],
            session_key=entries["session_key"],
            bootstrap_password=entries["bootstrap_password"],
        )
    return TenantKeys(
        host_key=pair(entries, "host_key"),
        boot_host_key=pair(entries, BOOT_KEY),
        client_key=pair(entries, "client_key"),
        stack=stack,
        missing=missing,
        heir_of=entries.get(HEIR_OF, ""),
    )


def bake_keys(entries: Mapping[str, str]) -> BakeKeys | None:
    """A fleet's Secret as values."""
    host, client = pair(entries, "bake_host_key"), pair(entries, "bake_client_key")
    return None if host is None or client is None else BakeKeys(host_key=host, client_key=client)
