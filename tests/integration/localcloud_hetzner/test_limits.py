"""What a project may have and ask for: firewalls of a server, snapshots, volume space, requests."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from localcloud.clock import ManualClock
from localcloud.hetzner.cloud import Settings
from plugins.fix_hetzner import HetznerApi, StartHetzner

ORDER = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
WEB = {"type": "label_selector", "label_selector": {"selector": "tier=web"}}


def ordered(api: HetznerApi, name: str = "web", **more: object) -> int:
    answer = api.ask("POST", "/servers", {**ORDER, "name": name, **more})
    assert answer.status_code == 201, answer.text
    api.settle()
    return int(answer.json()["server"]["id"])


def refused(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def by_id(server: int) -> dict[str, Any]:
    return {"type": "server", "server": {"id": server}}


def wall(api: HetznerApi, name: str, *targets: object) -> int:
    answer = api.ask("POST", "/firewalls", {"name": name, "apply_to": targets})
    assert answer.status_code == 201, answer.text
    api.settle()
    return int(answer.json()["firewall"]["id"])


def walls(api: HetznerApi, server: int) -> list[int]:
    found = api.ask("GET", f"/servers/{server}").json()["server"]
    return [each["id"] for each in found["public_net"]["firewalls"]]


def test_firewalls_by_label_count_for_the_servers_they_find(hetzner_api: HetznerApi) -> None:
    api = hetzner_api
    server = ordered(api, labels={"tier": "web"})
    full = [wall(api, f"w{number}", WEB) for number in range(5)]
    other = wall(api, "other")
    for body in ({"apply_to": [WEB]}, {"apply_to": [by_id(server)]}):
        assert refused(api.ask("POST", "/firewalls", {"name": "new", **body})) == (
            422,
            "invalid_input",
        )
        path = f"/firewalls/{other}/actions/apply_to_resources"
        assert refused(api.ask("POST", path, body)) == (422, "invalid_input")
    again = {"apply_to": [by_id(server)]}
    path = f"/firewalls/{full[4]}/actions/apply_to_resources"
    assert api.ask("POST", path, again).status_code == 201
    assert walls(api, server) == full


def test_labels_bring_no_sixth_firewall(hetzner_api: HetznerApi) -> None:
    api = hetzner_api
    server = ordered(api)
    found = [wall(api, f"l{number}", WEB) for number in range(5)]
    direct = [wall(api, f"d{number}", by_id(server)) for number in range(2)]
    assert api.ask("PUT", f"/servers/{server}", {"labels": {"tier": "web"}}).ok
    assert walls(api, server) == [*found[:3], *direct]
    gone = {"remove_from": [by_id(server)]}
    path = f"/firewalls/{direct[0]}/actions/remove_from_resources"
    assert api.ask("POST", path, gone).status_code == 201
    assert walls(api, server) == [*found[:4], direct[1]]
    second = ordered(api, "second", labels={"tier": "web"}, firewalls=[{"firewall": direct[0]}])
    assert walls(api, second) == [*found[:4], direct[0]]


def test_a_deleted_server_leaves_every_firewall(hetzner_api: HetznerApi) -> None:
    api = hetzner_api
    server = ordered(api)
    firewall = wall(api, "w", by_id(server))
    ip = api.ask("GET", f"/servers/{server}").json()["server"]["public_net"]
    assert api.ask("POST", f"/servers/{server}/actions/poweroff").ok
    api.settle()
    for kind in ("ipv4", "ipv6"):
        assert api.ask("POST", f"/primary_ips/{ip[kind]['id']}/actions/unassign").ok
        api.settle()
    assert api.ask("DELETE", f"/servers/{server}").ok
    api.settle()
    assert api.ask("DELETE", f"/firewalls/{firewall}").status_code == 204


def test_backups_count_as_snapshots_once_they_are_some(hetzner_api: HetznerApi) -> None:
    api = hetzner_api
    api.cloud.limits["snapshot"] = 1
    path = f"/servers/{ordered(api)}/actions"
    assert api.ask("POST", f"{path}/enable_backup").ok
    images = []
    for kind in ("snapshot", "backup"):
        answer = api.ask("POST", f"{path}/create_image", {"type": kind})
        assert answer.status_code == 201, answer.text
        images.append(f"/images/{answer.json()['image']['id']}")
        api.settle()
    limit = (403, "resource_limit_exceeded")
    assert refused(api.ask("POST", f"{path}/create_image", {"type": "snapshot"})) == limit
    assert refused(api.ask("PUT", images[1], {"type": "snapshot"})) == limit
    assert api.ask("PUT", images[0], {"type": "snapshot", "description": "same"}).ok
    assert api.ask("DELETE", images[0]).ok
    assert api.ask("PUT", images[1], {"type": "snapshot"}).ok


@pytest.mark.parametrize("at_server", [True, False])
def test_without_space_no_volume_is_made(hetzner_api: HetznerApi, *, at_server: bool) -> None:
    where = {"server": ordered(hetzner_api)} if at_server else {"location": "fsn1"}
    hetzner_api.cloud.no_volume_space.add("fsn1")
    answer = hetzner_api.ask("POST", "/volumes", {"name": "v", "size": 10, **where})
    assert refused(answer) == (422, "no_space_left_in_location")


@pytest.mark.parametrize("token", [None, "x" * 64])
def test_requests_without_a_project_run_out_too(
    start_hetzner_api: StartHetzner, token: str | None
) -> None:
    api = start_hetzner_api(clock=ManualClock(), settings=Settings(requests_per_hour=3))
    answers = [api.ask("GET", "/servers", token=token).status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]
    assert api.ask("GET", "/nothing", token=token).status_code == 429
    assert api.ask("GET", "/servers").status_code == 200
