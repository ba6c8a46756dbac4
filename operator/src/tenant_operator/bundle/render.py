"""Inputs in, files with modes and owners out. Pure: no clock, no disk, no network.

A release folder holds `compose.yaml`, `directories.json`, Traefik's routes for either colour and,
below `root/`, the files that the host copies to `/`. Containers mount those fixed places, so that
a release which changes one file restarts only the services that read it at start: a label with the
digest of such files is part of each service (see `services.compose`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from tenant_operator.bundle import boot, layout, routing, services
from tenant_operator.core.stack import (
    BootInputs,
    Bundle,
    Images,
    RegistryAccess,
    StackInputs,
    StackSecrets,
)
from tenant_operator.core.world import File

SECRET_MODE = 0o400


class BundleError(ValueError):
    """A value no stack can be rendered from; the message says which and what it must look like."""


def cloud_init(inputs: BootInputs) -> str:
    """The `user_data` of a new server (see `bundle.boot`)."""
    return boot.user_data(inputs)


def render(stack: StackInputs) -> Bundle:
    """Render everything the host needs to run a tenant's stack.

    Raises:
        BundleError: an image has no digest, or a secret is empty or has a line break.
    """
    check_images(stack.images)
    hidden = secret_files(stack)
    proxy = {"traefik.yaml": dump(routing.static(stack))}
    revisions = start_revisions(stack, hidden=hidden, proxy=proxy)
    contents = [
        text("compose.yaml", dump(services.compose(stack, revisions)), mode=0o640),
        text("directories.json", dump_json(directories())),
        text("hostname", f"{stack.hostname}\n".encode()),
        text("images.json", dump_json(list(stack.images.all()))),
        *(text(f"routes/{c}.yaml", dump(routing.routes(stack, c))) for c in layout.COLORS),
        text(at(f"{layout.TRAEFIK_DIR}/traefik.yaml"), proxy["traefik.yaml"]),
        text(at(f"{layout.BRANDING_DIR}/branding.json"), dump_json(vars(stack.branding))),
        *hidden,
        *registry_login(stack),
    ]
    files = {file.path: file for file in contents}
    return Bundle(digest=digest_of(contents), files=files)


def at(path: str) -> str:
    """The place in the release folder of a file that is installed at `path`."""
    return f"root{path}"


def text(path: str, content: bytes, *, mode: int = 0o644) -> File:
    """A file of root's."""
    return File(path=path, content=content, mode=mode)


def check_images(images: Images) -> None:
    """Refuse tags: they can change under a running release."""
    for reference in images.all():
        if len(reference.partition("@sha256:")[2]) != 64:
            raise BundleError(
                f"image {reference!r} needs a digest (name@sha256:<64 hex>): "
                "a tag can change under a running release"
            )


def secret_files(stack: StackInputs) -> list[File]:
    """One file per reader and secret, readable by that reader's user only."""
    values = secret_values(stack.secrets, api_key=stack.model.api_key)
    redis_password = values["redis_password"]
    return [
        *(secret("agent", name, values[name]) for name in layout.SECRET_NAMES),
        secret("postgres", "database_password", values["database_password"]),
        secret("redis", "redis_password", redis_password),
        secret("redis", "redis_config", redis_config(redis_password)),
    ]


def secret_values(secrets: StackSecrets, *, api_key: str) -> dict[str, str]:
    """The agent's secrets by file name, each checked to be one line."""
    values = {**vars(secrets), "model_api_key": api_key}
    for name, value in values.items():
        if not value or any(c in value for c in "\n\r\0"):
            raise BundleError(f"secret {name} must be one line that is not empty")
    return values


def secret(reader: str, name: str, value: str) -> File:
    """A reader's own copy of a secret: Compose mounts keep the owner the file has on the host."""
    uid = {
        "agent": layout.AGENT_UID,
        "postgres": layout.POSTGRES_UID,
        "redis": layout.REDIS_UID,
    }[reader]
    path = at(f"{layout.SECRETS}/{reader}/{name}")
    return File(path=path, content=value.encode(), mode=SECRET_MODE, owner=f"{uid}:{uid}")


def redis_config(password: str) -> str:
    """Redis' settings; no snapshots, because AOF alone survives a kill (measured)."""
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    lines = (
        "bind 0.0.0.0",
        "protected-mode yes",
        f'requirepass "{quoted}"',
        "dir /data",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory 128mb",
        "maxmemory-policy noeviction",
        "tcp-keepalive 60",
    )
    return "\n".join(lines) + "\n"


def registry_login(stack: StackInputs) -> list[File]:
    """Docker's own login file of root, when the registry asks for one."""
    if stack.registry is None:
        return []
    return [
        File(
            path=at("/root/.docker/config.json"),
            content=docker_login(stack.registry),
            mode=0o600,
        )
    ]


def docker_login(access: RegistryAccess) -> bytes:
    """`~/.docker/config.json` for one registry."""
    token = base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
    return json.dumps({"auths": {access.host: {"auth": token}}}).encode()


def directories() -> dict[str, dict[str, int]]:
    """Folders with mode and owner; containers cannot make them, so the host does."""
    own = {
        "traefik": layout.TRAEFIK_UID,
        "data": layout.AGENT_UID,
        "postgres": layout.POSTGRES_UID,
        "redis": layout.REDIS_UID,
    }
    open_to_all = (layout.CONFIG, layout.BRANDING_DIR, layout.TRAEFIK_DIR, layout.ROUTES_DIR)
    return {
        **{path: {"mode": 0o755, "uid": 0} for path in open_to_all},
        layout.SECRETS: {"mode": 0o711, "uid": 0},
        **{f"{layout.SECRETS}/{r}": {"mode": 0o711, "uid": 0} for r in ("agent", "postgres")},
        f"{layout.SECRETS}/redis": {"mode": 0o711, "uid": 0},
        **{f"{layout.DATA}/{name}": {"mode": 0o700, "uid": uid} for name, uid in own.items()},
    }


def start_revisions(
    stack: StackInputs, *, hidden: Iterable[File], proxy: Mapping[str, bytes]
) -> dict[str, str]:
    """Per service a short digest of what it reads only at start.

    Secrets enter together (48 bits of a hash over several random values tell nothing back).
    """
    trust = text("trust", stack.ca_bundle.encode())
    static = [text(name, content) for name, content in proxy.items()]
    by_reader = {
        reader: [file for file in hidden if f"/{reader}/" in file.path]
        for reader in ("agent", "postgres", "redis")
    }
    inputs = {
        "traefik": [trust, *static],
        **{name: [trust, *by_reader["agent"]] for name in services.AGENTS},
        "postgres": by_reader["postgres"],
        "redis": by_reader["redis"],
    }
    return {name: digest_of(files)[:12] for name, files in inputs.items()}


def digest_of(files: Iterable[File]) -> str:
    """SHA-256 over paths, owners, modes and contents, in path order; 32 hex characters."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda item: item.path):
        head = json.dumps([file.path, file.mode, file.owner, len(file.content)])
        total.update(head.encode() + b"\n" + file.content)
    return total.hexdigest()[:32]


def dump_json(data: Any) -> bytes:
    """JSON as people read it."""
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"


def dump(data: Mapping[str, Any]) -> bytes:
    """YAML in the order given, without aliases (people read these files on the host)."""
    lines = yaml.dump(data, Dumper=_Plain, sort_keys=False, width=4096, allow_unicode=True)
    return lines.encode()


class _Plain(yaml.CSafeDumper):
    """Writes repeated values out instead of pointing at the first one."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        """Never an alias."""
        return True
