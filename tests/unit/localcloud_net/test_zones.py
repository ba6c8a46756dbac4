"""What the zones say about a name: RFC 1034, 2308, 4592 and 8482 as tables."""

from __future__ import annotations

from typing import Any

import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from localcloud.cloudflare.directory import is_proxied
from localcloud.dns.zones import Answer, BadRecordError, Zones
from localcloud.records import Record, RecordSet, RecordStore, Zone
from localcloud.rows import Rows

GATEWAY = "198.18.0.1"
EDGE = "198.18.0.254"
Shown = tuple[str, list[str], list[str]]


def rrset(name: str, kind: str, *values: str, ttl: int | None = None, **meta: Any) -> RecordSet:
    records = tuple(Record(value=value, meta=meta) for value in values)
    return RecordSet(name=name, type=kind, ttl=ttl, records=records)


ACME = [
    rrset("@", "A", "198.18.0.2"),
    rrset("@", "MX", "10 mail"),
    rrset("www", "A", "198.18.0.3", "198.18.0.4", ttl=60),
    rrset("www", "TXT", '"hello world" "two"'),
    rrset("alias", "CNAME", "www"),
    rrset("far", "CNAME", "www.elsewhere.net."),
    rrset("loop1", "CNAME", "loop2"),
    rrset("loop2", "CNAME", "loop1"),
    rrset("a.deep", "AAAA", "2001:db8::1"),
    rrset("*.wild", "A", "198.18.0.5"),
    rrset("here.wild", "TXT", '"x"'),
    rrset("caa", "CAA", '0 issue "pki.test"'),
    rrset("sub", "NS", "ns.sub"),
    rrset("ns.sub", "A", "198.18.0.6"),
    rrset("shown", "A", "198.18.0.7", proxied=True),
    rrset("shown", "TXT", '"also here"'),
    rrset("shownalias", "CNAME", "www", proxied=True),
    rrset("broken", "A", "no address"),
]


@pytest.fixture
def zones(rows: Rows) -> Zones:
    store = RecordStore(rows)
    store.put_zone(Zone(key="cloudflare:1", provider="cloudflare", name="acme.test", ttl=300))
    store.put_rrsets("cloudflare:1", ACME)
    store.put_zone(Zone(key="hetzner:2", provider="hetzner", name="flat.test"))
    soa = "ns1.flat.test. admin.flat.test. 1 86400 10800 3600000 30"
    flat = [
        rrset("@", "CNAME", "www.acme.test."),
        rrset("@", "NS", "ns1.flat.test."),
        rrset("@", "SOA", soa, ttl=900),
    ]
    store.put_rrsets("hetzner:2", flat)
    return Zones(store=store, gateway=GATEWAY, proxy_address=EDGE, proxied=is_proxied)


def ask(zones: Zones, name: str, kind: str = "A") -> Answer | None:
    return zones.lookup(dns.name.from_text(name), dns.rdatatype.from_text(kind))


def shown(answer: Answer | None) -> Shown:
    """The rcode, the answers as `name type value`, and the authority as `name type`."""
    assert answer is not None
    lines = [
        f"{rrset.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(rrset.rdtype)} {data}"
        for rrset in answer.answer
        for data in rrset
    ]
    authority = [
        f"{rrset.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(rrset.rdtype)}"
        for rrset in answer.authority
    ]
    return dns.rcode.to_text(answer.rcode), lines, authority


