"""One HTTPS request to a tenant through public DNS, telling which part failed.

The address comes from the fleet's resolvers when it names some, so that the check sees what the
world sees and not the operator's own cache. The certificate is checked against the public roots
and the fleet's bundle.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import dns.asyncresolver
import dns.exception

from tenant_operator.core.world import Glimpse
from tenant_operator.outside.port import Sight

LIMIT_SECONDS = 10.0
CONNECT_SECONDS = 4.0
MACHINE_PORT = 443
BODY_LIMIT = 64 * 1024


class HttpsOutside:
    """The real one."""

    async def look(self, sight: Sight) -> Glimpse:
        """Resolve, connect, request; a failure is a `Glimpse` that names the part that failed."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                addresses = await resolve(sight)
                return await _ask_either(sight, addresses)
        except TimeoutError:
            return Glimpse(
                status=None, problem="connect", detail=f"no answer in {LIMIT_SECONDS:.0f} s"
            )
        except (dns.exception.DNSException, socket.gaierror) as error:
            return Glimpse(status=None, problem="resolve", detail=f"name not resolved: {error}")
        except ssl.SSLError as error:
            detail = getattr(error, "verify_message", "") or error.reason or str(error)
            return Glimpse(status=None, problem="tls", detail=f"certificate or TLS: {detail}")
        except (OSError, ValueError, EOFError) as error:
            detail = f"port {sight.port} does not answer: {error or repr(error)}"
            return Glimpse(status=None, problem="connect", detail=detail)


async def resolve(sight: Sight) -> tuple[str, ...]:
    """IPv4 and IPv6 addresses of the public name."""
    if not sight.resolvers:
        found = await asyncio.get_running_loop().getaddrinfo(
            sight.hostname, sight.port, type=socket.SOCK_STREAM
        )
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.cache = None
    resolver.nameservers = [_nameserver(text, resolver) for text in sight.resolvers]
    answer = await resolver.resolve(sight.hostname, "A", lifetime=5)
    return tuple(str(record) for record in answer)


def _nameserver(text: str, resolver: dns.asyncresolver.Resolver) -> str:
    """`9.9.9.9`, `127.0.0.1:5353` or `[::1]:53`; the port is noted at the resolver."""
    address, _, port = text.partition("]:") if text.startswith("[") else text.rpartition(":")
    if not address:
        return text.strip("[]")
    address = address.lstrip("[")
    resolver.nameserver_ports[address] = int(port)
    return address


async def _ask_either(sight: Sight, addresses: tuple[str, ...]) -> Glimpse:
    """Ask the machine's own port; if that does not open, the port in the customers' URL.

    A public port other than 443 is mapped by something in front, which may not be on the way from
    here; TLS and the answer are checked the same on either.
    """
    try:
        return await _ask(sight, addresses, MACHINE_PORT)
    except (ConnectionError, TimeoutError):
        if sight.port == MACHINE_PORT:
            raise
    return await _ask(sight, addresses, sight.port)


async def _ask(sight: Sight, addresses: tuple[str, ...], port: int) -> Glimpse:
    context = ssl.create_default_context()
    # As strict as browsers, which do not mind a root without key identifiers (Python 3.13 does).
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if sight.ca_bundle:
        context.load_verify_locations(cadata=sight.ca_bundle)
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(
            addresses[0], port, ssl=context, server_hostname=sight.hostname
        )
    try:
        writer.write(
            f"GET {sight.path} HTTP/1.1\r\nHost: {sight.hostname}\r\n"
            "User-Agent: tenant-operator\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read(BODY_LIMIT)
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        certificate: dict[str, Any] = tls.getpeercert() or {}
    finally:
        writer.close()
    return Glimpse(
        status=int(head.split(b" ", 2)[1]),
        tls_version=tls.version(),
        issuer=_issuer(certificate),
        not_after=_not_after(certificate),
        trusted=True,
        addresses=addresses,
        body=body.decode(errors="replace"),
    )


def _issuer(certificate: dict[str, Any]) -> str:
    names = {key: value for group in certificate.get("issuer", ()) for key, value in group}
    return str(names.get("organizationName") or names.get("commonName") or "")


def _not_after(certificate: dict[str, Any]) -> datetime | None:
    text = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if text else None
