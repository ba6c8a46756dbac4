"""SSH keys."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from pydantic import Field

from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import invalid, not_unique
from localcloud.hetzner.family import Family
from localcloud.hetzner.listing import first
from localcloud.hetzner.model import SshKey
from localcloud.hetzner.names import check_long_name
from localcloud.hetzner.replies import wanted
from localcloud.hetzner.routing import Call, Reply

_KINDS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")


class CreateKey(Body):
    """`POST /ssh_keys`."""

    name: str
    public_key: str
    labels: LabelMap = Field(default_factory=dict)


def fingerprint(public_key: str) -> str:
    """MD5 of the key's blob in pairs, as Hetzner shows it; raises `invalid_input`."""
    parts = public_key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
        length = int.from_bytes(blob[:4], "big")
        good = parts[0].startswith(_KINDS) and blob[4 : 4 + length] == parts[0].encode()
    except (IndexError, ValueError):
        good = False
    if not good:
        raise invalid("public_key", "is not an OpenSSH public key")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def view(_cloud: Cloud, key: SshKey) -> dict[str, Any]:
    """A key as the API answers it."""
    return {
        "id": key.id,
        "name": key.name,
        "fingerprint": key.fingerprint,
        "public_key": key.public_key,
        "labels": key.labels,
        "created": key.created,
    }


KEYS = Family(
    path="/ssh_keys",
    kind="ssh_key",
    what="SSH key",
    table=lambda state: state.ssh_keys,
    view=view,
    check_name=check_long_name,
)


def _list(call: Call) -> Reply:
    keys = wanted(call, call.cloud.state.ssh_keys)
    mark = first(call.query, "fingerprint")
    return KEYS.listed(call, (key for key in keys if mark in (None, key.fingerprint)))


def _create(call: Call) -> Reply:
    body = call.body(CreateKey)
    text = body.public_key.strip()
    mark = fingerprint(text)
    KEYS.check_new(call, body.name)
    if call.cloud.state.ssh_keys.where("fingerprint", (call.project, mark)):
        raise not_unique("SSH key with the same fingerprint already exists", "public_key")
    key = SshKey(
        id=call.cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=call.cloud.now(),
        labels=body.labels,
        public_key=text,
        fingerprint=mark,
    )
    return KEYS.shown(call, KEYS.put(call, key), 201)


def _delete(call: Call) -> Reply:
    call.cloud.state.ssh_keys.delete(KEYS.own(call).id)
    return Reply(204, None)


ROUTES = KEYS.routes(listing=_list, create=_create, delete=_delete)
