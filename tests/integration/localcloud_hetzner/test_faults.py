"""Every kind of fault, as a client meets it."""

from __future__ import annotations

import pytest
import requests
from hcloud import APIException
from hcloud.actions import ActionFailedException
from hcloud.zones import ZoneRecord
from localcloud.clock import ManualClock
from plugins.fix_hetzner import SECONDS, HetznerApi, StartHetzner
from plugins.hetzner_orders import finished, order_server

GROUP = {"name": "g", "type": "spread"}


def admin(api: HetznerApi, method: str, path: str, body: object = None) -> requests.Response:
    return requests.request(method, f"{api.admin}/{path}", json=body, timeout=SECONDS)


def groups(api: HetznerApi) -> list[str]:
    found = api.ask("GET", "/placement_groups").json()["placement_groups"]
    return [group["name"] for group in found]


def test_an_error_is_answered_as_often_as_asked(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(
        kind="error", method="POST", path="/placement_groups", code="unavailable", times=2, skip=1
    )
    codes = [
        hetzner_api.ask(
            "POST", "/placement_groups", {"name": f"g{n}", "type": "spread"}
        ).status_code
        for n in range(5)
    ]
    assert codes == [201, 503, 503, 201, 201]
    assert groups(hetzner_api) == ["g0", "g3", "g4"]


def test_an_error_has_the_status_of_its_code_unless_told(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="error", path="/locations*", code="odd", status=500, message="boom")
    answer = hetzner_api.ask("GET", "/locations/1")
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, "boom")


def test_dropped_before_nothing_happened(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="drop_before", method="POST", path="/placement_groups")
    with pytest.raises(requests.ConnectionError):
        hetzner_api.ask("POST", "/placement_groups", GROUP)
    assert groups(hetzner_api) == []


def test_dropped_after_the_commit_it_happened(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="commit_then_drop", method="POST", path="/placement_groups")
    with pytest.raises(requests.ConnectionError):
        hetzner_api.ask("POST", "/placement_groups", GROUP)
    assert groups(hetzner_api) == ["g"]
    again = hetzner_api.ask("POST", "/placement_groups", GROUP)
    assert again.json()["error"]["code"] == "uniqueness_error"


def test_a_delay_is_waited_on_the_clouds_clock(start_hetzner_api: StartHetzner) -> None:
    api = start_hetzner_api(clock=ManualClock())
    api.fault(kind="delay", path="/locations", seconds=30)
    with pytest.raises(requests.Timeout):
        requests.get(
            f"{api.url}/locations", headers={"Authorization": "Bearer " + "a" * 64}, timeout=0.2
        )
    assert api.ask("GET", "/locations").status_code == 200


