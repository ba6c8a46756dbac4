"""What the parts of one running instance share, and the end of each.

A part is started by a function that takes the `Instance`, adds its addresses to `endpoints` and its
end to `ends`; ends run in reverse order, each whatever the others do.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.addresses import AddressPool
from localcloud.authority import Authority
from localcloud.backends import machines_of
from localcloud.cloudflare.directory import is_proxied
from localcloud.dns.zones import Zones
from localcloud.edge.passthrough import Visitors
from localcloud.files import write_whole
from localcloud.machines.port import Machines
from localcloud.records import RecordStore
from localcloud.rows import Rows
from localcloud.settings import Settings

PURGE = "purge"
TOKEN_SIZES = {"hetzner": 64, "cloudflare": 40, "model": 39}


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance while it runs."""

    settings: Settings
    say: Callable[[str], None]
    ends: AsyncExitStack
    authority: Authority
    rows: Rows
    records: RecordStore
    zones: Zones
    pool: AddressPool
    machines: Machines
    tokens: dict[str, str]
    visitors: Visitors = field(default_factory=Visitors)
    machine_ports: list[int] = field(default_factory=list)
    special_ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    endpoints: dict[str, object] = field(default_factory=dict)

    @property
    def web_ports(self) -> tuple[int, int]:
        """The ports of a machine's web server: TLS and plain."""
        told = (self.settings.ports.machine, self.settings.ports.machine_http)
        return (self.machine_ports[1], self.machine_ports[2]) if self.machine_ports else told

    @property
    def folder(self) -> Path:
        """Where the instance keeps its state."""
        return self.settings.dir


def open_instance(settings: Settings, ends: AsyncExitStack, say: Callable[[str], None]) -> Instance:
    """Open the state in the instance's folder; nothing listens yet."""
    settings.dir.mkdir(parents=True, exist_ok=True)
    state = settings.dir / "records.db"
    state.touch(mode=0o600)
    rows = Rows(state)
    ends.callback(rows.close)
    records = RecordStore(rows)
    zones = Zones(
        store=records,
        gateway=settings.gateway,
        proxy_address=settings.proxy_address,
        proxied=is_proxied,
    )
    authority = Authority(settings.dir / "ca")
    return Instance(
        settings=settings,
        say=say,
        ends=ends,
        authority=authority,
        machines=machines_of(settings, authority),
        rows=rows,
        records=records,
        zones=zones,
        pool=AddressPool(settings.machine_network, reserved=frozenset({settings.proxy_address})),
        tokens=ready_tokens(settings.dir / "tokens.json"),
    )


def ready_tokens(path: Path) -> dict[str, str]:
    """One token for each API, made at the first start and the same ever after."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: _token(size) for name, size in TOKEN_SIZES.items() if name not in known}
    if missing:
        write_whole(path, json.dumps({**known, **missing}, indent=2), mode=0o600)
    return {**known, **missing}


def _token(size: int) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(secrets.choice(letters) for _ in range(size))


def free_port(host: str) -> int:
    """A TCP port that nothing listens on; for programs that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
