"""From the bytes of a question to the bytes of a reply: headers, EDNS, refusals, truncation.

Only standard queries of class IN with one question are answered. Zone transfers are refused. What
is not in our zones is handed to `forward`, when the asker may recurse.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable, Callable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from localcloud.dns.zones import Answer, BadRecordError, Zones

log = logging.getLogger(__name__)

Forward = Callable[[dns.message.Message, bool], Awaitable[dns.message.Message]]

UDP_DEFAULT = 512
UDP_MOST = 1232  # DNS flag day 2020: what fits every path without fragments
TCP_MOST = 65535
HEADER = 12
TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Replies:
    """Answers questions from the zones and, where allowed, from elsewhere."""

    def __init__(self, zones: Zones, forward: Forward | None) -> None:
        self._zones = zones
        self._forward = forward

    async def reply(self, wire: bytes, *, tcp: bool, recurse: bool) -> bytes | None:
        """The reply to a packet; `None` for what deserves none (too short, or itself a reply)."""
        if len(wire) < HEADER or wire[2] & 0x80:
            return None
        try:
            query = dns.message.from_wire(wire, one_rr_per_rrset=True)
        except (dns.exception.DNSException, ValueError, struct.error):
            return _format_error(wire)
        response = await self._respond(query, tcp=tcp, recurse=recurse)
        return _to_wire(response, query, tcp=tcp)

    async def _respond(
        self, query: dns.message.Message, *, tcp: bool, recurse: bool
    ) -> dns.message.Message:
        may_forward = recurse and self._forward is not None
        response = dns.message.make_response(
            query, recursion_available=may_forward, our_payload=UDP_MOST
        )
        refusal = _refusal(query)
        if refusal is not None:
            response.set_rcode(refusal)
            return response
        question = query.question[0]
        try:
            found = self._zones.lookup(question.name, question.rdtype)
        except BadRecordError as error:
            log.warning("%s", error)
            found = Answer(rcode=dns.rcode.SERVFAIL, authoritative=False)
        if found is not None:
            await self._fill(response, found, recurse=may_forward, tcp=tcp)
            return response
        return await self._elsewhere(query, response, tcp=tcp, recurse=may_forward)

    async def _fill(
        self, response: dns.message.Message, found: Answer, *, recurse: bool, tcp: bool
    ) -> None:
        response.set_rcode(found.rcode)
        response.flags |= dns.flags.AA if found.authoritative else 0
        response.answer.extend(found.answer)
        response.authority.extend(found.authority)
        response.additional.extend(found.additional)
        if found.dangling is not None and recurse and self._forward is not None:
            rest = dns.message.make_query(found.dangling, response.question[0].rdtype)
            response.answer.extend((await self._forward(rest, tcp)).answer)

    async def _elsewhere(
        self,
        query: dns.message.Message,
        response: dns.message.Message,
        *,
        tcp: bool,
        recurse: bool,
    ) -> dns.message.Message:
        wanted = bool(query.flags & dns.flags.RD)
        if not recurse or not wanted or self._forward is None:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        found = await self._forward(query, tcp)
        response.set_rcode(found.rcode())
        response.answer.extend(found.answer)
        response.authority.extend(found.authority)
        return response


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    if query.edns > 0:
        return dns.rcode.BADVERS
    question = query.question[0]
    if question.rdtype in TRANSFERS or question.rdclass != dns.rdataclass.IN:
        return dns.rcode.REFUSED
    return None


def _format_error(wire: bytes) -> bytes:
    (flags,) = struct.unpack("!H", wire[2:4])
    kept = flags & (dns.flags.RD | 0x7800)
    return wire[:2] + struct.pack("!HHHHH", 0x8000 | kept | dns.rcode.FORMERR, 0, 0, 0, 0)


def _to_wire(response: dns.message.Message, query: dns.message.Message, *, tcp: bool) -> bytes:
    udp = min(max(query.payload, UDP_DEFAULT), UDP_MOST) if query.edns >= 0 else UDP_DEFAULT
    most = TCP_MOST if tcp else udp
    try:
        return response.to_wire(max_size=most)
    except dns.exception.TooBig:
        return _truncated(response, most)


def _truncated(response: dns.message.Message, most: int) -> bytes:
    """The same reply without its records and with TC set, so that the asker comes by TCP."""
    response.flags |= dns.flags.TC
    for section in (response.answer, response.authority, response.additional):
        section.clear()
    return response.to_wire(max_size=most)
