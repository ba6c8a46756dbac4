"""SSH keys."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

from pydantic import Field

from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import invalid, not_unique
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import first
from localcloud.hetzner.model import SshKey
from localcloud.hetzner.names import check_name
from localcloud.hetzner.replies import labelled, many, one, wanted
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.state import check_name_free, owned

_KINDS = ("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-")


class CreateKey(Body):
    """`POST /ssh_keys`."""

    name: str
    public_key: str
    labels: LabelMap = Field(default_factory=dict)


class UpdateKey(Body):
    """`PUT /ssh_keys/{id}`."""

    name: str | None = None
    labels: LabelMap | None = None


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


def _own(call: Call) -> SshKey:
    return owned(call.cloud.state.ssh_keys, call.project, call.id, "SSH key")


def _list(call: Call) -> Reply:
    keys = wanted(call, call.cloud.state.ssh_keys)
    mark = first(call.query, "fingerprint")
    fits = [key for key in keys if mark is None or key.fingerprint == mark]
    return many(call, "ssh_keys", fits, view)


def _create(call: Call) -> Reply:
    body = call.body(CreateKey)
    check_name(body.name, 255)
    table, text = call.cloud.state.ssh_keys, body.public_key.strip()
    mark = fingerprint(text)
    check_name_free(table, None, call.project, body.name)
    if table.where("fingerprint", (call.project, mark)):
        raise not_unique("SSH key with the same fingerprint already exists", "public_key")
    check_limit(call.cloud.limits, "ssh_key", table.count("project", call.project) + 1)
    key = SshKey(
        id=call.cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=call.cloud.now(),
        labels=body.labels,
        public_key=text,
        fingerprint=mark,
    )
    return one(call, "ssh_key", table.put(key), view, 201)


def _update(call: Call) -> Reply:
    key, body = _own(call), call.body(UpdateKey)
    name = key.name if body.name is None else body.name
    check_name(name, 255)
    check_name_free(call.cloud.state.ssh_keys, key, call.project, name)
    changed = replace(key, name=name, labels=labelled(body.labels, key))
    return one(call, "ssh_key", call.cloud.state.ssh_keys.put(changed), view)


def _delete(call: Call) -> Reply:
    call.cloud.state.ssh_keys.delete(_own(call).id)
    return Reply(204, None)


ROUTES = [
    Route("GET", "/ssh_keys", _list),
    Route("POST", "/ssh_keys", _create),
    Route("GET", "/ssh_keys/{id}", lambda call: one(call, "ssh_key", _own(call), view)),
    Route("PUT", "/ssh_keys/{id}", _update),
    Route("DELETE", "/ssh_keys/{id}", _delete),
]
