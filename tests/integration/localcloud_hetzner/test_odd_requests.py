"""Requests that no client should send: refused in the API's own words, and nothing breaks."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from plugins.fix_hetzner import TOKEN, HetznerApi

DIGITS = "9" * 5000
SERVER = {"name": "web", "server_type": "cx23", "image": "debian-13"}
JSON_ERROR, INVALID, NOT_FOUND = (400, "json_error"), (422, "invalid_input"), (404, "not_found")


def sent(
    api: HetznerApi, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, str]:
    """Send bytes as they are; returns status and code after a look at what every answer has."""
    where = urlsplit(api.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=20)
    try:
        sent = {"Authorization": f"Bearer {TOKEN}", **headers}
        connection.request(method, f"/v1{path}", body, sent)
        answer = connection.getresponse()
        document = json.loads(answer.read())
    finally:
        connection.close()
    assert answer.headers["X-Correlation-Id"]
    assert answer.headers["RateLimit-Remaining"]
    assert answer.headers["Content-Type"] == "application/json"
    return answer.status, document.get("error", {}).get("code", "")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"name=web", JSON_ERROR, id="a form"),
        pytest.param(b'{"name": NaN}', JSON_ERROR, id="no number"),
        pytest.param(b'{"name": "\\ud800"}', JSON_ERROR, id="half a character"),
        pytest.param(b'{"name": "\xff"}', JSON_ERROR, id="no UTF-8"),
        pytest.param(b'{"a":' * 5000, JSON_ERROR, id="deep"),
        pytest.param(b"[" * 100_000, JSON_ERROR, id="deeper"),
        pytest.param(b'{"size": %s}' % DIGITS.encode(), JSON_ERROR, id="a long number"),
        pytest.param(b'{"name": "%s"}' % (b"x" * 5_000_000), JSON_ERROR, id="huge"),
        pytest.param(b"[]", INVALID, id="a list"),
        pytest.param(b'"name"', INVALID, id="a text"),
        pytest.param(b"0", INVALID, id="zero"),
        pytest.param(b"false", INVALID, id="false"),
        pytest.param(b"null", INVALID, id="null"),
        pytest.param(b"", INVALID, id="nothing"),
    ],
)
def test_odd_bodies(hetzner_api: HetznerApi, body: bytes, expected: tuple[int, str]) -> None:
    assert sent(hetzner_api, "POST", "/servers", body) == expected


def test_a_body_that_is_not_packed_as_it_says(hetzner_api: HetznerApi) -> None:
    packed = {"Content-Encoding": "gzip"}
    assert sent(hetzner_api, "POST", "/servers", b"{}", **packed) == JSON_ERROR


def test_the_type_of_the_content_does_not_matter(hetzner_api: HetznerApi) -> None:
    body = b'{"name": "group", "type": "spread"}'
    answer = sent(hetzner_api, "POST", "/placement_groups", body, **{"Content-Type": "text/plain"})
    assert answer == (201, "")


@pytest.mark.parametrize("field", ["server_type", "image", "location", "ssh_keys", "networks"])
@pytest.mark.parametrize("reference", [DIGITS, "\u0663"], ids=["long", "other digits"])
def test_references_that_can_be_no_id(hetzner_api: HetznerApi, field: str, reference: str) -> None:
    given: Any = [reference] if field in ("ssh_keys", "networks") else reference
    body = json.dumps({**SERVER, field: given}).encode()
    assert sent(hetzner_api, "POST", "/servers", body) == INVALID


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/servers/%zz", NOT_FOUND),
        ("/zones/%ff", NOT_FOUND),
        ("/zones/a%00b", NOT_FOUND),
        (f"/zones/{DIGITS}", NOT_FOUND),
        (f"/servers/{DIGITS}", NOT_FOUND),
        ("//servers", NOT_FOUND),
        (f"/actions?id={DIGITS}", (410, "deprecated_api_endpoint")),
        (f"/actions?id=1&id={DIGITS}", (200, "")),
        ("/servers?label_selector=%ff", INVALID),
        (f"/servers?label_selector={quote('ü=a')}", INVALID),
        (f"/servers?page={DIGITS}", INVALID),
        ("/servers?page=999999999999", (200, "")),
        ("/servers?%zz=%ff&unknown=1", (200, "")),
    ],
)
def test_odd_addresses(hetzner_api: HetznerApi, path: str, expected: tuple[int, str]) -> None:
    assert sent(hetzner_api, "GET", path) == expected


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "DELETE"])
def test_other_methods(hetzner_api: HetznerApi, method: str) -> None:
    assert sent(hetzner_api, method, "/servers") == (405, "method_not_allowed")


@pytest.mark.parametrize("value", ["192.0.2.1\n192.0.2.2", "192.0.2.1\x00", "192.0.2.1\u2028"])
def test_values_of_more_than_one_line(hetzner_api: HetznerApi, value: str) -> None:
    hetzner_api.client().zones.create(name="acme.test", mode="primary")
    hetzner_api.settle()
    body = json.dumps({"name": "www", "type": "A", "records": [{"value": value}]}).encode()
    assert sent(hetzner_api, "POST", "/zones/acme.test/rrsets", body) == INVALID


def test_a_comment_adds_no_line_to_the_zone_file(hetzner_api: HetznerApi) -> None:
    hetzner_api.client().zones.create(name="acme.test", mode="primary")
    hetzner_api.settle()
    record = {"value": "192.0.2.1", "comment": "mine\nyours A 192.0.2.2"}
    body = {"name": "www", "type": "A", "records": [record]}
    assert hetzner_api.ask("POST", "/zones/acme.test/rrsets", body).status_code == 201
    text = hetzner_api.ask("GET", "/zones/acme.test/zonefile").json()["zonefile"]
    assert text.endswith("www\tIN\tA\t192.0.2.1 ; mine yours A 192.0.2.2\n")


@pytest.mark.parametrize(
    "text",
    [
        "$GENERATE 1-100000000 host$ A 192.0.2.1\n",
        " $generate 1-2 host$ A 192.0.2.1\n",
        "$INCLUDE /etc/passwd\n",
        f"$TTL {DIGITS}\n",
        "no zone file \x00",
    ],
)
def test_odd_zone_files(hetzner_api: HetznerApi, text: str) -> None:
    body = json.dumps({"name": "acme.test", "mode": "primary", "zonefile": text}).encode()
    assert sent(hetzner_api, "POST", "/zones", body) == INVALID


def ordered(api: HetznerApi) -> int:
    server = api.ask("POST", "/servers", {**SERVER, "location": "fsn1"}).json()["server"]
    api.settle()
    return int(server["id"])


@pytest.mark.parametrize("path", ["/servers", "/servers/{}/actions/rebuild"])
def test_an_image_without_a_name_is_no_snapshot(hetzner_api: HetznerApi, path: str) -> None:
    server = ordered(hetzner_api)
    assert hetzner_api.ask("POST", f"/servers/{server}/actions/create_image", {}).ok
    hetzner_api.settle()
    body = json.dumps({**SERVER, "name": "second", "image": ""}).encode()
    assert sent(hetzner_api, "POST", path.format(server), body) == INVALID


@pytest.mark.parametrize("step", ["1e12", "1e300", "2592001"])
def test_a_step_is_no_longer_than_metrics_are_kept(hetzner_api: HetznerApi, step: str) -> None:
    span = "type=cpu&start=2026-11-20T12:00:00Z&end=2026-11-20T13:00:00Z"
    path = f"/servers/{ordered(hetzner_api)}/metrics?{span}"
    assert sent(hetzner_api, "GET", f"{path}&step={step}") == INVALID
    assert sent(hetzner_api, "GET", f"{path}&step=2592000") == (200, "")
