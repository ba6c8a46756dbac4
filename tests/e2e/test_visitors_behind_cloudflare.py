"""A Tenant behind Cloudflare's edge, whose machine was made from the stock image.

It was applied before all others and has grown up beside them (`plugins.fix_chain`), with two
faults on its way. This file is the last in the alphabet, so that nothing has to wait for it.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from contextlib import closing
from ipaddress import collapse_addresses, ip_address, ip_network, summarize_address_range
from typing import Any

import httpx
import pytest
from demo import objects
from demo.chain import Chain, conditions
from demo.customer import Customer, RefusedError
from plugins.fix_chain import EDGE, PROXIED_ZONE, STOCK, Bootstrap, Session, owned
from plugins.tenant_machine import TenantMachine
from tenant_operator.core.cloudflare_networks import CLOUDFLARE_NETWORKS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

VISITOR = "127.77.7.7"
HANDBOOK = objects.SAMPLES / "documents" / "handbuch.pdf"
QUESTION = "Bis wann muss ich Belege nach einer Dienstreise einreichen?"


@pytest.fixture(scope="module")
def grown(session: Session) -> Bootstrap:
    """What was seen while the Tenant got ready."""
    return session.bootstrap.result(timeout=600)


@pytest.fixture(scope="module")
def tenant(chain: Chain, grown: Bootstrap) -> objects.Document:
    """The Tenant, ready."""
    return chain.get("tenant", STOCK)


@pytest.fixture(scope="module")
def machine(chain: Chain, tenant: objects.Document) -> TenantMachine:
    """The Tenant's machine."""
    return TenantMachine.of(chain, tenant)


def test_a_machine_from_the_stock_image_got_ready(chain: Chain, tenant: objects.Document) -> None:
    assert conditions(tenant)["Ready"][0] == "True"
    servers = {item["id"]: item for item in chain.cloud_list("servers")}
    image = servers[tenant["status"]["server"]["id"]]["image"]
    assert (image["type"], image["name"]) == ("system", "debian-13")


def test_while_apt_was_locked_its_holder_was_named(grown: Bootstrap) -> None:
    assert "waiting for apt" in grown.apt_locked
    assert re.search(r"held by process \d+", grown.apt_locked)
    assert "lsof" in grown.apt_locked


def test_while_the_registry_was_down_the_refusal_was_shown(grown: Bootstrap) -> None:
    assert "connection refused" in grown.pull_failed
    assert "docker pull" in grown.pull_failed