def test_an_action_fails_and_leaves_things_as_they_were(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    server = order_server(client)
    hetzner_api.fault(kind="action_fails", path="/servers/*/actions/poweroff", message="jammed")
    with pytest.raises(ActionFailedException, match="jammed"):
        server.power_off().wait_until_finished()
    server.reload()
    assert (server.status, server.locked) == ("running", False)
    finished(server.power_off())


def test_even_an_action_that_is_over_at_once_can_fail(hetzner_api: HetznerApi) -> None:
    server = order_server(hetzner_api.client())
    hetzner_api.fault(kind="action_fails", path="*/change_protection", code="odd")
    with pytest.raises(ActionFailedException):
        server.change_protection(delete=True, rebuild=True).wait_until_finished()


def test_a_failed_publication_puts_the_zone_back(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    zone = client.zones.create(name="acme.example", mode="primary").zone
    made = zone.create_rrset(name="www", type="A", records=[ZoneRecord(value="192.0.2.1")])
    hetzner_api.fault(kind="action_fails", path="*/set_records")
    change = zone.set_rrset_records(made.rrset, [ZoneRecord(value="192.0.2.2")])
    with pytest.raises(ActionFailedException):
        change.wait_until_finished()
    assert [r.value for r in zone.get_rrset("www", "A").records or []] == ["192.0.2.1"]
    hetzner_api.fault(kind="action_fails", method="POST", path="/zones")
    with pytest.raises(ActionFailedException):
        client.zones.create(name="gone.example", mode="primary").action.wait_until_finished()
    assert [z.name for z in client.zones.get_all()] == ["acme.example"]


def test_an_action_sticks_until_it_is_released(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    server = order_server(client)
    hetzner_api.fault(kind="action_sticks", path="/servers/*/actions/poweroff")
    action = server.power_off()
    hetzner_api.settle()
    action.reload()
    assert action.status == "running"
    with pytest.raises(APIException, match="locked"):
        server.power_on()
    assert admin(hetzner_api, "POST", "actions/release").json() == {"released": 1}
    finished(action)
    server.reload()
    assert server.status == "off"


def test_a_partial_page_claims_to_be_all(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    for number in range(5):
        client.placement_groups.create(f"g{number}", "spread")
    hetzner_api.fault(kind="partial_page", path="/placement_groups", keep=2)
    assert [g.name for g in client.placement_groups.get_all()] == ["g0", "g1"]
    assert len(client.placement_groups.get_all()) == 5


def test_actions_asked_for_by_id_can_be_missing_too(hetzner_api: HetznerApi) -> None:
    order_server(hetzner_api.client())
    ids = [action.id for action in hetzner_api.cloud.state.actions]
    path = "/actions?" + "&".join(f"id={number}" for number in ids)
    hetzner_api.fault(kind="partial_page", path="/actions", keep=1)
    found = [hetzner_api.ask("GET", path).json()["actions"] for _ in range(2)]
    assert [len(actions) for actions in found] == [1, len(ids)]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("faults", '{"kind": "nope"}', "kind: "),
        ("faults", '{"kind": "delay", "seconds": 1e999}', "seconds: "),
        ("faults", '{"kind": "delay", "seconds": NaN}', "NaN"),
        ("faults", '{"kind": "error", "code": "a:b"}', "code: "),
        ("faults", "[]", "the body: "),
        ("faults", "{", "not JSON"),
        ("faults", '{"a":' * 5000, "not JSON"),
        ("clock", '{"advance": 1e999}', "advance: "),
        ("tokens", '{"project": ""}', "project: "),
        ("stock", '{"location": "mars", "available": true}', "no such"),
    ],
)
def test_handles_refuse_what_makes_no_sense(
    hetzner_api: HetznerApi, path: str, body: str, words: str
) -> None:
    answer = requests.post(f"{hetzner_api.admin}/{path}", data=body, timeout=SECONDS)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_a_handle_that_does_not_exist_meets_no_fault(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="drop_before")
    answer = admin(hetzner_api, "POST", "nothing", {})
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no /_admin/nothing"})


def test_faults_are_listed_and_taken_back(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="error", path="/servers", times=None)
    hetzner_api.fault(kind="error", path="/volumes")
    hetzner_api.ask("GET", "/servers")
    listed = admin(hetzner_api, "GET", "faults").json()["faults"]
    assert [(f["path"], f["hits"]) for f in listed] == [("/servers", 1), ("/volumes", 0)]
    admin(hetzner_api, "DELETE", f"faults/{listed[0]['id']}")
    assert hetzner_api.ask("GET", "/servers").status_code == 200
    admin(hetzner_api, "DELETE", "faults")
    assert hetzner_api.ask("GET", "/volumes").status_code == 200
    refused = admin(hetzner_api, "POST", "faults", {"kind": "explode"})
    assert (refused.status_code, "kind" in refused.json()["error"]) == (422, True)


def test_stock_and_limits_are_set_from_outside(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    body = {"server_type": "cx23", "location": "fsn1", "available": False}
    assert admin(hetzner_api, "POST", "stock", body).status_code == 200
    kind = client.server_types.get_by_name("cx23")
    assert {x.location.name: x.available for x in kind.locations}["fsn1"] is False
    with pytest.raises(APIException, match=r"error during placement \(resource_unavailable"):
        order_server(client)
    assert order_server(client, location=None).location.name == "nbg1"
    assert admin(hetzner_api, "POST", "stock", {**body, "available": True}).status_code == 200
    admin(hetzner_api, "POST", "stock", {"location": "hel1", "available": False})
    answer = hetzner_api.ask("POST", "/volumes", {"name": "v", "size": 10, "location": "hel1"})
    assert answer.json()["error"]["code"] == "no_space_left_in_location"
    limits = {"resources": {"server": 1, "primary_ip": None}}
    assert admin(hetzner_api, "POST", "limits", limits).status_code == 200
    with pytest.raises(APIException, match=r"server limit reached \(resource_limit_exceeded"):
        order_server(client, "second")


def test_requests_are_counted_and_everything_is_reset(hetzner_api: HetznerApi) -> None:
    client = hetzner_api.client()
    order_server(client)
    counted = admin(hetzner_api, "GET", "requests").json()
    assert {"method": "POST", "path": "/servers", "status": 201, "count": 1} in counted["requests"]
    hetzner_api.fault(kind="error", path="/servers")
    assert admin(hetzner_api, "POST", "reset").status_code == 204
    assert client.servers.get_all() == []
    assert client.primary_ips.get_all() == []
    assert hetzner_api.machines.machines == {}
    assert admin(hetzner_api, "GET", "faults").json() == {"faults": []}
    assert order_server(client).status == "running"
