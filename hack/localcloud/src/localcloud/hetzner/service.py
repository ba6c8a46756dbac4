"""Starting and ending the Hetzner API as one of the local cloud's services."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from localcloud.hetzner.app import PREFIX, HetznerCloud, create_cloud
from localcloud.hetzner.cloud import Settings, Surroundings
from localcloud.hetzner.model import Token
from localcloud.hetzner.zones import make_zone
from localcloud.rows import Rows

END_SECONDS = 1.0
"""How long the end waits for requests that are being answered."""


@dataclass(frozen=True)
class RunningService:
    """The API while it answers at `url` (which ends in `/v1`), and over TLS at `https`."""

    url: str
    https: str | None
    hetzner: HetznerCloud
    _rows: Rows
    _runner: web.AppRunner

    async def close(self) -> None:
        """Stop answering, then stop working; the state stays in its directory."""
        await self._runner.cleanup()
        await self.hetzner.close()
        self._rows.close()


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to listen; port 0 takes a free one.

    `tls` is for a second port: consoles are there (`wss`), and the API for clients that insist on
    HTTPS. Without it consoles are plain WebSockets beside the API.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    tls_port: int = 0


async def start_hetzner(
    directory: Path | None,
    around: Surroundings,
    *,
    address: Address | None = None,
    tokens: Sequence[Token] = (),
    zones: Sequence[str] = (),
    settings: Settings | None = None,
) -> RunningService:
    """Serve the API; the machines and the pool are open and stay the caller's to close.

    Arguments: directory: state goes to `<directory>/hetzner/state.db`; `None` keeps it in memory.
    tokens: accepted besides those that an earlier run was given.
    zones: names of DNS zones that the project of the first token has from the start.
    Raises: OSError when the port cannot be had.
    """
    rows = Rows(directory / "hetzner" / "state.db" if directory else None)
    hetzner = create_cloud(rows, around, settings or Settings())
    for token in tokens:
        hetzner.door.tokens.add(token)
    await hetzner.start()
    for name in zones:
        make_zone(hetzner.cloud, tokens[0].project, name)
    runner = web.AppRunner(hetzner.app(), access_log=None, shutdown_timeout=END_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, address or Address())
    except OSError:
        await runner.cleanup()
        await hetzner.close()
        rows.close()
        raise
    plain, *secure = (f"//{host}:{port}" for host, port, *_ in runner.addresses)
    hetzner.cloud.tickets.url = f"wss:{secure[0]}" if secure else f"ws:{plain}"
    https = f"https:{secure[0]}{PREFIX}" if secure else None
    return RunningService(f"http:{plain}{PREFIX}", https, hetzner, rows, runner)


async def _listen(runner: web.AppRunner, address: Address) -> None:
    await web.TCPSite(runner, address.host, address.port).start()
    if address.tls is not None:
        secure = web.TCPSite(runner, address.host, address.tls_port, ssl_context=address.tls)
        await secure.start()
