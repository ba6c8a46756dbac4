"""The name in all labels: asked for until it is known, and never another one for a Fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from plugins.fix_operator import FLEET, NS, SLOW, TENANT, Rig
from tenant_operator.cluster.client import Kubernetes
from tenant_operator.cluster.login import Access
from tenant_operator.installation import installation_of

SECRET = f"/api/v1/namespaces/{NS}/secrets/acme-secrets"


# -- finding it ----------------------------------------------------------------------------------
@pytest.fixture
def answers() -> list[int]:
    """What the API server answers, one after the other; then it answers as it should."""
    return []


@pytest.fixture
async def kubernetes(answers: list[int]) -> AsyncIterator[Kubernetes]:
    """A client of an API server that answers so."""

    async def namespace(_: web.Request) -> web.Response:
        status = answers.pop(0) if answers else 200
        uid = "12345678-aaaa"
        return web.json_response({"metadata": {"uid": uid}, "message": "no"}, status=status)

    app = web.Application()
    app.router.add_get("/api/v1/namespaces/kube-system", namespace)
    async with TestServer(app) as server:
        client = Kubernetes(Access(server=str(server.make_url("")).rstrip("/")))
        yield client
        await client.close()


async def test_the_name_is_asked_for_until_it_is_answered(
    kubernetes: Kubernetes, answers: list[int]
) -> None:
    answers += [500, 503, 429, 401, 404, 502, 500, 500]
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    assert await installation_of(kubernetes, rest=rest) == "c-12345678"
    assert rests == [1, 2, 4, 8, 16, 30, 30, 30]


async def test_without_the_right_to_ask_the_address_names_it(
    kubernetes: Kubernetes, answers: list[int]
) -> None:
    answers += [403]
    name = await installation_of(kubernetes)
    assert name.startswith("c-")
    assert name != "c-12345678"


# -- a Fleet of another name ---------------------------------------------------------------------
async def restarted_as(rig: Rig, installation: str) -> None:
    """The next process takes itself for that installation."""
    await rig.kill()
    rig.app.installation = installation


async def test_under_another_name_nothing_is_touched(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    assert rig.cluster.objects[FLEET]["status"]["installation"] == "test"
    await restarted_as(rig, "c-other")
    rig.cluster.remove(TENANT)
    message = await rig.expect_reason("OtherInstallation")
    assert "OPERATOR_INSTALLATION=test" in message
    await rig.expect_reason("OtherInstallation", FLEET)
    rig.cluster.remove(FLEET)
    before = len(rig.world.log)
    for _ in range(5):
        await rig.round()
    effects = [e for e in rig.world.log[before:] if not e.startswith("kubernetes PATCH main")]
    assert effects == []
    assert {TENANT, FLEET, SECRET} <= rig.cluster.objects.keys()
    assert len(rig.cloud.servers) == 1
    await restarted_as(rig, "test")
    await rig.expect(lambda: FLEET not in rig.cluster.objects, SLOW)
    assert not {TENANT, SECRET} & rig.cluster.objects.keys()
    assert {*rig.cloud.servers, *rig.cloud.ips, *rig.cloud.volumes} == set()


async def test_under_another_name_who_is_ready_stays_so(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    await restarted_as(rig, "c-other")
    before = rig.cluster.objects[FLEET]["status"]
    await rig.expect_reason("OtherInstallation", FLEET)
    assert rig.is_ready()
    after = rig.cluster.objects[FLEET]["status"]
    assert {**after, "conditions": 0} == {**before, "conditions": 0}


async def test_the_command_that_is_told_begins_anew(rig: Rig) -> None:
    rig.start()
    await rig.expect(lambda: rig.is_ready(FLEET))
    await restarted_as(rig, "c-other")
    message = await rig.expect_reason("OtherInstallation", FLEET)
    assert message.endswith(
        "kubectl patch fleet main -n agency --subresource status --type merge "
        """-p '{"status":{"installation":null}}'"""
    )
    document = rig.cluster.objects[FLEET]
    del document["status"]["installation"]
    rig.cluster.put(FLEET, document)
    await rig.expect(
        lambda: rig.cluster.objects[FLEET]["status"].get("installation") == "c-other", SLOW
    )