NO_DATA: Shown = ("NOERROR", [], ["acme.test SOA"])
NO_NAME: Shown = ("NXDOMAIN", [], ["acme.test SOA"])


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("www.acme.test", "TXT", ['www.acme.test TXT "hello world" "two"']),
        ("acme.test", "MX", ["acme.test MX 10 mail.acme.test."]),
        ("acme.test", "NS", ["acme.test NS ns1.localcloud.test."]),
        ("caa.acme.test", "CAA", ['caa.acme.test CAA 0 issue "pki.test"']),
        ("a.deep.acme.test", "AAAA", ["a.deep.acme.test AAAA 2001:db8::1"]),
        ("WWW.Acme.TEST", "TXT", ['WWW.Acme.TEST TXT "hello world" "two"']),
        ("x.wild.acme.test", "A", ["x.wild.acme.test A 198.18.0.5"]),
        ("x.y.wild.acme.test", "A", ["x.y.wild.acme.test A 198.18.0.5"]),
        ("alias.acme.test", "CNAME", ["alias.acme.test CNAME www.acme.test."]),
        (
            "alias.acme.test",
            "A",
            [
                "alias.acme.test CNAME www.acme.test.",
                "www.acme.test A 198.18.0.3",
                "www.acme.test A 198.18.0.4",
            ],
        ),
        ("flat.test", "A", ["flat.test A 198.18.0.3", "flat.test A 198.18.0.4"]),
        ("flat.test", "NS", ["flat.test NS ns1.flat.test."]),
        ("www.acme.test", "ANY", ['www.acme.test HINFO "RFC8482" ""']),
        ("shown.acme.test", "A", [f"shown.acme.test A {EDGE}"]),
        ("shown.acme.test", "TXT", ['shown.acme.test TXT "also here"']),
        ("shownalias.acme.test", "A", [f"shownalias.acme.test A {EDGE}"]),
        ("registry.localcloud.test", "A", [f"registry.localcloud.test A {GATEWAY}"]),
    ],
)
def test_answers(zones: Zones, name: str, kind: str, expected: list[str]) -> None:
    assert shown(ask(zones, name, kind)) == ("NOERROR", expected, [])


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("nothing.acme.test", "A", NO_NAME),
        ("x.www.acme.test", "A", NO_NAME),
        ("www.acme.test", "AAAA", NO_DATA),
        ("deep.acme.test", "A", NO_DATA),
        ("wild.acme.test", "A", NO_DATA),
        ("here.wild.acme.test", "A", NO_DATA),
        ("x.here.wild.acme.test", "A", NO_NAME),
        ("x.wild.acme.test", "AAAA", NO_DATA),
        ("shown.acme.test", "AAAA", NO_DATA),
        ("shownalias.acme.test", "CNAME", NO_DATA),
        ("acme.localcloud.test", "AAAA", ("NOERROR", [], ["localcloud.test SOA"])),
        ("unknown.test", "A", ("NXDOMAIN", [], [])),
        ("loop1.acme.test", "A", ("SERVFAIL", [], [])),
    ],
)
def test_absence(zones: Zones, name: str, kind: str, expected: Shown) -> None:
    assert shown(ask(zones, name, kind)) == expected


def test_a_name_outside_every_zone_is_not_ours(zones: Zones) -> None:
    assert ask(zones, "deb.debian.org") is None


def test_an_alias_out_of_our_zones_says_where_it_goes(zones: Zones) -> None:
    answer = ask(zones, "far.acme.test")
    assert answer is not None
    assert answer.dangling == dns.name.from_text("www.elsewhere.net")


@pytest.mark.parametrize("name", ["sub.acme.test", "x.sub.acme.test", "ns.sub.acme.test"])
def test_a_delegated_name_is_referred_with_its_glue(zones: Zones, name: str) -> None:
    answer = ask(zones, name)
    assert answer is not None
    assert not answer.authoritative
    assert [str(rrset) for rrset in answer.authority] == [
        "sub.acme.test. 300 IN NS ns.sub.acme.test."
    ]
    assert [str(rrset) for rrset in answer.additional] == ["ns.sub.acme.test. 300 IN A 198.18.0.6"]


def test_the_soa_counts_with_every_change_and_keeps_what_the_zone_says(zones: Zones) -> None:
    def serial() -> int:
        answer = ask(zones, "flat.test", "SOA")
        assert answer is not None
        (rrset,) = answer.answer
        assert (rrset.ttl, rrset[0].mname.to_text()) == (900, "ns1.flat.test.")
        return int(rrset[0].serial)

    before = serial()
    zones.store.put_rrsets("hetzner:2", [rrset("new", "A", "198.18.0.9")])
    assert serial() == before + 1


def test_a_negative_answer_lives_no_longer_than_the_soa_says(zones: Zones) -> None:
    answer = ask(zones, "nothing.flat.test")
    assert answer is not None
    assert answer.authority[0].ttl == 30


def test_ttls_are_the_sets_or_the_zones(zones: Zones) -> None:
    found = [ask(zones, name) for name in ("www.acme.test", "acme.test")]
    assert [answer.answer[0].ttl for answer in found if answer] == [60, 300]


def test_a_value_that_cannot_be_read_is_named(zones: Zones) -> None:
    with pytest.raises(BadRecordError, match=r"broken/A of zone acme\.test holds 'no address'"):
        ask(zones, "broken.acme.test")


def test_addresses_follow_aliases_and_forgive_bad_names(zones: Zones) -> None:
    names = ("alias.acme.test", "shown.acme.test", "far.acme.test", "a..b", "", "deb.debian.org")
    found = [zones.addresses(name) for name in names]
    assert found == [("198.18.0.3", "198.18.0.4"), (EDGE,), (), (), (), ()]
