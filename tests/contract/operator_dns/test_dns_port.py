"""What the DNS port promises, held against Hetzner DNS and Cloudflare at their stand-ins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import requests
from plugins.fix_hetzner_adapter import ZONE, Project
from plugins.fix_localcloud import LocalCloud
from tenant_operator.core.faults import Ambiguous, CredentialsRefused, Refused, Taken
from tenant_operator.core.world import ActionRef, DnsRecord
from tenant_operator.dns.cloudflare import CloudflareDns
from tenant_operator.dns.hetzner_dns import HetznerDns
from tenant_operator.dns.port import Dns, ZoneNotFound

RECORD = DnsRecord(
    hostname=f"agent.acme.{ZONE}", type="A", values=("198.18.0.7",), owner="inst-1/uid-1", ttl=300
)


@pytest.fixture
def cloudflare(localcloud: LocalCloud) -> LocalCloud:
    """A Cloudflare stand-in with one zone."""
    made = requests.post(
        f"{localcloud.cloudflare}/zones",
        json={"name": ZONE},
        headers={"Authorization": f"Bearer {localcloud.cloudflare_token}"},
        timeout=10,
    )
    assert made.json()["success"], made.text
    return localcloud


@pytest.fixture
def hetzner_dns(hetzner_project: Project) -> Dns:
    """Hetzner DNS on an empty zone."""
    return HetznerDns(hetzner_project.api, zone=ZONE)


@pytest.fixture
async def cloudflare_dns(cloudflare: LocalCloud) -> AsyncIterator[Dns]:
    """Cloudflare on an empty zone."""
    client = CloudflareDns(cloudflare.cloudflare_token, zone=ZONE, endpoint=cloudflare.cloudflare)
    yield client
    await client.close()


@pytest.fixture(params=["hetzner_dns", "cloudflare_dns"])
def dns(request: pytest.FixtureRequest) -> Dns:
    """Each implementation on an empty zone."""
    found: Dns = request.getfixturevalue(request.param)
    return found


async def test_a_record_is_published_found_listed_and_withdrawn(dns: Dns) -> None:
    assert await dns.find(RECORD.hostname, "A") is None
    await dns.publish(RECORD)
    assert await dns.find(RECORD.hostname, "A") == RECORD
    assert await dns.list_records("inst-1") == (RECORD,)
    assert await dns.list_records("inst-2") == ()
    await dns.withdraw(RECORD)
    assert await dns.find(RECORD.hostname, "A") is None
    assert await dns.withdraw(RECORD) is None


async def test_publishing_again_changes_only_what_differs(dns: Dns) -> None:
    await dns.publish(RECORD)
    assert await dns.publish(RECORD) is None
    moved = replace(RECORD, values=("198.18.0.8", "198.18.0.9"), ttl=600)
    await dns.publish(moved)
    found = await dns.find(RECORD.hostname, "A")
    assert found is not None
    assert (sorted(found.values), found.ttl) == (sorted(moved.values), 600)


async def test_another_tenants_record_is_never_touched(dns: Dns) -> None:
    await dns.publish(RECORD)
    other = replace(RECORD, owner="inst-1/uid-2", values=("198.18.0.66",))
    with pytest.raises(Taken, match="not this tenant's"):
        await dns.publish(other)
    assert await dns.withdraw(other) is None
    assert await dns.find(RECORD.hostname, "A") == RECORD


async def test_a_name_outside_the_zone_is_refused(dns: Dns) -> None:
    with pytest.raises(Refused, match="not in the zone"):
        await dns.publish(replace(RECORD, hostname="agent.elsewhere.example"))


async def test_both_address_families_live_side_by_side(dns: Dns) -> None:
    six = replace(RECORD, type="AAAA", values=("2001:db8::7",))
    await dns.publish(RECORD)
    await dns.publish(six)
    await dns.withdraw(RECORD)
    assert await dns.list_records("inst-1") == (six,)


async def test_a_hetzner_zone_that_does_not_exist_is_named(hetzner_project: Project) -> None:
    dns = HetznerDns(hetzner_project.api, zone="missing.example")
    with pytest.raises(ZoneNotFound, match=r"missing\.example"):
        await dns.publish(replace(RECORD, hostname="a.missing.example"))
    with pytest.raises(ZoneNotFound):
        await dns.list_records("inst-1")


async def test_an_unmarked_hetzner_record_is_never_touched(hetzner_project: Project) -> None:
    body = {"name": "agent.acme", "type": "A", "records": [{"value": "198.18.0.1"}]}
    await hetzner_project.api.post(f"/zones/{ZONE}/rrsets", body)
    dns = HetznerDns(hetzner_project.api, zone=ZONE)
    with pytest.raises(Taken, match="owner mark: none"):
        await dns.publish(RECORD)
    assert await dns.withdraw(RECORD) is None
    found = await dns.find(RECORD.hostname, "A")
    assert found is not None
    assert found.owner is None


async def test_hetzner_returns_the_action_to_wait_for(hetzner_project: Project) -> None:
    made = await HetznerDns(hetzner_project.api, zone=ZONE).publish(RECORD)
    assert isinstance(made, ActionRef)
    (found,) = await hetzner_project.cloud.actions([made.id])
    while found.status == "running":
        await asyncio.sleep(0.01)
        (found,) = await hetzner_project.cloud.actions([made.id])
    assert found.status == "success"


async def test_cloudflare_marks_a_proxied_name(cloudflare: LocalCloud) -> None:
    dns = CloudflareDns(cloudflare.cloudflare_token, zone=ZONE, endpoint=cloudflare.cloudflare)
    await dns.publish(replace(RECORD, proxied=True))
    found = await dns.find(RECORD.hostname, "A")
    assert found is not None
    assert (found.proxied, found.ttl) == (True, None)
    await dns.publish(replace(RECORD, proxied=True))
    assert len(await dns.list_records("inst-1")) == 1
    await dns.close()


async def test_a_cloudflare_zone_that_does_not_exist_is_named(cloudflare: LocalCloud) -> None:
    dns = CloudflareDns(
        cloudflare.cloudflare_token, zone="missing.example", endpoint=cloudflare.cloudflare
    )
    with pytest.raises(ZoneNotFound, match=r"missing\.example"):
        await dns.list_records("inst-1")
    await dns.close()


async def test_a_wrong_cloudflare_token_is_refused_and_named_nowhere(
    cloudflare: LocalCloud,
) -> None:
    dns = CloudflareDns("w" * 40, zone=ZONE, endpoint=cloudflare.cloudflare)
    with pytest.raises(CredentialsRefused) as caught:
        await dns.find(RECORD.hostname, "A")
    assert "w" * 40 not in str(caught.value)
    await dns.close()


async def test_nobody_listening_at_cloudflare_is_ambiguous() -> None:
    dns = CloudflareDns("t" * 40, zone=ZONE, endpoint="http://127.0.0.1:9/client/v4")
    with pytest.raises(Ambiguous):
        await dns.find(RECORD.hostname, "A")
    await dns.close()
