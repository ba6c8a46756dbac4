"""One machine and everything that can befall it: the condition says what, why and what helps.

The tests tell the story of one Tenant in the order they are written. The operator runs from its
image throughout and is never restarted but where a test kills it; each test ends with the Tenant
ready again, because what was wrong was put right and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from demo import objects
from demo.chain import Chain, conditions
from demo.customer import Customer
from plugins.fix_chain import await_answer, await_reason, owned
from plugins.tenant_machine import TenantMachine

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TENANT = "brittle"
PASSWORD = "ein langer Satz als Passwort"
MOMENTS = ("CreatingServer", "CloudInitRunning", "RotatingHostKey", "Hardening", "DeployingRelease")
"""Reasons of the conditions at whose first sight the operator is killed; some pass unseen."""
_names = count(1)


@pytest.fixture(scope="module")
def started(chain: Chain) -> Iterator[set[str]]:
    """The Tenant is created while the operator is killed again and again; when it was killed."""
    chain.apply_tenant(TENANT)
    killed: set[str] = set()
    for seen in chain.follow("tenant", TENANT):
        reasons = {reason for _, reason, _ in conditions(seen).values()}
        for reason in sorted(reasons & set(MOMENTS) - killed):
            killed.add(reason)
            chain.kill_operator()
            chain.run_operator()
    yield killed
    chain.delete_tenant(TENANT)
    assert owned(chain, TENANT) == {"servers": 0, "volumes": 0, "primary_ips": 0, "rrsets": 0}


@pytest.fixture
def tenant(chain: Chain, started: set[str]) -> objects.Document:
    """The Tenant, ready before and after every test."""
    return chain.get("tenant", TENANT)


@pytest.fixture
def machine(chain: Chain, tenant: objects.Document) -> TenantMachine:
    """The Tenant's machine of the moment."""
    return TenantMachine.of(chain, tenant)


def change(chain: Chain, **spec: object) -> None:
    """Edit the Tenant, as `kubectl edit` does; another brand name where nothing else is said."""
    wanted = spec or {"branding": {"name": f"Marke {next(_names)}"}}
    chain.kubectl("patch", "tenant", TENANT, "--type=merge", "-p", json.dumps({"spec": wanted}))


def healed(chain: Chain) -> None:
    for _ in chain.follow("tenant", TENANT):
        pass


def server_request(chain: Chain, method: str, tenant: objects.Document, path: str = "") -> None:
    """What a person does to the machine in the provider's console."""
    url = f"{chain.endpoints['hetzner']}/servers/{tenant['status']['server']['id']}{path}"
    headers = {"Authorization": f"Bearer {chain.endpoints['tokens']['hetzner']}"}
    httpx.request(method, url, headers=headers).raise_for_status()


def test_killed_during_its_creation_it_ends_in_the_same_place(
    chain: Chain, started: set[str]
) -> None:
    assert "DeployingRelease" in started
    assert len(started) > 1
    assert owned(chain, TENANT) == {"servers": 1, "volumes": 1, "primary_ips": 1, "rrsets": 1}


def test_an_image_that_does_not_exist(chain: Chain, tenant: objects.Document) -> None:
    absent = f"{chain.endpoints['registry']}/blueagency/redis@sha256:{'0' * 64}"
    change(chain, images={"redis": absent})
    message = await_reason(chain, TENANT, "ImageNotFound")
    assert absent in message
    assert "What helps: correct the image" in message
    change(chain, images=None)
    healed(chain)
    events = chain.kubectl("get", "events", f"--field-selector=involvedObject.name={TENANT}")
    assert "ImageNotFound" in events


def test_a_host_key_that_is_not_pinned(chain: Chain, machine: TenantMachine) -> None:
    with machine.other_host_key():
        change(chain)
        message = await_reason(chain, TENANT, "HostKeyMismatch")
    assert message.count("SHA256:") == 2
    assert "nothing was sent" in message
    healed(chain)


def test_sshd_is_down(chain: Chain, machine: TenantMachine) -> None:
    with machine.no_sshd():
        change(chain)
        message = await_reason(chain, TENANT, "HostUnreachable")
    assert "access.sshNetworks" in message
    healed(chain)


def test_the_root_disk_is_full(chain: Chain, machine: TenantMachine) -> None:
    with machine.disk_full("/var"):
        change(chain)
        message = await_reason(chain, TENANT, "DiskFull")
    assert re.search(r"root disk has \d+ MiB free and needs", message)
    assert "docker system prune" in message
    healed(chain)


def test_the_data_disk_is_full_and_grows_as_the_message_says(
    chain: Chain, machine: TenantMachine, tenant: objects.Document
) -> None:
    size = tenant["spec"]["volume"]["sizeGiB"]
    with machine.disk_full("/srv/tenant"):
        change(chain)
        message = await_reason(chain, TENANT, "DiskFull")
        assert "/srv/tenant" in message
        assert "raise spec.volume.sizeGiB" in message
        change(chain, volume={"sizeGiB": size + 1})
        healed(chain)
    assert chain.get("tenant", TENANT)["status"]["volume"]["sizeGiB"] == size + 1


def test_rebooted_through_the_api_it_comes_back_by_itself(
    chain: Chain, machine: TenantMachine, tenant: objects.Document
) -> None:
    with machine.restart_awaited():
        server_request(chain, "POST", tenant, "/actions/reboot")
    await_answer(chain, tenant)
    rules = machine.run("nft", "list", "table", "inet", "tenant")
    assert "policy drop" in rules
    for unit in ("tenant-firewall", "fail2ban", "docker", "apt-daily-upgrade.timer"):
        assert machine.run("systemctl", "is-active", unit) == "active"
    assert machine.run("findmnt", "-no", "FSTYPE", "/srv/tenant") == "xfs"
    change(chain)
    healed(chain)


def test_cloud_init_fails_and_a_deleted_server_is_made_anew_with_its_data(
    chain: Chain, machine: TenantMachine, tenant: objects.Document
) -> None:
    once = chain.secret(f"{TENANT}-secrets", "bootstrap_password")
    email = tenant["spec"]["agent"]["adminEmail"]
    with Customer(chain.door(tenant)) as customer:
        customer.sign_in(email, once)
        customer.change_password(once, PASSWORD)
    machine.break_next_boot()
    with machine.restart_awaited():
        server_request(chain, "POST", tenant, "/actions/reboot")
    change(chain)
    message = await_reason(chain, TENANT, "CloudInitFailed")
    assert "scripts_per_boot" in message or "scripts-per-boot" in message
    assert "a deleted server is made anew" in message
    server_request(chain, "DELETE", tenant)
    change(chain)
    healed(chain)
    anew = chain.get("tenant", TENANT)
    assert anew["status"]["server"]["id"] != tenant["status"]["server"]["id"]
    assert anew["status"]["server"]["ipv4"] == tenant["status"]["server"]["ipv4"]
    with Customer(chain.door(anew)) as customer:
        assert customer.sign_in(email, PASSWORD)["email"] == email
