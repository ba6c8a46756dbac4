"""The ACME server: the real `pebble`, resolving through the local cloud's DNS.

Pebble keeps everything in memory: accounts, orders and even its issuing root are new after every
start, so clients register again and the trust bundle is written anew. Challenges are asked for at
once (`PEBBLE_VA_NOSLEEP`) and nonces are good unless `nonce_reject` says otherwise.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from localcloud.authority import Authority
from localcloud.files import write_whole
from localcloud.processes import Child, find_program
from localcloud.settings import DOMAIN, LOOPBACK

HOST = f"acme.{DOMAIN}"
HINT = "run `hack/tools/build pebble`"
ROOT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class AcmeOptions:
    """Where pebble listens and what it asks: its DNS server and the ports of the challenges."""

    address: str
    port: int
    management_port: int
    dns: str
    http_port: int = 80
    tls_port: int = 443
    nonce_reject: int = 0


def configuration(options: AcmeOptions, chain: Path, key: Path) -> dict[str, object]:
    """Pebble's configuration file. The management API listens on loopback only."""
    return {
        "pebble": {
            "listenAddress": f"{options.address}:{options.port}",
            "managementListenAddress": f"{LOOPBACK}:{options.management_port}",
            "certificate": str(chain),
            "privateKey": str(key),
            "httpPort": options.http_port,
            "tlsPort": options.tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": {"description": "90 days", "validityPeriod": 7776000}},
        }
    }


async def start_acme(
    options: AcmeOptions, *, folder: Path, authority: Authority, binaries: Path
) -> tuple[Child, str]:
    """Start pebble; returns its process and its issuing root as PEM, once both answer."""
    program = find_program("pebble", binaries, hint=HINT)
    shown = authority.certificate(HOST, "localhost", LOOPBACK, *_other(options.address))
    path = folder / "acme" / "pebble.json"
    write_whole(path, json.dumps(configuration(options, shown.chain, shown.key), indent=2))
    child = await Child.start(
        [program, "-config", path, "-dnsserver", options.dns],
        log=folder / "logs" / "acme.log",
        environment={
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": str(options.nonce_reject),
        },
    )
    try:
        await child.answers(options.address, options.port)
        await child.answers(LOOPBACK, options.management_port)
        return child, await issuing_root(authority.root_pem, options.management_port)
    except BaseException:
        await child.stop()
        raise


def _other(address: str) -> tuple[str, ...]:
    return () if address == LOOPBACK else (address,)


async def issuing_root(trusted: str, management_port: int) -> str:
    """The root that pebble issues from, asked from its management API."""
    context = ssl.create_default_context(cadata=trusted)
    limit = aiohttp.ClientTimeout(total=ROOT_SECONDS)
    url = f"https://{LOOPBACK}:{management_port}/roots/0"
    async with (
        aiohttp.ClientSession(timeout=limit) as session,
        session.get(url, ssl=context) as response,
    ):
        response.raise_for_status()
        return await response.text()
