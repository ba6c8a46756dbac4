"""kubectl apply → Ready → kubectl delete with the real operator, API server and wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from plugins.fix_memory_chain import MemoryChain

pytestmark = pytest.mark.apiserver

ONE_TENANT = {"servers": 1, "volumes": 1, "primary_ips": 1, "records": 1}
NOTHING = {"servers": 0, "volumes": 0, "primary_ips": 0, "records": 0}


def test_a_tenant_gets_ready_and_leaves_nothing(memory_chain: MemoryChain) -> None:
    chain = memory_chain
    chain.operator.start()
    chain.kubectl.apply(chain.tenant())
    chain.wait(chain.is_ready, "Ready")
    assert chain.counts() == ONE_TENANT
    (machine,) = chain.machines()
    assert machine["services"]["traefik"] == "healthy"
    assert chain.operator.process is not None
    chain.kubectl.run("delete", "tenant", "acme", "--timeout=60s")
    assert chain.counts() == NOTHING
    assert chain.machines() == []


def test_killed_at_every_effect_it_ends_in_the_same_place(memory_chain: MemoryChain) -> None:
    chain = memory_chain
    chain.operator.start()
    chain.kubectl.apply(chain.tenant())
    made = killed_at_each_effect(chain, chain.is_ready)
    assert {"CreateServer", "CreateVolume", "CreateAddress", "PublishRecord", "StartJobs"} <= made
    assert chain.counts() == ONE_TENANT
    chain.kubectl.run("delete", "tenant", "acme", "--wait=false")
    removed = killed_at_each_effect(chain, chain.is_gone)
    assert "DeleteServer" in removed
    assert chain.counts() == NOTHING
    assert chain.machines() == []


def test_killed_at_every_effect_the_machine_changes_its_type(memory_chain: MemoryChain) -> None:
    chain = memory_chain
    chain.operator.start()
    chain.kubectl.apply(chain.tenant())
    chain.wait(chain.is_ready, "Ready")
    before = chain.server()
    chain.operator.seen = len(chain.operator.effects())
    patch = {"spec": {"server": {"types": ["cx99", "cax11", "cx33"]}}}
    chain.kubectl.run("patch", "tenant", "acme", "--type=merge", "-p", json.dumps(patch))
    made = killed_at_each_effect(chain, chain.is_ready)
    assert {"ShutDown", "ChangeType"} <= made
    after = chain.server()
    assert (after["type"], before["type"]) == ("cx33", "cx23")
    assert {**after, "type": ""} == {**before, "type": ""}
    assert chain.counts() == ONE_TENANT
    (machine,) = chain.machines()
    assert machine["power"] == "running"


def test_killed_at_every_effect_a_kept_volume_comes_back(memory_chain: MemoryChain) -> None:
    chain = memory_chain
    chain.operator.start()
    first = chain.tenant()
    first["spec"]["deletion"]["retain"] = "30d"
    chain.kubectl.apply(first)
    chain.wait(chain.is_ready, "Ready")
    known = chain.kubectl.get("tenant", "acme")
    password = chain.kubectl.get("secret", "acme-secrets")["data"]["database_password"]
    chain.kubectl.run("delete", "tenant", "acme", "--timeout=60s")
    assert chain.counts() == {**NOTHING, "volumes": 1}
    uid = known["metadata"]["uid"]
    listed = chain.kubectl.get("secrets", "-l", "blueagency.io/tenant=acme")["items"]
    assert [secret["metadata"]["name"] for secret in listed] == [f"tombstone-{uid}"]
    chain.operator.seen = len(chain.operator.effects())
    second = chain.tenant()
    second["spec"]["volume"] = {"adoptFrom": uid}
    chain.kubectl.apply(second)
    made = killed_at_each_effect(chain, chain.is_ready)
    assert {"InheritKeys", "AdoptVolume", "SettleAdoption"} <= made
    assert "CreateVolume" not in made
    assert chain.counts() == ONE_TENANT
    new = chain.kubectl.get("tenant", "acme")
    assert new["status"]["volume"] == known["status"]["volume"]
    assert new["metadata"]["uid"] != uid
    taken = chain.kubectl.get("secret", "acme-secrets")["data"]["database_password"]
    assert taken == password
    assert chain.kubectl.get("secrets", "-l", "blueagency.io/tenant=acme")["items"] == []


def test_a_model_key_is_demanded_and_a_changed_one_is_released(memory_chain: MemoryChain) -> None:
    chain = memory_chain
    chain.kubectl.run("delete", "secret", "model")
    chain.operator.start(OPERATOR_SECRET_SECONDS="1")
    chain.kubectl.apply(chain.tenant())
    chain.wait(lambda: "SecretNotFound" in reasons(chain, "acme"), "SecretNotFound")
    assert chain.counts() == NOTHING
    chain.kubectl.apply(*chain.secrets())
    chain.wait(chain.is_ready, "Ready")
    release = released(chain)
    chain.kubectl.run("patch", "secret", "model", "-p", '{"stringData":{"api-key":"rotated-key"}}')
    chain.wait(lambda: released(chain) != release, "another release")
    chain.wait(chain.is_ready, "Ready")


def released(chain: MemoryChain) -> str:
    """The release that the machine runs."""
    tenant = chain.seen()
    assert tenant is not None
    return str(tenant["status"]["release"])


def killed_at_each_effect(chain: MemoryChain, until: Callable[[], bool]) -> set[str]:
    """Kill the operator once at each effect, by turns at its beginning and a moment into it.

    Only once: the copying of files takes longer than the wait, and would never get to its end.
    """
    met: set[tuple[str, str]] = set()
    while (effect := chain.operator.next_effect(until, chain.all_conditions)) is not None:
        name = (effect["effect"], effect["why"])
        if name in met:
            continue
        met.add(name)
        time.sleep(0.3 * (len(met) % 2))
        chain.operator.kill()
        assert all(count <= 1 for count in chain.counts().values()), met
        chain.operator.start()
    return {effect for effect, _ in met}


@pytest.fixture
def faulty(working_chain: MemoryChain) -> Iterator[MemoryChain]:
    """A chain in which every machine made by the test may have a fault; none has afterwards."""
    yield working_chain
    working_chain.fault("*")
    working_chain.kubectl.run("delete", "tenants", "--all", "--wait=false")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"ssh": "refused"}, "HostUnreachable"),
        ({"job": "apt-locked"}, "AptLocked"),
        ({"job": "pull-failed"}, "ImagePullFailed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_passing_fault_is_told_and_heals_by_itself(
    faulty: MemoryChain, fault: dict[str, str], reason: str
) -> None:
    name = reason.lower()
    faulty.fault("*", **fault)
    faulty.kubectl.apply(faulty.tenant(name))
    faulty.wait(lambda: reason in reasons(faulty, name), reason)
    faulty.fault("*")
    faulty.wait(lambda: faulty.is_ready(name), "Ready")
    assert reason not in reasons(faulty, name)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"ssh": "wrong-host-key"}, "HostKeyMismatch"),
        ({"cloud_init": "module failed"}, "CloudInitFailed"),
        ({"job": "image-missing"}, "ImageNotFound"),
        ({"job": "disk-full", "job_name": "deploy"}, "DiskFull"),
        ({"unhealthy": "agent"}, "Unhealthy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_that_needs_a_person_is_told(
    faulty: MemoryChain, fault: dict[str, str], reason: str
) -> None:
    name = reason.lower()
    faulty.fault("*", **fault)
    faulty.kubectl.apply(faulty.tenant(name))
    faulty.wait(lambda: reason in reasons(faulty, name), reason)
    assert not faulty.is_ready(name)


def reasons(chain: MemoryChain, name: str) -> set[str]:
    """The reasons of all conditions."""
    return {reason for _, reason, _ in chain.conditions(name).values()}
