"""What every request meets: routes, tokens, methods, bodies, limits, headers, lists."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
import requests
from localcloud.clock import ManualClock
from localcloud.hetzner.cloud import Settings
from plugins.fix_hetzner import OTHER_TOKEN, READ_ONLY, HetznerApi, StartHetzner
from plugins.hetzner_orders import order_server, public_key


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize(
    ("method", "path", "token", "expected"),
    [
        ("GET", "/servers", None, (401, "unauthorized", "token is required")),
        (
            "GET",
            "/servers",
            "x" * 64,
            (401, "unauthorized", "the token you have provided is invalid"),
        ),
        ("GET", "/nothing", None, (404, "not_found", "api route not found")),
        ("PATCH", "/servers", None, (401, "unauthorized", "token is required")),
        ("PATCH", "/servers", "a" * 64, (405, "method_not_allowed", "method not allowed")),
    ],
)
def test_the_path_is_looked_up_before_the_token_and_the_method_after_it(
    hetzner_api: HetznerApi,
    method: str,
    path: str,
    token: str | None,
    expected: tuple[int, str, str],
) -> None:
    assert error_of(hetzner_api.ask(method, path, token=token)) == expected


@pytest.mark.parametrize(
    "path", ["/servers/42", "/volumes/42", "/actions/42", "/zones/none.example", "/images/42"]
)
def test_what_is_absent_is_not_found(hetzner_api: HetznerApi, path: str) -> None:
    assert error_of(hetzner_api.ask("GET", path))[:2] == (404, "not_found")


@pytest.mark.parametrize("path", ["/datacenters", "/datacenters/1"])
def test_datacenters_are_gone(hetzner_api: HetznerApi, path: str) -> None:
    answer = hetzner_api.ask("GET", path)
    assert error_of(answer)[:2] == (410, "deprecated_api_endpoint")
    assert "datacenters-deprecated" in answer.json()["error"]["details"]["announcement"]


def test_a_body_that_is_no_json_is_told_so(hetzner_api: HetznerApi) -> None:
    answer = requests.post(
        hetzner_api.url + "/ssh_keys",
        data="{",
        headers={"Authorization": f"Bearer {'a' * 64}"},
        timeout=10,
    )
    assert error_of(answer)[:2] == (400, "json_error")


def test_missing_and_wrong_fields_are_named(hetzner_api: HetznerApi) -> None:
    answer = hetzner_api.ask("POST", "/volumes", {"size": "big"})
    assert error_of(answer)[:2] == (422, "invalid_input")
    fields = answer.json()["error"]["details"]["fields"]
    assert [field["name"] for field in fields] == ["size", "name"]


def test_a_read_only_token_reads(hetzner_api: HetznerApi) -> None:
    assert hetzner_api.ask("GET", "/servers", token=READ_ONLY).status_code == 200
    answer = hetzner_api.ask("POST", "/ssh_keys", {}, token=READ_ONLY)
    assert error_of(answer)[:2] == (401, "token_readonly")


def test_projects_do_not_see_each_other(hetzner_api: HetznerApi) -> None:
    client, other = hetzner_api.client(), hetzner_api.client(OTHER_TOKEN)
    server = order_server(client)
    key = client.ssh_keys.create("key", public_key())
    assert other.servers.get_all() == []
    assert error_of(hetzner_api.ask("GET", f"/servers/{server.id}", token=OTHER_TOKEN))[0] == 404
    action = client.servers.get_actions_list(server).actions[0]
    assert error_of(hetzner_api.ask("GET", f"/actions/{action.id}", token=OTHER_TOKEN))[0] == 404
    asked = hetzner_api.ask("GET", f"/actions?id={action.id}", token=OTHER_TOKEN)
    assert asked.json() == {"actions": []}
    body = {"name": "web", "server_type": "cx23", "image": "debian-13", "ssh_keys": [key.id]}
    assert error_of(hetzner_api.ask("POST", "/servers", body, token=OTHER_TOKEN))[:2] == (
        422,
        "invalid_input",
    )
    assert order_server(other).name == "web"


def test_headers_tell_the_correlation_and_the_rate(hetzner_api: HetznerApi) -> None:
    first = hetzner_api.ask("GET", "/locations")
    second = hetzner_api.ask("GET", "/locations", token=None)
    assert re.fullmatch("[0-9a-f]{32}", first.headers["X-Correlation-Id"])
    assert first.headers["X-Correlation-Id"] != second.headers["X-Correlation-Id"]
    assert first.headers["RateLimit-Limit"] == "3600"
    assert first.headers["RateLimit-Remaining"] == "3599"
    assert second.headers["RateLimit-Remaining"] == "3599"


def test_requests_run_out_and_come_back(start_hetzner_api: StartHetzner) -> None:
    start = datetime(2026, 11, 20, 12, tzinfo=UTC)
    api = start_hetzner_api(clock=ManualClock(start), settings=Settings(requests_per_hour=60))
    answers = [api.ask("GET", "/locations") for _ in range(61)]
    assert [a.status_code for a in answers] == [200] * 60 + [429]
    assert error_of(answers[-1])[1:] == (
        "rate_limit_exceeded",
        "limit of 60 requests per hour reached",
    )
    assert answers[-1].headers["RateLimit-Remaining"] == "0"
    assert int(answers[-1].headers["RateLimit-Reset"]) == int(start.timestamp()) + 3600
    assert api.ask("GET", "/locations", token=OTHER_TOKEN).status_code == 200
    api.advance(60)
    assert api.ask("GET", "/locations").status_code == 200
    assert api.ask("GET", "/locations").status_code == 429


def test_pages_are_linked(hetzner_api: HetznerApi) -> None:
    answer = hetzner_api.ask("GET", "/server_types?page=2&per_page=10")
    assert answer.json()["meta"]["pagination"] == {
        "page": 2,
        "per_page": 10,
        "previous_page": 1,
        "next_page": 3,
        "last_page": 3,
        "total_entries": 28,
    }
    links = answer.headers["Link"]
    assert f'<{hetzner_api.url}/server_types?page=1&per_page=10>; rel="prev"' in links
    assert f'<{hetzner_api.url}/server_types?page=3&per_page=10>; rel="last"' in links
    assert len(hetzner_api.ask("GET", "/server_types").json()["server_types"]) == 25
    assert len(hetzner_api.ask("GET", "/server_types?per_page=999").json()["server_types"]) == 28
    beyond = hetzner_api.ask("GET", "/server_types?page=9").json()
    assert (beyond["server_types"], beyond["meta"]["pagination"]["next_page"]) == ([], None)


def test_an_empty_list_has_one_page(hetzner_api: HetznerApi) -> None:
    assert hetzner_api.ask("GET", "/servers").json()["meta"]["pagination"] == {
        "page": 1,
        "per_page": 25,
        "previous_page": None,
        "next_page": None,
        "last_page": 1,
        "total_entries": 0,
    }


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "per_page=-1",
        "sort=color",
        "sort=id:up",
        "status=gone",
        "label_selector==",
    ],
)
def test_parameters_that_make_no_sense_are_refused(hetzner_api: HetznerApi, query: str) -> None:
    assert error_of(hetzner_api.ask("GET", f"/servers?{query}"))[:2] == (422, "invalid_input")


def test_lists_are_sorted_by_several_fields(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    for name in ("b", "a", "c"):
        client.placement_groups.create(name, "spread")

    def names(query: str) -> list[str]:
        found = hetzner_api.ask("GET", f"/placement_groups?{query}").json()
        return [group["name"] for group in found["placement_groups"]]

    assert names("") == ["b", "a", "c"]
    assert names("sort=name") == ["a", "b", "c"]
    assert names("sort=name:desc") == ["c", "b", "a"]
    assert names("sort=created:asc&sort=id:desc") == ["c", "a", "b"]


def test_several_actions_are_asked_for_at_once(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    server = order_server(client)
    ids = [action.id for action in client.servers.get_actions(server)]
    query = "&".join(f"id={i}" for i in ids)
    found = hetzner_api.ask("GET", f"/actions?{query}&sort=status&sort=id:desc&page=1").json()
    assert [action["id"] for action in found["actions"]] == sorted(ids, reverse=True)
    assert "meta" not in found
    assert error_of(hetzner_api.ask("GET", "/actions"))[:2] == (410, "deprecated_api_endpoint")


def test_references_are_taken_as_number_text_and_name(hetzner_api: HetznerApi) -> None:
    key = hetzner_api.client().ssh_keys.create("key", public_key())
    image = hetzner_api.client().images.get_by_name_and_architecture("debian-13", "x86")
    assert image is not None
    for number, (kind, picture, secret, place) in enumerate(
        [
            (114, image.id, key.id, 1),
            ("114", str(image.id), str(key.id), "1"),
            ("CX23", "debian-13", "key", "fsn1"),
        ]
    ):
        body = {
            "name": f"s{number}",
            "server_type": kind,
            "image": picture,
            "ssh_keys": [secret],
            "location": place,
        }
        answer = hetzner_api.ask("POST", "/servers", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["root_password"] is None


def test_what_is_not_there_says_so(hetzner_api: HetznerApi) -> None:
    status, code, message = error_of(hetzner_api.ask("GET", "/load_balancers"))
    assert (status, code) == (501, "not_implemented")
    assert "README" in message
