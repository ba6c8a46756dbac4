"""What the zones of the record store say about one name: pure look-ups, no packets.

Follows RFC 1034 §4.3.2 with RFC 2308 (negative answers carry the SOA), RFC 4592 (wildcards) and
RFC 8482 (ANY). `localcloud.test` and every name below it is the host as the machines see it.
A record that its provider proxies is answered with the proxy's address, as Cloudflare does, and a
CNAME at the apex is flattened. No DNSSEC, no views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import dns.exception
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset

from localcloud.records import RecordSet, RecordStore, Zone
from localcloud.settings import DOMAIN

CHAIN_LIMIT = 8
PROXIED_TTL = 300
SITE_TTL = 60
NAMESERVER = f"ns1.{DOMAIN}."
DEFAULT_SOA = f"{NAMESERVER} hostmaster.{DOMAIN}. 0 3600 600 604800 60"
LOCAL_ONLY = frozenset({b"test", b"localhost", b"invalid", b"example"})

Proxied = Callable[[RecordSet], bool]

_A = dns.rdatatype.A
_CNAME = dns.rdatatype.CNAME
_NS = dns.rdatatype.NS
_SOA = dns.rdatatype.SOA


class BadRecordError(ValueError):
    """A stored value cannot be read as its type; the message names zone, owner and value."""


@dataclass(frozen=True)
class Answer:
    """The sections of a reply. `dangling` is a CNAME target outside our zones."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    additional: tuple[dns.rrset.RRset, ...] = ()
    authoritative: bool = True
    dangling: dns.name.Name | None = None


def never_proxied(_: RecordSet) -> bool:
    """The answer of a provider that proxies nothing."""
    return False


