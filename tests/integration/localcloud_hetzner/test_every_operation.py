"""Every operation, asked by who may not: other projects, read-only tokens, bodies of nonsense."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from localcloud.hetzner.operations import ROUTES
from localcloud.hetzner.routing import Route
from localcloud.hetzner.unimplemented import OPERATIONS
from plugins.fix_hetzner import OTHER_TOKEN, READ_ONLY, HetznerApi
from plugins.hetzner_orders import public_key

CATALOGUE = ("/locations", "/server_types", "/isos", "/datacenters", "/pricing")
NONSENSE: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 1.5, "", "x" * 70_000, "\x00", "🙂", [], [None], {}, {"": None},
)  # fmt: skip
WORST = (None, 10**30, "\x00", [None], {"": None})
SERVED = [route for route in ROUTES if route.operation not in OPERATIONS]
MINE = [route for route in SERVED if not route.path.startswith(CATALOGUE)]


class Project:
    """One of each kind, and requests on them."""

    def __init__(self, api: HetznerApi) -> None:
        self._api = api
        body = {"name": "key", "public_key": public_key()}
        self.ids = {"ssh_keys": self._made("ssh_keys", body)}
        for kind, order in (
            ("placement_groups", {"type": "spread"}),
            ("networks", {"ip_range": "10.0.0.0/16"}),
            ("firewalls", {}),
            ("volumes", {"size": 10, "location": "fsn1"}),
            ("primary_ips", {"type": "ipv4", "location": "fsn1"}),
            ("floating_ips", {"type": "ipv4", "home_location": "fsn1"}),
            ("servers", {"server_type": "cx23", "image": "debian-13", "location": "fsn1"}),
        ):
            self.ids[kind] = self._made(kind, {"name": kind.replace("_", "-"), **order})
        zone = {"name": "acme.example", "mode": "primary"}
        self.ids["zones"] = self._made("zones", zone)
        api.settle()
        made = self.ask("POST", f"/servers/{self.ids['servers']}/actions/create_image", {})
        self.ids["images"] = made["image"]["id"]
        self.ids["actions"] = made["action"]["id"]
        api.settle()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._api.ask(method, path, body)
        assert answer.ok, answer.text
        return answer.json()

    def path(self, route: Route) -> str:
        """The route's path with the ids of what there is."""
        family = route.path.split("/")[1]
        action = str(self.ids["actions"])
        path = route.path.replace("/actions/{id}", f"/actions/{action}")
        path = path.replace("{action_id}", action).replace("{id_or_name}", "acme.example")
        path = path.replace("{rr_name}", "@").replace("{rr_type}", "NS")
        return re.sub(r"\{id\}", str(self.ids.get(family, 1)), path)

    def everything(self) -> dict[str, Any]:
        """All that the API says of the project."""
        kinds = [kind for kind in self.ids if kind != "actions"]
        return {kind: self.ask("GET", f"/{kind}")[kind] for kind in kinds}

    def _made(self, kind: str, body: dict[str, Any]) -> int:
        document = self.ask("POST", f"/{kind}", body)
        return int(document[kind.removesuffix("s")]["id"])


@pytest.fixture
def project(hetzner_api: HetznerApi) -> Project:
    hetzner_api.service.hetzner.door.requests_per_hour = 10**9
    return Project(hetzner_api)


def test_another_project_finds_nothing_and_changes_nothing(
    hetzner_api: HetznerApi, project: Project
) -> None:
    before = project.everything()
    for route in MINE:
        if "{" not in route.path:
            continue
        answer = hetzner_api.ask(route.method, project.path(route), {}, token=OTHER_TOKEN)
        assert answer.status_code == 404, f"{route.operation}: {answer.text}"
    assert project.everything() == before


def test_another_projects_things_cannot_be_named_in_a_body(
    hetzner_api: HetznerApi, project: Project
) -> None:
    ids = project.ids
    order = {"name": "x", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/servers", {**order, "image": ids["images"]}),
        ("/servers", {**order, "ssh_keys": [ids["ssh_keys"]]}),
        ("/servers", {**order, "ssh_keys": ["key"]}),
        ("/servers", {**order, "volumes": [ids["volumes"]]}),
        ("/servers", {**order, "networks": [ids["networks"]]}),
        ("/servers", {**order, "firewalls": [{"firewall": ids["firewalls"]}]}),
        ("/servers", {**order, "placement_group": ids["placement_groups"]}),
        ("/servers", {**order, "public_net": {"ipv4": ids["primary_ips"]}}),
        ("/volumes", {"name": "x", "size": 10, "server": ids["servers"]}),
        ("/primary_ips", {"name": "x", "type": "ipv4", "assignee_id": ids["servers"]}),
        ("/floating_ips", {"type": "ipv4", "server": ids["servers"]}),
        (
            "/firewalls",
            {"name": "x", "apply_to": [{"type": "server", "server": {"id": ids["servers"]}}]},
        ),
    ]
    before = project.everything()
    for path, body in bodies:
        answer = hetzner_api.ask("POST", path, body, token=OTHER_TOKEN)
        assert answer.status_code == 422, f"{path} {body}: {answer.text}"
    assert project.everything() == before
    for kind in project.ids.keys() - {"actions", "images"}:
        assert hetzner_api.ask("GET", f"/{kind}", token=OTHER_TOKEN).json()[kind] == []


