"""Rules for names, and for what is generated: passwords and hardware addresses."""

from __future__ import annotations

import re
import secrets
import string

from localcloud.hetzner.errors import invalid

_HOSTNAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*"
)
_DOTTED = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,62}[A-Za-z0-9])?")
_ALPHABET = string.ascii_letters + string.digits
_PRIVATE_OUI = "86:00"


def check_hostname(name: str, field: str = "name") -> None:
    """A server's name, or what an address is called in reverse, is a hostname (RFC 1123)."""
    if not _HOSTNAME.fullmatch(name):
        raise invalid(field, "is not a valid hostname")


def check_volume_name(name: str) -> None:
    """A volume's name: up to 64 letters, digits, dashes, underscores and dots."""
    if not _DOTTED.fullmatch(name):
        raise invalid("name", "must start and end alphanumerically and have up to 64 characters")


def check_name(name: str, longest: int = 128) -> None:
    """Any other name: not empty, not too long."""
    if not 1 <= len(name) <= longest or name.strip() != name:
        raise invalid("name", f"must have 1 to {longest} characters and no blank at its ends")


def check_long_name(name: str) -> None:
    """The name of a key or a placement group."""
    check_name(name, 255)


def password() -> str:
    """A password as given to root."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


def mac_address(number: int) -> str:
    """The hardware address of a private interface, unique by its number."""
    digits = f"{number & 0xFFFFFFFF:08x}"
    return ":".join((_PRIVATE_OUI, *(digits[i : i + 2] for i in range(0, 8, 2))))
