"""The image registry: the real `registry` (CNCF distribution) with TLS by the local authority.

Machines name it `registry.localcloud.test`; the host pushes over loopback. Anybody who reaches it
may push and delete: it listens on loopback and on the machines' gateway only. Blobs survive a
restart; a folder outside the instance's own is shared by instances and survives them too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from localcloud.authority import Authority
from localcloud.files import write_whole
from localcloud.processes import Child, find_program
from localcloud.settings import DOMAIN, LOOPBACK

HOST = f"registry.{DOMAIN}"
HINT = "run `hack/tools/build registry`"


@dataclass(frozen=True, kw_only=True)
class RegistryOptions:
    """Where the registry listens, and the address and port that machines use."""

    address: str
    port: int
    blobs: Path


def configuration(options: RegistryOptions, *, chain: Path, key: Path) -> dict[str, object]:
    """The registry's configuration (JSON is YAML). No telemetry, no cache, deletes allowed."""
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(options.blobs)},
            "delete": {"enabled": True},
        },
        "http": {
            "addr": f"{options.address}:{options.port}",
            "tls": {"certificate": str(chain), "key": str(key)},
        },
    }


async def start_registry(
    options: RegistryOptions, *, folder: Path, authority: Authority, binaries: Path
) -> Child:
    """Start the registry; returns its process once it answers."""
    program = find_program("registry", binaries, hint=HINT)
    addresses = dict.fromkeys((LOOPBACK, options.address))
    shown = authority.certificate(HOST, "localhost", *addresses)
    options.blobs.mkdir(parents=True, exist_ok=True)
    document = configuration(options, chain=shown.chain, key=shown.key)
    path = folder / "registry.json"
    write_whole(path, json.dumps(document, indent=2))
    child = await Child.start(
        [program, "serve", path],
        log=folder / "logs" / "registry.log",
        environment={"OTEL_TRACES_EXPORTER": "none"},
    )
    try:
        await child.answers(options.address, options.port)
    except BaseException:
        await child.stop()
        raise
    return child
