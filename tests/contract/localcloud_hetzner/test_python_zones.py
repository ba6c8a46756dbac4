"""Zones and record sets as hcloud-python handles them, and as the DNS server then finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hcloud import APIException
from hcloud.zones import ZonePrimaryNameserver, ZoneRecord, ZoneRRSet
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import finished

ZONEFILE = """$ORIGIN acme.example.
$TTL 300
@ IN SOA hydrogen.ns.hetzner.com. dns.hetzner.com. 2024010100 86400 10800 3600000 3600
@ IN NS hydrogen.ns.hetzner.com. ; first
@ IN NS oxygen.ns.hetzner.com.
@ IN NS helium.ns.hetzner.de.
www 60 IN A 192.0.2.1
www 60 IN A 192.0.2.2
mail IN MX 10 mx
txt IN TXT "one" "two"
"""


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(APIException) as error:
        call()
    return str(error.value.code)


@pytest.fixture
def zone(hetzner_client: Any) -> Any:
    made = hetzner_client.zones.create(name="acme.example", mode="primary", labels={"a": "b"})
    finished(made.action)
    return made.zone


def values(zone: Any, name: str, kind: str) -> list[str]:
    return [record.value for record in zone.get_rrset(name, kind).records or []]


def test_a_zone_starts_with_soa_and_nameservers(hetzner_client: Any, zone: Any) -> None:
    assert [(s.name, s.type) for s in zone.get_rrset_all()] == [("@", "SOA"), ("@", "NS")]
    assert zone.authoritative_nameservers.assigned == values(zone, "@", "NS")
    found = hetzner_client.zones.get("acme.example")
    assert (found.id, found.record_count, found.status, found.ttl) == (zone.id, 4, "ok", 3600)
    assert [z.id for z in hetzner_client.zones.get_all(label_selector="a=b", mode="primary")] == [
        zone.id
    ]
    assert code_of(lambda: hetzner_client.zones.create(name="acme.example", mode="primary")) == (
        "uniqueness_error"
    )


def test_record_sets_are_made_changed_and_deleted(hetzner_api: HetznerApi, zone: Any) -> None:
    made = zone.create_rrset(
        name="www", type="A", ttl=60, records=[ZoneRecord(value="192.0.2.1", comment="first")]
    )
    finished(made.action)
    key = f"hetzner:{zone.id}"
    stored = hetzner_api.records.rrset(key, "www", "A")
    assert stored is not None
    assert (stored.values, stored.ttl) == (("192.0.2.1",), 60)
    www: Any = made.rrset
    finished(zone.set_rrset_records(www, [ZoneRecord(value="192.0.2.2")]))
    finished(zone.add_rrset_records(www, [ZoneRecord(value="192.0.2.3")], ttl=60))
    assert values(zone, "www", "A") == ["192.0.2.2", "192.0.2.3"]
    assert code_of(
        lambda: zone.add_rrset_records(www, [ZoneRecord(value="192.0.2.4")], ttl=61)
    ) == ("invalid_input")
    finished(zone.update_rrset_records(www, [ZoneRecord(value="192.0.2.3", comment="third")]))
    assert zone.get_rrset("www", "A").records[1].comment == "third"
    finished(zone.change_rrset_ttl(www, None))
    updated = zone.update_rrset(www, labels={"owner": "me"})
    assert (updated.ttl, updated.labels) == (None, {"owner": "me"})
    assert [s.id for s in zone.get_rrset_all(label_selector="owner=me", type=["A"])] == ["www/A"]
    finished(zone.remove_rrset_records(www, [ZoneRecord(value="192.0.2.2")]))
    finished(zone.remove_rrset_records(www, [ZoneRecord(value="192.0.2.3")]))
    assert code_of(lambda: zone.get_rrset("www", "A")) == "not_found"
    assert hetzner_api.records.rrset(key, "www", "A") is None


def test_adding_records_makes_the_set(zone: Any) -> None:
    ghost = ZoneRRSet(name="new", type="TXT", zone=zone)
    finished(zone.add_rrset_records(ghost, [ZoneRecord(value='"hello"')]))
    assert values(zone, "new", "TXT") == ['"hello"']
    finished(zone.get_rrset("new", "TXT").delete_rrset().action)


def test_a_protected_set_is_not_changed(zone: Any) -> None:
    www = zone.create_rrset(name="www", type="A", records=[ZoneRecord(value="192.0.2.1")]).rrset
    finished(zone.change_rrset_protection(www, change=True))
    for change in (
        lambda: zone.set_rrset_records(www, [ZoneRecord(value="192.0.2.2")]),
        lambda: zone.change_rrset_ttl(www, 60),
        lambda: zone.delete_rrset(www),
        lambda: zone.import_zonefile(ZONEFILE),
    ):
        assert code_of(change) == "protected"
    finished(zone.change_rrset_protection(www, change=False))
    finished(zone.delete_rrset(www).action)


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("www", "A", "192.0.2.256"),
        ("www", "A", "2001:db8::1"),
        ("www", "AAAA", "192.0.2.1"),
        ("www", "TXT", "not quoted"),
        ("www", "TXT", '"' + "x" * 256 + '"'),
        ("www", "MX", "mx"),
        ("WWW", "A", "192.0.2.1"),
        ("www.", "A", "192.0.2.1"),
        ("www.acme.example", "A", "192.0.2.1"),
        ("@", "CNAME", "other"),
        ("taken", "CNAME", "other"),
    ],
)
def test_a_record_that_cannot_be_is_refused(zone: Any, name: str, kind: str, value: str) -> None:
    zone.create_rrset(name="taken", type="A", records=[ZoneRecord(value="192.0.2.1")])
    assert code_of(
        lambda: zone.create_rrset(name=name, type=kind, records=[ZoneRecord(value=value)])
    ) == ("invalid_input")


@pytest.mark.parametrize("name", ["localhost", "Acme.example", "acme.example.", "a_b.example", ""])
def test_a_zone_name_that_cannot_be_is_refused(hetzner_client: Any, name: str) -> None:
    assert code_of(lambda: hetzner_client.zones.create(name=name, mode="primary")) == (
        "invalid_input"
    )


def test_a_zone_file_goes_in_and_out(hetzner_client: Any, zone: Any) -> None:
    zone.create_rrset(name="old", type="A", records=[ZoneRecord(value="192.0.2.9")])
    finished(zone.import_zonefile(ZONEFILE))
    assert hetzner_client.zones.get(zone.id).ttl == 300
    assert [(s.name, s.type, s.ttl) for s in zone.get_rrset_all(sort=["name", "id"])] == [
        ("@", "NS", None),
        ("@", "SOA", None),
        ("mail", "MX", None),
        ("txt", "TXT", None),
        ("www", "A", 60),
    ]
    text = zone.export_zonefile().zonefile
    other = hetzner_client.zones.create(
        name="other.example", mode="primary", zonefile=text.replace("acme", "other")
    ).zone
    assert values(other, "www", "A") == ["192.0.2.1", "192.0.2.2"]
    assert values(other, "txt", "TXT") == ['"one" "two"']
    assert "www\t60\tIN\tA\t192.0.2.1" in text


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        ZONEFILE.replace("$ORIGIN acme", "$ORIGIN other"),
        "\n".join(line for line in ZONEFILE.splitlines() if "SOA" not in line),
        "\n".join(line for line in ZONEFILE.splitlines() if "oxygen" not in line),
        ZONEFILE + "x IN SSHFP 1 1 aa\n",
        "",
    ],
)
def test_a_zone_file_that_cannot_be_is_refused(zone: Any, text: str) -> None:
    assert code_of(lambda: zone.import_zonefile(text)) == "invalid_input"
    assert [(s.name, s.type) for s in zone.get_rrset_all()] == [("@", "SOA"), ("@", "NS")]


def test_a_zone_is_changed_protected_and_deleted(hetzner_client: Any, zone: Any) -> None:
    assert zone.update(labels={}).labels == {}
    finished(zone.change_ttl(7200), zone.change_protection(delete=True))
    found = hetzner_client.zones.get(zone.name)
    assert (found.ttl, found.protection["delete"]) == (7200, True)
    assert code_of(zone.delete) == "protected"
    finished(zone.change_protection(delete=False))
    finished(zone.delete().action)
    assert code_of(lambda: hetzner_client.zones.get("acme.example")) == "not_found"


def test_a_secondary_zone_has_no_records_here(hetzner_client: Any) -> None:
    made = hetzner_client.zones.create(
        name="second.example",
        mode="secondary",
        primary_nameservers=[ZonePrimaryNameserver(address="192.0.2.53")],
    )
    zone = made.zone
    assert code_of(zone.get_rrset_all) == "incorrect_zone_mode"
    assert code_of(zone.export_zonefile) == "incorrect_zone_mode"
    finished(zone.change_primary_nameservers([ZonePrimaryNameserver(address="192.0.2.54")]))
    found = hetzner_client.zones.get(zone.id)
    assert found.primary_nameservers[0].address == "192.0.2.54"
    assert code_of(lambda: hetzner_client.zones.create(name="third.example", mode="secondary")) == (
        "invalid_input"
    )


def test_every_change_raises_the_serial(hetzner_api: HetznerApi, zone: Any) -> None:
    before = int(values(zone, "@", "SOA")[0].split()[2])
    zone.create_rrset(name="www", type="A", records=[ZoneRecord(value="192.0.2.1")])
    after = int(values(zone, "@", "SOA")[0].split()[2])
    assert after > before > 2026000000
