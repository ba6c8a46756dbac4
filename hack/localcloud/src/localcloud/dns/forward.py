"""Questions that are not about our zones, passed to the host's resolver.

Machines have one name server, the local cloud's; package registries are elsewhere. Only machines
and loopback may ask. An upstream that does not answer is SERVFAIL, never silence.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.resolver

from localcloud.dns.reply import Forward

log = logging.getLogger(__name__)

SECONDS = 3.0
Upstream = tuple[str, int]


def upstreams(setting: str) -> tuple[Upstream, ...]:
    """Resolvers for `system` (as in /etc/resolv.conf), `off` (none) or `address[:port]`."""
    if setting == "off":
        return ()
    if setting != "system":
        host, _, port = setting.partition(":")
        return ((host, int(port or 53)),)
    try:
        found = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration:
        return ()
    return tuple((str(address), 53) for address in found if ":" not in str(address))


def forwarder(servers: Sequence[Upstream]) -> Forward | None:
    """A function that asks these resolvers in turn; `None` when there are none."""
    if not servers:
        return None

    async def forward(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        for server in servers:
            answer = await _ask(query, server, tcp=tcp)
            if answer is not None:
                return answer
        failed = dns.message.make_response(query)
        failed.set_rcode(dns.rcode.SERVFAIL)
        return failed

    return forward


async def _ask(
    query: dns.message.Message, server: Upstream, *, tcp: bool
) -> dns.message.Message | None:
    host, port = server
    question = query.question[0]
    asked = dns.message.make_query(question.name, question.rdtype, use_edns=0, payload=1232)
    try:
        if tcp:
            return await dns.asyncquery.tcp(asked, host, port=port, timeout=SECONDS)
        reply, _ = await dns.asyncquery.udp_with_fallback(asked, host, port=port, timeout=SECONDS)
    except (dns.exception.DNSException, OSError, EOFError) as error:
        log.warning("resolver %s:%s gave no answer: %s", host, port, type(error).__name__)
        return None
    return reply
