"""Reverse names, record sets, zone files and secondary zones: what is the same, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from plugins.fix_hetzner import HetznerApi

ORDER = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
ZONE = {"name": "acme.example", "mode": "primary"}
APEX = """\
@ IN SOA hydrogen.ns.hetzner.com. dns.hetzner.com. 1 86400 10800 3600000 3600
@ IN NS hydrogen.ns.hetzner.com.
@ IN NS oxygen.ns.hetzner.com.
@ IN NS helium.ns.hetzner.de.
"""
INVALID = (422, "invalid_input")


def refused(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def posted(api: HetznerApi, path: str, body: object, status: int = 201) -> dict[str, Any]:
    answer = api.ask("POST", path, body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(params=["servers", "primary_ips", "floating_ips"])
def named(hetzner_api: HetznerApi, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Something with an IPv6 network: its path, and that network without its length."""
    api, place = hetzner_api, {"location": "fsn1"}
    if request.param == "servers":
        made = posted(api, "/servers", ORDER)["server"]
        network = made["public_net"]["ipv6"]["ip"]
    elif request.param == "primary_ips":
        body = {"name": "six", "type": "ipv6", **place}
        made = posted(api, "/primary_ips", body)["primary_ip"]
        network = made["ip"]
    else:
        body = {"type": "ipv6", "home_location": "fsn1"}
        made = posted(api, "/floating_ips", body)["floating_ip"]
        network = made["ip"]
    api.settle()
    return f"/{request.param}/{made['id']}", network.removesuffix("::/64")


def reverse(api: HetznerApi, path: str) -> list[dict[str, str]]:
    (found,) = api.ask("GET", path).json().values()
    names: list[dict[str, str]] = found.get("dns_ptr") or (
        found["public_net"]["ipv6"]["dns_ptr"] if "public_net" in found else []
    )
    return names


def test_a_reverse_name_is_of_an_address_however_it_is_spelt(
    hetzner_api: HetznerApi, named: tuple[str, str]
) -> None:
    path, network = named
    act = f"{path}/actions/change_dns_ptr"
    spelt = f"{network}:0:0:0:00AB".upper()
    posted(hetzner_api, act, {"ip": spelt, "dns_ptr": "a.example"})
    posted(hetzner_api, act, {"ip": f"{network}::ab", "dns_ptr": "b.example"})
    assert reverse(hetzner_api, path) == [{"ip": f"{network}::ab", "dns_ptr": "b.example"}]
    posted(hetzner_api, act, {"ip": spelt, "dns_ptr": None})
    assert reverse(hetzner_api, path) == []


@pytest.mark.parametrize("name", ["", "not a name", "-a.example", "a..example", "a" * 64, "a_b.c"])
def test_a_reverse_name_is_a_host_name(
    hetzner_api: HetznerApi, named: tuple[str, str], name: str
) -> None:
    path, network = named
    answer = hetzner_api.ask(
        "POST", f"{path}/actions/change_dns_ptr", {"ip": f"{network}::1", "dns_ptr": name}
    )
    assert refused(answer) == INVALID
    assert reverse(hetzner_api, path) == []


@pytest.fixture
def zone(hetzner_api: HetznerApi) -> str:
    posted(hetzner_api, "/zones", ZONE)
    hetzner_api.settle()
    return "/zones/acme.example"


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        ("AAAA", "2001:db8::1", "2001:DB8:0:0::0001"),
        ("MX", "10 mail", "10  Mail.acme.example."),
        ("NS", "ns1.acme.example.", "ns1"),
    ],
)
def test_two_spellings_are_one_record(
    hetzner_api: HetznerApi, zone: str, kind: str, value: str, same: str
) -> None:
    api, both = hetzner_api, [{"value": value}, {"value": same}]
    body = {"name": "www", "type": kind, "records": both}
    assert refused(api.ask("POST", f"{zone}/rrsets", body)) == INVALID
    posted(api, f"{zone}/rrsets", {**body, "records": both[:1]})
    act = f"{zone}/rrsets/www/{kind}/actions"
    assert refused(api.ask("POST", f"{act}/add_records", {"records": both[1:]})) == INVALID
    posted(api, f"{act}/update_records", {"records": [{"value": same, "comment": "it"}]}, 200)
    found = api.ask("GET", f"{zone}/rrsets/www/{kind}").json()["rrset"]["records"]
    assert found == [{"value": value, "comment": "it"}]
    posted(api, f"{act}/remove_records", {"records": both[1:]})
    assert api.ask("GET", f"{zone}/rrsets/www/{kind}").status_code == 404