def test_security_updates_install_themselves(machine: TenantMachine) -> None:
    settings = machine.run("apt-config", "dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert machine.run("systemctl", "is-active", "apt-daily-upgrade.timer") == "active"
    found = machine.tried("unattended-upgrade", "--dry-run", "--debug")
    assert "Allowed origins are: " in found.stdout + found.stderr
    assert "Debian-Security" in found.stdout + found.stderr


# --- certificate ---------------------------------------------------------------------------------
def test_the_edge_shows_its_own_certificate_and_the_machine_a_trusted_one(
    chain: Chain, tenant: objects.Document
) -> None:
    """With the zone's setting "strict" the edge refuses an origin it cannot verify (526)."""
    set_ssl(chain, "strict")
    with Customer(chain.door(tenant)) as customer:
        assert customer.problem() is None
    set_ssl(chain, "full")


def set_ssl(chain: Chain, mode: str) -> None:
    base, token = chain.endpoints["cloudflare"], chain.endpoints["tokens"]["cloudflare"]
    headers = {"Authorization": f"Bearer {token}"}
    zones = httpx.get(f"{base}/zones", params={"name": PROXIED_ZONE}, headers=headers).json()
    url = f"{base}/zones/{zones['result'][0]['id']}/settings/ssl"
    httpx.patch(url, json={"value": mode}, headers=headers).raise_for_status()


# --- the visitor's address -----------------------------------------------------------------------
def test_the_agent_sees_the_visitor_and_neither_edge_nor_claim(
    chain: Chain, tenant: objects.Document, machine: TenantMachine
) -> None:
    with visitor(chain, tenant, source=VISITOR) as customer:
        customer.client.headers["X-Forwarded-For"] = "203.0.113.99"
        with pytest.raises(RefusedError):
            customer.sign_in("nobody@acme.example", "not the password")
    refusals = [
        json.loads(line)["client"]
        for line in machine.shell("docker logs $(docker ps -qf name=agent-) 2>&1").splitlines()
        if "sign-in refused" in line
    ]
    assert refusals == [VISITOR]


def visitor(chain: Chain, tenant: objects.Document, *, source: str) -> Customer:
    """Somebody who comes from that address."""
    customer = Customer(chain.door(tenant))
    customer.client.close()
    trust = ssl.create_default_context(cafile=str(chain.ca_bundle))
    transport = httpx.HTTPTransport(verify=trust, local_address=source)
    customer.client = httpx.Client(
        base_url=customer.client.base_url, headers=customer.client.headers, transport=transport
    )
    return customer


# --- streams -------------------------------------------------------------------------------------
def test_an_answer_arrives_piece_by_piece(chain: Chain, tenant: objects.Document) -> None:
    """What was found is shown while the model still thinks; an edge that buffers would wait."""
    once = chain.secret(f"{STOCK}-secrets", "bootstrap_password")
    email = tenant["spec"]["agent"]["adminEmail"]
    with Customer(chain.door(tenant)) as customer:
        customer.sign_in(email, once)
        customer.change_password(once, "ein langer Satz als Passwort")
        customer.upload(HANDBOOK.name, HANDBOOK.read_bytes())
        set_pace(chain, first_token_ms=1500)
        answer = customer.ask(QUESTION)
        set_pace(chain, first_token_ms=0)
    assert "14 Tagen" in answer.text
    assert answer.stream_seconds > 1.0


def set_pace(chain: Chain, *, first_token_ms: int) -> None:
    url = f"{chain.endpoints['model_local']}/_admin/settings"
    httpx.patch(url, json={"pace": {"first_token_ms": first_token_ms}}).raise_for_status()


# --- who is let in -------------------------------------------------------------------------------
def test_only_cloudflares_networks_reach_the_web_ports(
    chain: Chain, tenant: objects.Document
) -> None:
    address = tenant["status"]["server"]["ipv4"]
    assert any(ip_address(EDGE) in ip_network(network) for network in CLOUDFLARE_NETWORKS)
    for port in (80, 443):
        assert connects(address, port, source=EDGE)
        assert not connects(address, port, source=chain.endpoints["gateway"])


def test_cloud_and_machine_each_hold_the_list(
    chain: Chain, machine: TenantMachine, tenant: objects.Document
) -> None:
    """Either firewall alone would keep strangers out."""
    (firewall,) = [
        item
        for item in chain.cloud_list("firewalls")
        if any("131.0.72.0/22" in rule["source_ips"] for rule in item["rules"])
    ]
    for rule in firewall["rules"]:
        if rule["port"] in ("80", "443"):
            assert set(rule["source_ips"]) == set(CLOUDFLARE_NETWORKS)
    for family, version in (("web4", 4), ("web6", 6)):
        listed = machine.run("nft", "-j", "list", "set", "inet", "tenant", family)
        published: list[Any] = [ip_network(network) for network in CLOUDFLARE_NETWORKS]
        wanted = [network for network in published if network.version == version]
        assert networks(json.loads(listed)) == set(collapse_addresses(wanted))


def networks(listing: dict[str, Any]) -> set[Any]:
    """The members of an nftables set; neighbours were merged to ranges."""
    (elements,) = [item["set"]["elem"] for item in listing["nftables"] if "set" in item]
    found: list[Any] = []
    for element in elements:
        if "prefix" in element:
            prefix = element["prefix"]
            found.append(ip_network(f"{prefix['addr']}/{prefix['len']}"))
        else:
            first, last = (ip_address(each) for each in element["range"])
            found += summarize_address_range(first, last)
    return set(collapse_addresses(found))


def connects(address: str, port: int, *, source: str) -> bool:
    """Whether a connection from that address is taken."""
    try:
        where = (address, port)
        with closing(socket.create_connection(where, timeout=2, source_address=(source, 0))):
            return True
    except OSError:
        return False


def test_it_is_deleted_like_any_other(chain: Chain, tenant: objects.Document) -> None:
    chain.delete_tenant(STOCK)
    left = owned(chain, STOCK)
    assert (left["servers"], left["volumes"], left["primary_ips"]) == (0, 0, 0)
    url = tenant["status"]["url"]
    with Customer(chain.door(tenant)) as customer:
        assert customer.problem() is not None, f"{url} still answers"
