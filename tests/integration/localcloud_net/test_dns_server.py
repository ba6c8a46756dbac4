"""The DNS server on real sockets, asked by dnspython's resolver."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing

import dns.asyncquery
import dns.asyncresolver
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.resolver
import dns.update
import pytest
from localcloud.dns.forward import forwarder, upstreams
from localcloud.dns.reply import Replies
from localcloud.dns.server import DnsServer, may_recurse
from localcloud.dns.zones import Zones
from localcloud.records import Record, RecordSet, RecordStore, Zone
from localcloud.rows import Rows

Ask = Callable[[dns.message.Message, int], Awaitable[dns.message.Message]]
HOST = "127.0.0.1"
SECONDS = 30.0


def store_of(rows: Rows, zone: str, *sets: tuple[str, str, tuple[str, ...]]) -> RecordStore:
    store = RecordStore(rows)
    store.put_zone(Zone(key=f"hetzner:{zone}", provider="hetzner", name=zone))
    store.put_rrsets(
        f"hetzner:{zone}",
        [
            RecordSet(name=name, type=kind, records=tuple(Record(value=v) for v in values))
            for name, kind, values in sets
        ],
    )
    return store


@pytest.fixture
async def upstream() -> AsyncIterator[int]:
    """A resolver elsewhere: another server of ours with a zone of its own."""
    with closing(Rows(None)) as rows:
        store = store_of(rows, "deb.net", ("www", "A", ("192.0.2.9",)))
        zones = Zones(store=store, gateway=HOST, proxy_address=HOST)
        server = DnsServer(Replies(zones, None))
        yield await server.listen(HOST, 0)
        await server.close()


@pytest.fixture
async def store(rows: Rows) -> RecordStore:
    return store_of(
        rows,
        "acme.test",
        ("www", "A", ("198.18.0.3",)),
        ("many", "A", tuple(f"198.18.1.{n}" for n in range(1, 120))),
        ("out", "CNAME", ("www.deb.net.",)),
        ("bad", "A", ("nonsense",)),
    )


@pytest.fixture
async def port(store: RecordStore, upstream: int) -> AsyncIterator[int]:
    zones = Zones(store=store, gateway="198.18.0.1", proxy_address=HOST)
    server = DnsServer(Replies(zones, forwarder(upstreams(f"{HOST}:{upstream}"))))
    yield await server.listen(HOST, 0)
    await server.close()


def resolver(port: int) -> dns.asyncresolver.Resolver:
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers, found.port, found.lifetime = [HOST], port, SECONDS
    return found


async def udp(query: dns.message.Message, port: int) -> dns.message.Message:
    return await dns.asyncquery.udp(query, HOST, port=port, timeout=SECONDS)


async def tcp(query: dns.message.Message, port: int) -> dns.message.Message:
    return await dns.asyncquery.tcp(query, HOST, port=port, timeout=SECONDS)


@pytest.mark.parametrize("ask", [udp, tcp])
async def test_both_transports_give_the_same_authoritative_answer(ask: Ask, port: int) -> None:
    answer = await ask(dns.message.make_query("WwW.acme.test", "A"), port)
    assert [str(rrset) for rrset in answer.answer] == ["WwW.acme.test. 3600 IN A 198.18.0.3"]
    assert answer.flags & dns.flags.AA


async def test_a_change_is_answered_at_once(store: RecordStore, port: int) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await resolver(port).resolve("new.acme.test", "A")
    new = RecordSet(name="new", type="A", records=(Record(value="198.18.0.9"),))
    store.put_rrsets("hetzner:acme.test", [new])
    found = await resolver(port).resolve("new.acme.test", "A")
    assert [item.address for item in found] == ["198.18.0.9"]


@pytest.mark.parametrize(("payload", "limit"), [(None, 512), (1232, 1232), (4096, 1232)])
async def test_a_long_answer_is_cut_and_whole_over_tcp(
    payload: int | None, limit: int, port: int
) -> None:
    query = dns.message.make_query("many.acme.test", "A", use_edns=payload is not None)
    if payload is not None:
        query.use_edns(payload=payload)
    cut = await udp(query, port)
    assert cut.flags & dns.flags.TC
    assert len(cut.to_wire()) <= limit
    whole = await tcp(query, port)
    assert len(whole.answer[0]) == 119
    found = await resolver(port).resolve("many.acme.test", "A")
    assert len(list(found)) == 119


@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
async def test_zone_transfers_are_refused(kind: str, port: int) -> None:
    answer = await tcp(dns.message.make_query("acme.test", kind), port)
    assert answer.rcode() == dns.rcode.REFUSED


async def test_what_is_no_query_is_refused_by_its_kind(port: int) -> None:
    update = dns.update.UpdateMessage("acme.test")
    status = dns.message.make_query("acme.test", "A")
    status.set_opcode(dns.opcode.STATUS)
    chaos = dns.message.make_query("version.bind", "TXT", rdclass="CH")
    future = dns.message.make_query("acme.test", "A")
    future.use_edns(edns=1)
    codes = [(await udp(query, port)).rcode() for query in (update, status, chaos, future)]
    assert codes == [
        dns.rcode.NOTIMP,
        dns.rcode.NOTIMP,
        dns.rcode.REFUSED,
        dns.rcode.BADVERS,
    ]


async def test_rubbish_gets_a_format_error_or_nothing(port: int) -> None:
    answer = await asyncio.to_thread(send_rubbish, port)
    number, flags = struct.unpack("!HH", answer[:4])
    assert (number, flags & 0xF, bool(flags & 0x8000)) == (99, dns.rcode.FORMERR, True)


def send_rubbish(port: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(SECONDS)
        asker.connect((HOST, port))
        asker.send(b"short")
        asker.send(struct.pack("!HHHHHH", 7, 0x8000, 1, 0, 0, 0) + b"a reply")
        asker.send(struct.pack("!HHHHHH", 99, 0x0100, 1, 0, 0, 0) + b"\xff\xff\xff")
        return asker.recv(512)


async def test_a_record_nobody_can_read_is_a_server_failure(port: int) -> None:
    answer = await udp(dns.message.make_query("bad.acme.test", "A"), port)
    assert answer.rcode() == dns.rcode.SERVFAIL


async def test_other_names_are_looked_up_elsewhere(port: int) -> None:
    found = await resolver(port).resolve("www.deb.net", "A")
    assert [item.address for item in found] == ["192.0.2.9"]
    assert found.response.flags & dns.flags.RA
    assert not found.response.flags & dns.flags.AA


async def test_an_alias_out_of_our_zones_is_followed_there(port: int) -> None:
    found = await resolver(port).resolve("out.acme.test", "A")
    assert [item.address for item in found] == ["192.0.2.9"]


async def test_names_kept_for_tests_never_leave(port: int) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await resolver(port).resolve("www.unknown.example", "A")


async def test_without_a_resolver_other_names_are_refused(rows: Rows) -> None:
    zones = Zones(store=store_of(rows, "acme.test"), gateway=HOST, proxy_address=HOST)
    server = DnsServer(Replies(zones, forwarder(upstreams("off"))))
    port = await server.listen(HOST, 0)
    answer = await udp(dns.message.make_query("www.deb.net", "A"), port)
    await server.close()
    assert answer.rcode() == dns.rcode.REFUSED


async def test_a_dead_resolver_is_a_server_failure(rows: Rows, unused_udp_port: int) -> None:
    zones = Zones(store=store_of(rows, "acme.test"), gateway=HOST, proxy_address=HOST)
    server = DnsServer(Replies(zones, forwarder(((HOST, unused_udp_port),))))
    port = await server.listen(HOST, 0)
    answer = await udp(dns.message.make_query("www.deb.net", "A"), port)
    await server.close()
    assert answer.rcode() == dns.rcode.SERVFAIL


async def test_one_tcp_connection_carries_several_questions(port: int) -> None:
    wire = dns.message.make_query("www.acme.test", "A").to_wire()
    framed = struct.pack("!H", len(wire)) + wire
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(framed * 3)
    answers = []
    for _ in range(3):
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answers.append(dns.message.from_wire(await reader.readexactly(length)))
    writer.close()
    await writer.wait_closed()
    assert [str(answer.answer[0][0]) for answer in answers] == ["198.18.0.3"] * 3


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("127.0.0.5", True), ("198.18.0.77", True), ("198.18.1.1", False), ("192.0.2.1", False)],
)
def test_only_machines_and_this_computer_may_recurse(address: str, allowed: bool) -> None:
    assert may_recurse(address, [ipaddress.ip_network("198.18.0.0/24")]) is allowed
