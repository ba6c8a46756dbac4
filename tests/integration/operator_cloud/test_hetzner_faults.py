"""What the Hetzner adapter makes of every way in which the provider fails."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from plugins.fix_hetzner_adapter import READ_ONLY, TOKEN, Project
from tenant_operator.cloud.hetzner import HetznerCloud, hetzner_api
from tenant_operator.core.faults import (
    Ambiguous,
    Busy,
    CredentialsRefused,
    LimitReached,
    OutOfStock,
    Protected,
    ProviderError,
    RateLimited,
    Refused,
    Taken,
)
from tenant_operator.core.world import ServerSpec, VolumeSpec

SPEC = ServerSpec(
    name="t-1", type="cx23", location="fsn1", image="debian-13", labels={"uid": "1"}, user_data="x"
)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unauthorized", CredentialsRefused),
        ("forbidden", CredentialsRefused),
        ("resource_limit_exceeded", LimitReached),
        ("uniqueness_error", Taken),
        ("conflict", Busy),
        ("locked", Busy),
        ("maintenance", Busy),
        ("protected", Protected),
        ("rate_limit_exceeded", RateLimited),
        ("resource_unavailable", OutOfStock),
        ("placement_error", OutOfStock),
        ("invalid_input", Refused),
        ("server_error", Busy),
        ("unavailable", Busy),
        ("timeout", Ambiguous),
    ],
)
async def test_a_refused_create_is_sent_once_and_sorted(
    hetzner_project: Project, code: str, kind: type[ProviderError]
) -> None:
    hetzner_project.fault(kind="error", method="POST", path="/servers", code=code)
    with pytest.raises(kind) as caught:
        await hetzner_project.cloud.create_server(SPEC)
    assert caught.value.code == code
    assert caught.value.correlation_id
    assert await hetzner_project.cloud.find_server("t-1") is None


async def test_a_wrong_token_is_refused_and_named_nowhere(hetzner_project: Project) -> None:
    wrong = "wrong" * 12 + "toke"
    api = hetzner_api(wrong, endpoint=hetzner_project.service.url)
    with pytest.raises(CredentialsRefused) as caught:
        await HetznerCloud(api).find_server("t-1")
    assert wrong[:6] not in str(caught.value)
    await api.close()


async def test_a_read_only_token_may_look_but_not_make(hetzner_project: Project) -> None:
    api = hetzner_api(READ_ONLY, endpoint=hetzner_project.service.url)
    cloud = HetznerCloud(api)
    assert await cloud.find_server("t-1") is None
    with pytest.raises(CredentialsRefused):
        await cloud.create_server(SPEC)
    await api.close()


async def test_the_token_in_an_error_text_is_cut_out(hetzner_project: Project) -> None:
    text = f"limit of 3600 requests per hour reached for token {TOKEN[:10]}..."
    hetzner_project.fault(kind="error", code="rate_limit_exceeded", message=text)
    with pytest.raises(RateLimited) as caught:
        await hetzner_project.cloud.find_server("t-1")
    assert "[token]" in str(caught.value)
    assert TOKEN[:6] not in str(caught.value)
    assert caught.value.until is not None


async def test_a_create_that_happened_unseen_is_ambiguous_then_taken(
    hetzner_project: Project,
) -> None:
    cloud = hetzner_project.cloud
    hetzner_project.fault(kind="commit_then_drop", method="POST", path="/servers")
    with pytest.raises(Ambiguous):
        await cloud.create_server(SPEC)
    found = await cloud.find_server("t-1")
    assert found is not None
    assert dict(found.labels) == {"uid": "1"}
    with pytest.raises(Taken):
        await cloud.create_server(SPEC)


async def test_a_create_that_never_arrived_is_ambiguous_and_left_nothing(
    hetzner_project: Project,
) -> None:
    hetzner_project.fault(kind="drop_before", method="POST", path="/servers")
    with pytest.raises(Ambiguous):
        await hetzner_project.cloud.create_server(SPEC)
    assert await hetzner_project.cloud.find_server("t-1") is None


@pytest.mark.parametrize("kind", ["drop_before", "commit_then_drop"])
async def test_a_read_is_repeated_once(hetzner_project: Project, kind: str) -> None:
    await hetzner_project.cloud.create_server(SPEC)
    hetzner_project.fault(kind=kind, method="GET")
    assert await hetzner_project.cloud.find_server("t-1") is not None


async def test_a_read_that_fails_twice_is_no_absence(hetzner_project: Project) -> None:
    hetzner_project.fault(kind="drop_before", method="GET", times=2)
    with pytest.raises(Ambiguous):
        await hetzner_project.cloud.find_server("t-1")
    hetzner_project.fault(kind="error", method="GET", code="server_error", times=2)
    with pytest.raises(Busy):
        await hetzner_project.cloud.get_server(1)


async def test_a_delete_that_happened_unseen_succeeds_the_second_time(
    hetzner_project: Project,
) -> None:
    cloud = hetzner_project.cloud
    address = await cloud.create_primary_ip("ip", location="fsn1", labels={})
    hetzner_project.fault(kind="commit_then_drop", method="DELETE")
    with pytest.raises(Ambiguous):
        await cloud.delete_primary_ip(address.id)
    await cloud.delete_primary_ip(address.id)


async def test_a_list_that_holds_less_than_it_counts_is_an_error(socket_enabled: None) -> None:
    async def one_of_two(_: web.Request) -> web.Response:
        pages = {"next_page": None, "total_entries": 2}
        return web.json_response({"volumes": [{"id": 1}], "meta": {"pagination": pages}})

    app = web.Application()
    app.router.add_get("/v1/volumes", one_of_two)
    async with TestServer(app) as server:
        api = hetzner_api(TOKEN, endpoint=str(server.make_url("/v1")))
        with pytest.raises(Busy, match="1 of 2"):
            await HetznerCloud(api).list_volumes("")
        await api.close()


async def test_a_failed_action_says_why(hetzner_project: Project) -> None:
    cloud = hetzner_project.cloud
    hetzner_project.fault(
        kind="action_fails", method="POST", path="/volumes", code="no_space", message="no room"
    )
    made = await cloud.create_volume(VolumeSpec(name="v", size_gib=10, location="fsn1", labels={}))
    while True:
        (action,) = await cloud.actions([made.actions[0].id])
        if action.status != "running":
            break
        await asyncio.sleep(0.01)
    assert action.failed
    assert (action.error_code, action.error_message) == ("no_space", "no room")


async def test_a_stuck_action_stays_running(hetzner_project: Project) -> None:
    hetzner_project.fault(kind="action_sticks", method="POST", path="/servers")
    made = await hetzner_project.cloud.create_server(SPEC)
    found = await hetzner_project.cloud.actions([action.id for action in made.actions])
    assert "running" in {action.status for action in found}


async def test_nobody_listening_is_ambiguous() -> None:
    api = hetzner_api(TOKEN, endpoint="http://127.0.0.1:9/v1")
    with pytest.raises(Ambiguous) as caught:
        await HetznerCloud(api).find_server("t-1")
    assert "127.0.0.1" not in str(caught.value)
    await api.close()


async def test_one_request_looks_at_many_actions(hetzner_project: Project) -> None:
    cloud = hetzner_project.cloud
    made = [
        await cloud.create_volume(VolumeSpec(name=f"v{n}", size_gib=10, location="fsn1", labels={}))
        for n in range(5)
    ]
    counted: list[str] = []
    hetzner_project.service.hetzner.door.observers.append(
        lambda exchange: counted.append(exchange.method)
    )
    await cloud.actions([item.actions[0].id for item in made])
    assert counted == ["GET"]
