"""What tests order from the Hetzner API again and again, through Hetzner's own client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hcloud.actions import BoundAction
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType

FSN, HEL = Location(name="fsn1"), Location(name="hel1")


def public_key() -> str:
    """A fresh public key in OpenSSH's form."""
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def finished(*actions: BoundAction | Sequence[BoundAction] | None) -> None:
    """Wait until all actions succeeded."""
    for action in actions:
        for one in action if isinstance(action, Sequence) else [action]:
            if one is not None:
                one.wait_until_finished()


def order_server(client: Any, name: str = "web", **options: Any) -> Any:
    """A server that is ready, `debian-13` on `cx23` in `fsn1` unless said otherwise."""
    options.setdefault("server_type", ServerType(name="cx23"))
    options.setdefault("image", Image(name="debian-13"))
    options.setdefault("location", FSN)
    ordered = client.servers.create(name=name, **options)
    finished(ordered.action, ordered.next_actions)
    return client.servers.get_by_id(ordered.server.id)


def stopped(client: Any, server: Any) -> Any:
    """The server, powered off."""
    finished(server.power_off())
    return client.servers.get_by_id(server.id)