def test_a_read_only_token_changes_nothing(hetzner_api: HetznerApi, project: Project) -> None:
    before = project.everything()
    for route in MINE:
        answer = hetzner_api.ask(route.method, project.path(route), {}, token=READ_ONLY)
        if route.method == "GET":
            assert answer.status_code < 500, f"{route.operation}: {answer.text}"
        else:
            assert answer.json()["error"]["code"] == "token_readonly", route.operation
    assert project.everything() == before


def _fields(hetzner_api: HetznerApi, project: Project, route: Route) -> set[str]:
    """The fields that a body must have, and some that many may have."""
    empty = hetzner_api.ask(route.method, project.path(route), {})
    error = empty.json().get("error", {}) if empty.content else {}
    named = {field["name"] for field in (error.get("details") or {}).get("fields", ())}
    return named | {"name", "labels", "type"}


def _bodies(fields: set[str]) -> Iterator[object]:
    yield from NONSENSE
    for field in sorted(fields):
        for value in WORST:
            yield {field: value}
    for value in NONSENSE:
        yield dict.fromkeys(fields, value)


@pytest.mark.parametrize("family", sorted({route.path.split("/")[1] for route in MINE}))
def test_no_body_breaks_an_operation(
    hetzner_api: HetznerApi, project: Project, family: str
) -> None:
    for route in MINE:
        if route.path.split("/")[1] != family or route.method not in ("POST", "PUT"):
            continue
        for body in _bodies(_fields(hetzner_api, project, route)):
            answer = hetzner_api.ask(route.method, project.path(route), body)
            assert answer.status_code < 500, f"{route.operation} {str(body)[:200]}: {answer.text}"
    hetzner_api.settle()


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=x", "page=1e3", "page=99999999999999999999", "per_page=0",
        "per_page=-5", "per_page=x", "page=%00", "sort=nothing", "sort=id:up", "sort=:asc",
        "label_selector=,", "label_selector=a=b=c", "label_selector=(", "label_selector=a in (",
        "label_selector=a in b", "label_selector=!!a", "label_selector=-a", "label_selector=a==-",
        "label_selector=a%00b",
    ],
)  # fmt: skip
def test_parameters_of_nonsense_are_refused(hetzner_api: HetznerApi, query: str) -> None:
    for kind in ("servers", "volumes", "firewalls", "networks", "primary_ips", "floating_ips",
                 "placement_groups", "ssh_keys", "images", "zones"):  # fmt: skip
        answer = hetzner_api.ask("GET", f"/{kind}?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input"), (
            f"{kind}: {answer.text}"
        )


def test_the_edges_of_pages(hetzner_api: HetznerApi) -> None:
    for number in range(51):
        body = {"name": f"g{number}", "type": "spread"}
        hetzner_api.service.hetzner.cloud.limits.clear()
        assert hetzner_api.ask("POST", "/placement_groups", body).ok

    def page(query: str) -> tuple[int, dict[str, Any]]:
        document = hetzner_api.ask("GET", f"/placement_groups?{query}").json()
        return len(document["placement_groups"]), document["meta"]["pagination"]

    assert page("")[0] == 25
    assert page("per_page=50")[1]["next_page"] == 2
    count, last = page("per_page=50&page=2")
    assert (count, last["next_page"], last["previous_page"], last["last_page"]) == (1, None, 1, 2)
    count, beyond = page("per_page=50&page=9")
    assert (count, beyond["next_page"], beyond["previous_page"]) == (0, None, 2)
    assert page("per_page=1000")[1]["per_page"] == 50
    assert page("page=&per_page=")[1]["per_page"] == 25


def test_a_body_that_is_too_large_is_refused_in_the_same_shape(hetzner_api: HetznerApi) -> None:
    answer = hetzner_api.ask("POST", "/servers", {"name": "x" * (5 << 20)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "json_error")


def test_a_server_is_not_ordered_with_more_than_it_can_have(hetzner_api: HetznerApi) -> None:
    order = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
    volumes, walls = [], []
    for number in range(17):
        body = {"name": f"v{number}", "size": 10, "location": "fsn1"}
        volumes.append(hetzner_api.ask("POST", "/volumes", body).json()["volume"]["id"])
    for number in range(6):
        made = hetzner_api.ask("POST", "/firewalls", {"name": f"w{number}"}).json()
        walls.append({"firewall": made["firewall"]["id"]})
    hetzner_api.settle()
    for field, many in (("volumes", volumes), ("firewalls", walls)):
        answer = hetzner_api.ask("POST", "/servers", {**order, field: many})
        assert answer.json()["error"]["details"]["fields"][0]["name"] == field
    most = {"volumes": volumes[:16], "firewalls": walls[:5]}
    assert hetzner_api.ask("POST", "/servers", {**order, **most}).ok
