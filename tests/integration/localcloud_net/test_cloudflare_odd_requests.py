"""Requests to Cloudflare's API that no client should send: refused in its own words."""

from __future__ import annotations

import httpx
import pytest
from plugins.fix_localcloud import LocalCloud


@pytest.fixture
def records(localcloud: LocalCloud) -> str:
    """The address of a zone's records."""
    made = localcloud.admin("cloudflare").ask("POST", "zones", {"name": "acme.test"})
    return f"{localcloud.cloudflare}/zones/{made['result']['id']}/dns_records"


def codes(answer: httpx.Response) -> list[int]:
    document = answer.json()
    assert (document["success"], document["result"]) == (False, None)
    return [error["code"] for error in document["errors"]]


def headers(cloud: LocalCloud, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {cloud.cloudflare_token}", **more}


@pytest.mark.parametrize(
    ("body", "more"),
    [
        pytest.param(b"name=www", {}, id="a form"),
        pytest.param(b"[]", {}, id="a list"),
        pytest.param(b'{"ttl": NaN}', {}, id="no number"),
        pytest.param(b'{"comment": "\\ud800"}', {}, id="half a character"),
        pytest.param(b'{"comment": "\xff"}', {}, id="no UTF-8"),
        pytest.param(b'{"a":' * 5000, {}, id="deep"),
        pytest.param(b"{}", {"Content-Encoding": "gzip"}, id="not packed as it says"),
        pytest.param(b'{"comment": "%s"}' % (b"x" * 5_000_000), {}, id="huge"),
    ],
)
def test_odd_bodies(
    localcloud: LocalCloud, records: str, body: bytes, more: dict[str, str]
) -> None:
    answer = httpx.post(records, content=body, headers=headers(localcloud, **more))
    assert (answer.status_code // 100, codes(answer)) == (4, [9207])


@pytest.mark.parametrize("number", ["0", "-1", "x", "nan", "inf", "9" * 400])
def test_odd_pages(localcloud: LocalCloud, records: str, number: str) -> None:
    answer = httpx.get(records, params={"per_page": number}, headers=headers(localcloud))
    assert (answer.status_code, codes(answer)) == (400, [1004])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"$GENERATE 1-100000000 host$ A 192.0.2.1\n", 1004),
        (b"no zone file \x00", 1004),
        (b"\xff\xfe", 9207),
    ],
)
def test_odd_zone_files(localcloud: LocalCloud, records: str, text: bytes, code: int) -> None:
    answer = httpx.post(f"{records}/import", files={"file": text}, headers=headers(localcloud))
    assert (answer.status_code, codes(answer)) == (400, [code])


@pytest.mark.parametrize(
    "name",
    [None, ["a.test"], {"a.test": 1}, 7, "", ".", "test", "a b.test", "-a.test", "a..test",
     "a_b.test", "*.test", "a.1", "a\n.test", f"{'a' * 64}.test", f"{'a.' * 127}test", "\ud7ff.x"],
)  # fmt: skip
def test_a_zone_is_called_like_a_domain(localcloud: LocalCloud, name: object) -> None:
    url = f"{localcloud.cloudflare}/zones"
    answer = httpx.post(url, json={"name": name}, headers=headers(localcloud))
    assert (answer.status_code, codes(answer)) == (400, [1049])


def test_zone_names_of_all_scripts_are_kept_in_punycode(localcloud: LocalCloud) -> None:
    url = f"{localcloud.cloudflare}/zones"
    answer = httpx.post(url, json={"name": "München.Test."}, headers=headers(localcloud))
    assert answer.json()["result"]["name"] == "xn--mnchen-3ya.test"


@pytest.mark.parametrize("name", [None, ["www"], 7])
def test_a_record_is_called_by_a_text(localcloud: LocalCloud, records: str, name: object) -> None:
    body = {"name": name, "type": "A", "content": "192.0.2.1"}
    answer = httpx.post(records, json=body, headers=headers(localcloud))
    assert (answer.status_code, codes(answer)) == (400, [9000])


@pytest.mark.parametrize(
    ("kind", "content", "same"),
    [
        ("AAAA", "2001:db8::1", "2001:DB8:0::0001"),
        ("NS", "ns1.acme.test", "NS1.acme.test."),
    ],
)
def test_two_spellings_are_one_record(
    localcloud: LocalCloud, records: str, kind: str, content: str, same: str
) -> None:
    body = {"name": "www", "type": kind}
    made = httpx.post(records, json={**body, "content": content}, headers=headers(localcloud))
    assert made.status_code == 200
    answer = httpx.post(records, json={**body, "content": same}, headers=headers(localcloud))
    assert (answer.status_code, codes(answer)) == (400, [81058])
