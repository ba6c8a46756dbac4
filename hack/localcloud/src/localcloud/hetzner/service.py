"""Starting and ending the Hetzner API as one of the local cloud's services."""

from __future__ import annotations

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
    """The API while it answers at `url` (which ends in `/v1`)."""

    url: str
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
    """Where to listen; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 0


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
    where = address or Address()
    site = web.TCPSite(runner, where.host, where.port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        await hetzner.close()
        rows.close()
        raise
    host, port = runner.addresses[0][:2]
    return RunningService(f"http://{host}:{port}{PREFIX}", hetzner, rows, runner)