def test_texts_that_differ_in_case_are_two_records(hetzner_api: HetznerApi, zone: str) -> None:
    records = [{"value": '"one"'}, {"value": '"One"'}]
    posted(hetzner_api, f"{zone}/rrsets", {"name": "t", "type": "TXT", "records": records})
    found = hetzner_api.ask("GET", f"{zone}/rrsets/t/TXT").json()["rrset"]["records"]
    assert {record["value"] for record in found} == {'"one"', '"One"'}


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [("1h", 3600), ("1H30M", 5400), ("300", 300), ("60", 60), ("2147483647", 2147483647)],
)
def test_a_zone_file_states_the_zones_ttl(
    hetzner_api: HetznerApi, zone: str, stated: str, seconds: int
) -> None:
    text = f"$TTL {stated} ; the default\n{APEX}www 2m IN A 192.0.2.1\n"
    posted(hetzner_api, f"{zone}/actions/import_zonefile", {"zonefile": text})
    assert hetzner_api.ask("GET", zone).json()["zone"]["ttl"] == seconds
    sets = hetzner_api.ask("GET", f"{zone}/rrsets").json()["rrsets"]
    assert {item["id"]: item["ttl"] for item in sets} == {
        "@/SOA": None,
        "@/NS": None,
        "www/A": 120,
    }


@pytest.mark.parametrize(
    "text",
    [
        f"$TTL 59\n{APEX}",
        f"$TTL 2147483648\n{APEX}",
        f"$TTL 30s\n{APEX}",
        f"$TTL soon\n{APEX}",
        f"{APEX}www 59 IN A 192.0.2.1\n",
        f"{APEX}www 2147483648 IN A 192.0.2.1\n",
        f"$TTL 3600\n{APEX}$TTL 5\nwww IN A 192.0.2.1\n",
    ],
)
def test_a_ttl_out_of_range_is_refused(hetzner_api: HetznerApi, zone: str, text: str) -> None:
    answer = hetzner_api.ask("POST", f"{zone}/actions/import_zonefile", {"zonefile": text})
    assert refused(answer) == INVALID
    new = {"name": "new.example", "mode": "primary", "zonefile": text}
    assert refused(hetzner_api.ask("POST", "/zones", new)) == INVALID


def test_each_mode_ignores_what_is_the_others(hetzner_api: HetznerApi) -> None:
    transfer = [{"address": "nonsense"}]
    made = posted(hetzner_api, "/zones", {**ZONE, "primary_nameservers": transfer})["zone"]
    assert (made["mode"], made["primary_nameservers"]) == ("primary", [])
    body = {
        "name": "second.example",
        "mode": "secondary",
        "primary_nameservers": [{"address": "2001:DB8:0::53", "port": 5353}],
        "rrsets": [{"name": "www", "type": "A", "records": [{"value": "192.0.2.1"}]}],
        "zonefile": "nonsense",
    }
    made = posted(hetzner_api, "/zones", body)["zone"]
    assert (made["primary_nameservers"], made["record_count"]) == (
        [{"address": "2001:db8::53", "port": 5353}],
        0,
    )


@pytest.mark.parametrize(
    "nameservers",
    [
        [],
        [{"address": "ns1.example"}],
        [{"address": "10.0.0.53"}],
        [{"address": "127.0.0.1"}],
        [{"address": "fe80::1"}],
        [{"address": "::1"}],
        [{"address": "fd00::53"}],
        [{"address": "2001:db8::1%eth0"}],
        [{"address": "192.0.2.53", "port": 0}],
        [{"address": "192.0.2.53", "port": 65536}],
        [{"address": "192.0.2.53"}, {"address": "192.0.2.53", "port": 5353}],
        [{"address": "2001:db8::53"}, {"address": "2001:DB8:0::53"}],
    ],
)
def test_a_nameserver_that_cannot_be_is_refused(
    hetzner_api: HetznerApi, nameservers: list[dict[str, Any]]
) -> None:
    body = {"name": "second.example", "mode": "secondary"}
    wish = {"primary_nameservers": nameservers}
    assert refused(hetzner_api.ask("POST", "/zones", {**body, **wish})) == INVALID
    good = {"primary_nameservers": [{"address": "192.0.2.53"}]}
    posted(hetzner_api, "/zones", {**body, **good})
    hetzner_api.settle()
    path = "/zones/second.example/actions/change_primary_nameservers"
    assert refused(hetzner_api.ask("POST", path, wish)) == INVALID
