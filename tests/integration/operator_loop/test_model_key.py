"""Each tenant's own key of the model provider: demanded, rotated, never a neighbour's."""

from __future__ import annotations

import pytest
from plugins.fix_operator import TENANT, Rig

SECRET = "/api/v1/namespaces/agency/secrets/model"
KEY = b"model-key-0123456789"


def held(rig: Rig, hostname: str = "agent.agency.example") -> set[bytes]:
    """The model keys that lie on the machine behind a host name, in any release."""
    address = rig.dns.records[hostname, "A"].values[0]
    server = next(s for s in rig.cloud.servers.values() if s.ipv4 == address)
    files = rig.hosts.machine(server).files
    return {content.strip() for path, content in files.items() if path.endswith("model_api_key")}


def deploys(rig: Rig) -> int:
    """How often a release was put on the one machine."""
    (machine,) = rig.hosts.machines.values()
    return sum(start.startswith("deploy ") for start in machine.starts)


async def test_without_its_secret_nothing_is_made(rig: Rig) -> None:
    rig.start()
    del rig.cluster.objects[SECRET]
    assert "kubectl create secret generic model" in await rig.expect_reason("SecretNotFound")
    assert rig.conditions()["Accepted"][1] == "SecretNotFound"
    assert not rig.cloud.ips
    assert not rig.cloud.volumes
    rig.secret("model", key=KEY.decode())
    await rig.expect(rig.is_ready, 40)
    assert held(rig) == {KEY}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"wrong": "x"}, "no key key"),
        ({"key": "\n"}, "no key key"),
        ({"key": "two words"}, "holds no token"),
        ({"key": "schlüssel"}, "holds no token"),
    ],
)
async def test_a_secret_with_something_else_in_it(
    rig: Rig, entries: dict[str, str], words: str
) -> None:
    rig.start()
    rig.secret("model", **entries)
    assert words in await rig.expect_reason("SecretNotFound")
    rig.secret("model", key=KEY.decode())
    await rig.expect(rig.is_ready, 40)


async def test_a_changed_key_is_released_by_itself(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    servers = dict(rig.cloud.servers)
    rig.secret("model", key="model-key-new-one")
    await rig.expect(lambda: b"model-key-new-one" in held(rig), 20)
    await rig.expect_ready()
    assert deploys(rig) == 2
    assert rig.cloud.servers == servers


async def test_another_secret_is_used_at_once(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    named = {"agent": {"model": {"apiKeySecretRef": {"name": "acme-second-model"}}}}
    rig.cluster.edit(TENANT, named)
    assert "The Secret acme-second-model does not exist" in await rig.expect_reason(
        "SecretNotFound"
    )
    rig.secret("acme-second-model", key="model-key-second")
    await rig.expect(rig.is_ready, 40)
    assert b"model-key-second" in held(rig)


async def test_a_key_that_vanishes_is_told_and_stops_nothing(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    before = list(rig.world.log)
    del rig.cluster.objects[SECRET]
    await rig.expect_reason("SecretNotFound")
    (machine,) = rig.hosts.machines.values()
    assert set(machine.services.values()) == {"healthy"}
    rig.secret("model", key=KEY.decode())
    await rig.expect(rig.is_ready, 40)
    assert deploys(rig) == 1
    assert "delete_server" not in rig.world.log[len(before) :]


async def test_a_tenant_whose_key_is_gone_can_be_deleted(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    del rig.cluster.objects[SECRET]
    await rig.expect_reason("SecretNotFound")
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects)
    assert not rig.cloud.servers


async def test_neighbours_never_hold_each_others_key(rig: Rig) -> None:
    rig.start()
    second = rig.another("zeta")
    await rig.expect(lambda: rig.is_ready() and rig.is_ready(second))
    assert held(rig) == {KEY}
    assert held(rig, "zeta.agency.example") == {b"model-key-of-zeta"}


async def test_no_condition_and_no_event_shows_a_key(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.secret("model", key="model-key-new-one")
    await rig.expect(lambda: b"model-key-new-one" in held(rig), 20)
    await rig.expect_ready()
    told = f"{rig.cluster.objects[TENANT]} {rig.cluster.events}"
    assert "model-key" not in told


@pytest.mark.parametrize(("tenants", "seconds"), [(1, 15.0), (300, 15.0), (2000, 100.0)])
async def test_many_secrets_are_read_less_often(rig: Rig, tenants: int, seconds: float) -> None:
    for number in range(tenants):
        rig.app.memory(str(number))
    assert rig.app.secret_pause() == seconds