@dataclass(frozen=True, kw_only=True)
class Zones:
    """The record store as the DNS answers it."""

    store: RecordStore
    gateway: str
    proxy_address: str
    proxied: Proxied = never_proxied

    def lookup(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer | None:
        """The answer for an absolute name, or `None` for a name that is in no zone of ours."""
        chain: list[dns.rrset.RRset] = []
        for _ in range(CHAIN_LIMIT):
            found = self._one(name, kind)
            if found is None:
                return _outside(name, chain)
            if not _is_alias(found, kind):
                return replace(found, answer=(*chain, *found.answer))
            chain.extend(found.answer)
            name = found.answer[0][0].target
        return Answer(rcode=dns.rcode.SERVFAIL)

    def addresses(self, name: str) -> tuple[str, ...]:
        """The IPv4 addresses of a name in our zones, aliases followed."""
        try:
            found = self.lookup(dns.name.from_text(name), _A)
        except (dns.exception.DNSException, BadRecordError):
            return ()
        sets = found.answer if found is not None else ()
        return tuple(data.address for rrset in sets if rrset.rdtype == _A for data in rrset)

    def _one(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer | None:
        if name.is_subdomain(_SITE):
            return self._site(name, kind)
        zone = self.store.authority(name.to_text())
        if zone is None:
            return Answer(rcode=dns.rcode.NXDOMAIN) if _top(name) in LOCAL_ONLY else None
        return _Node(self, zone, name).answer(kind)

    def _site(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Answer:
        apex = name == _SITE
        if kind == _A and not apex:
            return Answer(answer=(_rrset(name, SITE_TTL, _A, self.gateway),))
        if apex and kind in (_NS, _SOA):
            text = NAMESERVER if kind == _NS else DEFAULT_SOA
            return Answer(answer=(_rrset(name, SITE_TTL, kind, text),))
        return Answer(authority=(_rrset(_SITE, SITE_TTL, _SOA, DEFAULT_SOA),))


_SITE = dns.name.from_text(DOMAIN)


def _top(name: dns.name.Name) -> bytes:
    return name.labels[-2:][0].lower()


def _outside(name: dns.name.Name, chain: list[dns.rrset.RRset]) -> Answer | None:
    return Answer(answer=tuple(chain), dangling=name) if chain else None


def _is_alias(found: Answer, kind: dns.rdatatype.RdataType) -> bool:
    return bool(found.answer) and found.answer[-1].rdtype == _CNAME and kind != _CNAME


def _rrset(
    owner: dns.name.Name, ttl: int, kind: dns.rdatatype.RdataType, *values: str
) -> dns.rrset.RRset:
    data = [dns.rdata.from_text(dns.rdataclass.IN, kind, value) for value in values]
    return dns.rrset.from_rdata_list(owner, ttl, data)


class _Node:
    """One owner name in one zone, asked once."""

    def __init__(self, server: Zones, zone: Zone, name: dns.name.Name) -> None:
        self._server = server
        self._zone = zone
        self._name = name
        self._origin = dns.name.from_text(zone.name)
        self._sets = server.store.rrsets(zone.key)
        self._relative = _relative(name, self._origin)

    def answer(self, kind: dns.rdatatype.RdataType) -> Answer:
        cut = self._delegation()
        if cut is not None and not (kind == dns.rdatatype.DS and cut.name == self._relative):
            return self._referral(cut)
        owned = {item.type: item for item in self._sets if item.name == self._relative}
        if not owned and not self._at_apex and not self._has_descendants():
            owned = self._wildcard()
            if not owned:
                return Answer(rcode=dns.rcode.NXDOMAIN, authority=(self._soa(negative=True),))
        return self._from(owned, kind)

    @property
    def _at_apex(self) -> bool:
        return self._relative == "@"

    def _from(self, owned: dict[str, RecordSet], kind: dns.rdatatype.RdataType) -> Answer:
        if kind == dns.rdatatype.ANY:
            return Answer(answer=(_rrset(self._name, 3600, dns.rdatatype.HINFO, '"RFC8482" ""'),))
        if any(self._server.proxied(item) for item in owned.values()):
            return self._proxied(owned, kind)
        if "CNAME" in owned and kind != _CNAME:
            return self._alias(owned, kind)
        text = dns.rdatatype.to_text(kind)
        if self._at_apex and kind == _SOA:
            return Answer(answer=(self._soa(),))
        if self._at_apex and kind == _NS and text not in owned:
            return Answer(answer=(_rrset(self._name, self._zone.ttl, _NS, NAMESERVER),))
        if text not in owned:
            return self._no_data()
        return Answer(answer=(self._read(owned[text]),))

    def _no_data(self) -> Answer:
        return Answer(authority=(self._soa(negative=True),))

    def _proxied(self, owned: dict[str, RecordSet], kind: dns.rdatatype.RdataType) -> Answer:
        if kind == _A:
            return Answer(answer=(_rrset(self._name, PROXIED_TTL, _A, self._server.proxy_address),))
        hidden = {"A", "AAAA", "CNAME"}
        return self._from({k: v for k, v in owned.items() if k not in hidden}, kind)

    def _alias(self, owned: dict[str, RecordSet], kind: dns.rdatatype.RdataType) -> Answer:
        alias = self._read(owned["CNAME"])
        if not self._at_apex:
            return Answer(answer=(alias,))
        others = {name: item for name, item in owned.items() if name != "CNAME"}
        beside = kind in (_SOA, _NS) or dns.rdatatype.to_text(kind) in others
        return self._from(others, kind) if beside else self._flattened(alias, kind)

    def _flattened(self, alias: dns.rrset.RRset, kind: dns.rdatatype.RdataType) -> Answer:
        found = self._server.lookup(alias[0].target, kind)
        last = [rrset for rrset in found.answer if rrset.rdtype == kind] if found else []
        if not last:
            return self._no_data()
        return Answer(answer=(dns.rrset.from_rdata_list(self._name, alias.ttl, list(last[-1])),))

    def _delegation(self) -> RecordSet | None:
        cuts = [item for item in self._sets if item.type == "NS" and item.name != "@"]
        mine = "." + self._relative
        fits = [item for item in cuts if mine.endswith("." + item.name)]
        return min(fits, key=lambda item: item.name.count("."), default=None)

    def _referral(self, cut: RecordSet) -> Answer:
        owner = dns.name.from_text(cut.name, self._origin)
        servers = self._read(cut, owner)
        glue = [self._glue(server.target) for server in servers]
        return Answer(
            authority=(servers,),
            additional=tuple(rrset for found in glue for rrset in found),
            authoritative=False,
        )

    def _glue(self, host: dns.name.Name) -> Iterable[dns.rrset.RRset]:
        name = _relative(host, self._origin) if host.is_subdomain(self._origin) else None
        wanted = (item for item in self._sets if item.name == name and item.type in ("A", "AAAA"))
        return [self._read(item, host) for item in wanted]

    def _has_descendants(self) -> bool:
        return any(item.name.endswith("." + self._relative) for item in self._sets)

    def _wildcard(self) -> dict[str, RecordSet]:
        """The sets at the wildcard below the closest name that exists (RFC 4592 §3.3.1)."""
        labels = self._relative.split(".")
        names = {item.name for item in self._sets}
        for cut in range(1, len(labels) + 1):
            encloser = ".".join(labels[cut:])
            star = f"*.{encloser}" if encloser else "*"
            if star in names:
                return {item.type: item for item in self._sets if item.name == star}
            if any(name == encloser or name.endswith("." + encloser) for name in names if encloser):
                return {}
        return {}

    def _soa(self, *, negative: bool = False) -> dns.rrset.RRset:
        stored = next((i for i in self._sets if (i.name, i.type) == ("@", "SOA")), None)
        ttl = self._zone.ttl if stored is None or stored.ttl is None else stored.ttl
        text = stored.values[0] if stored is not None and stored.values else DEFAULT_SOA
        data = self._parse("@", "SOA", text)
        assert isinstance(data, dns.rdtypes.ANY.SOA.SOA)  # noqa: S101 - the type was asked for
        ttl = min(ttl, data.minimum) if negative else ttl
        return dns.rrset.from_rdata(self._origin, ttl, data.replace(serial=self._zone.serial))

    def _read(self, item: RecordSet, owner: dns.name.Name | None = None) -> dns.rrset.RRset:
        ttl = self._zone.ttl if item.ttl is None else item.ttl
        data = [self._parse(item.name, item.type, value) for value in item.values]
        return dns.rrset.from_rdata_list(owner or self._name, ttl, data)

    def _parse(self, owner: str, kind: str, value: str) -> dns.rdata.Rdata:
        try:
            return dns.rdata.from_text("IN", kind, value, origin=self._origin, relativize=False)
        except (dns.exception.DNSException, ValueError) as error:
            where = f"{owner}/{kind} of zone {self._zone.name}"
            raise BadRecordError(f"{where} holds {value!r}, which is no {kind}: {error}") from error


def _relative(name: dns.name.Name, origin: dns.name.Name) -> str:
    return name.relativize(origin).to_text().lower()
