"""Actions over time: running, done, failed, locked, taken up after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from localcloud.clock import ManualClock
from localcloud.hetzner.cloud import Settings
from localcloud.machines.inert import InertMachines
from localcloud.machines.port import MachineError
from plugins.fix_hetzner import HetznerApi, StartHetzner

ORDER = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}
REAL_PACE = Settings(pace=1.0)


@pytest.fixture
def api(start_hetzner_api: StartHetzner) -> HetznerApi:
    """An API whose actions take Hetzner's time, on a clock that the test moves."""
    return start_hetzner_api(clock=ManualClock(), settings=REAL_PACE)


def posted(api: HetznerApi, path: str, body: object = None, status: int = 201) -> dict[str, Any]:
    answer = api.ask("POST", path, body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def got(api: HetznerApi, path: str) -> dict[str, Any]:
    document: dict[str, Any] = api.ask("GET", path).json()
    return document


def test_a_server_is_made_step_by_step(api: HetznerApi) -> None:
    made = posted(api, "/servers", ORDER)
    server, create, start = made["server"]["id"], made["action"], made["next_actions"][0]
    assert (made["server"]["status"], made["server"]["locked"]) == ("initializing", True)
    assert made["server"]["public_net"]["ipv4"]["ip"].startswith("10.128.")
    assert [create["command"], start["command"]] == ["create_server", "start_server"]
    assert (create["status"], create["progress"], create["finished"]) == ("running", 0, None)
    api.advance(4)
    action = got(api, f"/actions/{create['id']}")["action"]
    assert (action["status"], action["progress"]) == ("running", 50)
    api.advance(4)
    action = got(api, f"/actions/{create['id']}")["action"]
    assert (action["status"], action["progress"]) == ("success", 100)
    assert action["finished"] == "2026-11-20T12:00:08Z"
    now = got(api, f"/servers/{server}")["server"]
    assert (now["status"], now["locked"]) == ("off", True)
    api.advance(3)
    now = got(api, f"/servers/{server}")["server"]
    assert (now["status"], now["locked"]) == ("running", False)


def test_what_an_action_holds_is_locked(api: HetznerApi) -> None:
    server = posted(api, "/servers", ORDER)["server"]["id"]
    refused = api.ask("POST", f"/servers/{server}/actions/poweroff")
    assert (refused.status_code, refused.json()["error"]) == (
        423,
        {
            "code": "locked",
            "message": "cannot perform operation because server is locked",
            "details": None,
        },
    )
    assert api.ask("DELETE", f"/servers/{server}").status_code == 423
    volume = posted(api, "/volumes", {"name": "v", "size": 10, "location": "fsn1"})["volume"]["id"]
    attach = f"/volumes/{volume}/actions/attach"
    assert api.ask("POST", attach, {"server": server}).json()["error"]["code"] == "locked"
    api.advance(30)
    posted(api, attach, {"server": server})
    assert api.ask("POST", f"/volumes/{volume}/actions/detach").status_code == 423
    assert api.ask("POST", f"/servers/{server}/actions/reset").status_code == 423
    api.advance(3)
    assert got(api, f"/servers/{server}")["server"]["volumes"] == [volume]


def test_a_change_during_another_is_a_conflict(api: HetznerApi) -> None:
    network = posted(api, "/networks", {"name": "n", "ip_range": "10.0.0.0/16"})["network"]["id"]
    subnet = {"type": "cloud", "network_zone": "eu-central"}
    posted(api, f"/networks/{network}/actions/add_subnet", subnet)
    again = api.ask("POST", f"/networks/{network}/actions/add_subnet", subnet)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    api.advance(1)
    posted(api, f"/networks/{network}/actions/add_subnet", subnet)
    subnets = got(api, f"/networks/{network}")["network"]["subnets"]
    assert [s["ip_range"] for s in subnets] == ["10.0.0.0/24", "10.0.1.0/24"]


def test_actions_are_listed_where_they_belong(api: HetznerApi) -> None:
    made = posted(api, "/servers", ORDER)
    server, create = made["server"]["id"], made["action"]["id"]
    api.advance(8)
    running = got(api, "/servers/actions?status=running")["actions"]
    assert [a["command"] for a in running] == ["start_server"]
    of_one = got(api, f"/servers/{server}/actions?sort=command:desc")["actions"]
    assert [a["command"] for a in of_one] == ["start_server", "create_server"]
    assert got(api, f"/servers/{server}/actions/{create}")["action"]["id"] == create
    assert got(api, f"/servers/actions/{create}")["action"]["status"] == "success"
    assert api.ask("GET", f"/volumes/actions/{create}").status_code == 404


class BrokenMachines(InertMachines):
    """Machines that cannot be started."""

    async def start(self, server_id: int) -> None:
        raise MachineError(f"server {server_id}: no space left on device")


def test_a_machine_that_fails_fails_the_action(start_hetzner_api: StartHetzner) -> None:
    api = start_hetzner_api(machines=BrokenMachines())
    made = posted(api, "/servers", ORDER)
    api.settle()
    action = got(api, f"/actions/{made['next_actions'][0]['id']}")["action"]
    assert action["status"] == "error"
    assert action["error"]["code"] == "action_failed"
    assert "no space left" in action["error"]["message"]
    server = got(api, f"/servers/{made['server']['id']}")["server"]
    assert (server["status"], server["locked"]) == ("off", False)


def test_an_action_after_a_failed_one_fails_too(api: HetznerApi) -> None:
    api.fault(kind="action_fails", method="POST", path="/servers", code="no_host", message="none")
    made = posted(api, "/servers", ORDER)
    api.advance(60)
    actions = got(api, f"/servers/{made['server']['id']}/actions")["actions"]
    assert [(a["command"], a["status"], a["error"]["code"]) for a in actions] == [
        ("create_server", "error", "no_host"),
        ("start_server", "error", "action_failed"),
    ]
    assert api.machines.machines == {}
    assert api.ask("DELETE", f"/servers/{made['server']['id']}").status_code == 200
    api.advance(10)
    assert got(api, "/servers")["servers"] == []


def test_backups_are_made_daily_and_seven_are_kept(api: HetznerApi) -> None:
    server = posted(api, "/servers", ORDER)["server"]["id"]
    api.advance(30)
    posted(api, f"/servers/{server}/actions/enable_backup")
    for _ in range(9):
        api.jump(24 * 3600 + 120)
        api.advance(120)
    backups = got(api, f"/images?type=backup&bound_to={server}&status=available")["images"]
    assert len(backups) == 7
    posted(api, f"/servers/{server}/actions/disable_backup")
    assert got(api, "/images?type=backup")["images"] == []


def test_rescue_is_over_after_an_hour(api: HetznerApi) -> None:
    server = posted(api, "/servers", ORDER)["server"]["id"]
    api.advance(30)
    posted(api, f"/servers/{server}/actions/enable_rescue", {"type": "linux64"})
    api.advance(3599)
    assert got(api, f"/servers/{server}")["server"]["rescue_enabled"] is True
    api.advance(2)
    assert got(api, f"/servers/{server}")["server"]["rescue_enabled"] is False


def test_a_restart_continues(start_hetzner_api: StartHetzner, tmp_path: Path) -> None:
    first = start_hetzner_api(tmp_path, clock=ManualClock(), settings=REAL_PACE)
    body = {**ORDER, "labels": {"a": "b"}}
    done = posted(first, "/servers", {**body, "name": "done"})["server"]["id"]
    posted(first, "/firewalls", {"name": "w", "apply_to": [_selector("a=b")]})
    posted(first, "/zones", {"name": "acme.example", "mode": "primary"})
    first.advance(60)
    made = posted(first, "/servers", body)
    first.advance(4)
    image = posted(first, f"/servers/{done}/actions/create_image", {"type": "snapshot"})["image"]
    before = got(first, f"/servers/{done}")["server"]
    first.close()

    second = start_hetzner_api(tmp_path, clock=ManualClock(), settings=REAL_PACE)
    after = got(second, f"/servers/{done}")["server"]
    second.run(second.cloud.enforcement.caught_up())
    assert {**after, "public_net": 0} == {**before, "public_net": 0}
    assert after["public_net"]["ipv4"] == before["public_net"]["ipv4"]
    assert got(second, f"/actions/{made['action']['id']}")["action"]["status"] == "running"
    second.advance(120)
    assert got(second, f"/servers/{made['server']['id']}")["server"]["status"] == "running"
    assert got(second, f"/images/{image['id']}")["image"]["status"] == "available"
    assert second.machines.machines[done].firewall == ()
    other = posted(second, "/servers", {**ORDER, "name": "third"})
    ips = {s["public_net"]["ipv4"]["ip"] for s in got(second, "/servers")["servers"]}
    assert len(ips) == 3
    assert other["server"]["id"] > made["next_actions"][-1]["id"]
    assert got(second, "/zones")["zones"][0]["record_count"] == 4


def _selector(text: str) -> dict[str, Any]:
    return {"type": "label_selector", "label_selector": {"selector": text}}
