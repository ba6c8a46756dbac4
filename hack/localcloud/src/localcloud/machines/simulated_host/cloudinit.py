"""What cloud-init does with `user_data` on the first boot of a root disk."""

from __future__ import annotations

import json
from typing import Any

import asyncssh
import yaml

from localcloud.machines.simulated_host import programs
from localcloud.machines.simulated_host.host import AUTHORIZED, HOST_KEY, Host

RESULT = "/run/cloud-init/result.json"


def first_boot(host: Host) -> None:
    """Apply the document once and write the result, errors included."""
    host.fresh = False
    host.files.write("/usr/bin/cloud-init", b"", 0o755)
    try:
        document = _read(host.user_data)
        errors = _apply(host, document)
    except (yaml.YAMLError, TypeError, ValueError, AttributeError) as error:
        errors = [f"('modules-config', {type(error).__name__}: {error})"]
    ensure_host_key(host)
    write_result(host, errors)


def later_boot(host: Host) -> None:
    """The result lies in /run, so every boot writes it anew."""
    write_result(host, [])


def write_result(host: Host, errors: list[str]) -> None:
    """`/run/cloud-init/result.json`, with the fault of the machine when it has one."""
    found = [*errors, *([host.faults.cloud_init] if host.faults.cloud_init else [])]
    result = {"v1": {"datasource": "DataSourceHetzner", "errors": found}}
    host.files.write(RESULT, json.dumps(result).encode())


def ensure_host_key(host: Host) -> None:
    """As sshd's package does: a machine without a host key makes one."""
    if host.files.read(HOST_KEY) is None:
        key = asyncssh.generate_private_key("ssh-ed25519")
        host.files.write(HOST_KEY, key.export_private_key(), 0o600)
        host.files.write(f"{HOST_KEY}.pub", key.export_public_key())


def _read(user_data: str) -> dict[str, Any]:
    if not user_data.startswith("#cloud-config"):
        return {}
    document = yaml.safe_load(user_data)
    return document if isinstance(document, dict) else {}


def _apply(host: Host, document: dict[str, Any]) -> list[str]:
    host.hostname = str(document.get("hostname") or host.hostname)
    keys = document.get("ssh_keys") or {}
    if "ed25519_private" in keys:
        host.files.write(HOST_KEY, keys["ed25519_private"].encode(), 0o600)
        host.files.write(f"{HOST_KEY}.pub", str(keys.get("ed25519_public", "")).encode())
    _authorize(host, document)
    for file in document.get("write_files") or []:
        mode = int(str(file.get("permissions", "0644")), 8)
        host.files.write(file["path"], str(file.get("content", "")).encode(), mode)
    return [error for argv in document.get("runcmd") or [] if (error := _run(host, argv))]


def _authorize(host: Host, document: dict[str, Any]) -> None:
    listed = [*host.root_keys, *(document.get("ssh_authorized_keys") or [])]
    for user in document.get("users") or []:
        if isinstance(user, dict) and user.get("name") == "root":
            listed.extend(user.get("ssh_authorized_keys") or [])
    if listed:
        text = "".join(f"{key.strip()}\n" for key in listed)
        host.files.write(AUTHORIZED, text.encode(), 0o600)


def _run(host: Host, argv: list[str] | str) -> str:
    words = ["sh", "-c", argv] if isinstance(argv, str) else [str(word) for word in argv]
    ended = programs.run(host, words)
    return "" if ended.code == 0 else f"runcmd {words[0]}: exit {ended.code} {ended.err.strip()}"
