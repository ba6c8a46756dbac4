"""What container machines can reach: firewall, metadata, private networks, other instances."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

import asyncssh
import pytest
import pytest_asyncio
from localcloud.machines.container import ContainerMachines
from localcloud.machines.port import FirewallRule, NetworkInterface
from plugins.fix_container import Rack, answers, new_settings, traces, until

pytestmark = [
    pytest.mark.container,
    pytest.mark.asyncio(loop_scope="module"),
]

ANYWHERE = ("0.0.0.0/0", "::/0")
SSH = FirewallRule(direction="in", protocol="tcp", networks=ANYWHERE, port="22")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(rack: Rack) -> AsyncIterator[Rack]:
    """Servers 31 and 32, each with a web server on ports 8000 and 8010."""
    await asyncio.gather(rack.run(31, user_data="#!/bin/sh\ntrue\n"), rack.run(32))
    for server_id in (31, 32):
        for port in (8000, 8010):
            serve = f"systemd-run --quiet python3 -m http.server --bind :: {port}"
            await rack.ssh(server_id, serve)

            async def listens(server_id: int = server_id, port: int = port) -> bool:
                return await answers(rack.address(server_id), port)

            await until(listens, f"port {port} of server {server_id}")
    yield rack


async def reaches(rack: Rack, server_id: int, url: str) -> bool:
    """Whether an HTTP request from inside a machine is answered."""
    try:
        await rack.ssh(server_id, f"curl -sf --max-time 1 -o /dev/null '{url}'")
    except asyncssh.ProcessError:
        return False
    return True


async def test_without_a_firewall_all_is_open(pair: Rack) -> None:
    assert await answers(pair.address(31), 8000)
    assert await reaches(pair, 32, f"http://{pair.address(31)}:8000/")
    assert await reaches(pair, 32, "http://[2001:db8:1f::1]:8000/")


async def test_only_allowed_ports_and_sources_enter(pair: Rack) -> None:
    web = FirewallRule(
        direction="in", protocol="tcp", networks=(f"{pair.address(32)}/32",), port="8005-8015"
    )
    await pair.machines.set_firewall(31, (SSH, web))
    assert not await answers(pair.address(31), 8000)
    assert not await answers(pair.address(31), 8010)
    assert await reaches(pair, 32, f"http://{pair.address(31)}:8010/")
    assert not await reaches(pair, 32, f"http://{pair.address(31)}:8000/")
    assert not await reaches(pair, 32, "http://[2001:db8:1f::1]:8010/")


async def test_it_holds_whatever_the_machine_does(pair: Rack) -> None:
    await pair.ssh(31, "nft flush ruleset")
    assert not await answers(pair.address(31), 8000)
    forged = str(pair.address(39))
    await pair.ssh(32, f"ip addr add {forged}/32 dev eth0")
    url = f"http://{pair.address(31)}:8010/"
    assert await reaches(pair, 32, url)
    with pytest.raises(asyncssh.ProcessError):
        await pair.ssh(32, f"curl -sf --max-time 1 --interface {forged} {url}")


async def test_replies_to_what_the_machine_asked_come_in(pair: Rack) -> None:
    assert await reaches(pair, 31, f"http://{pair.address(32)}:8000/")


async def test_an_out_rule_denies_all_else_but_metadata(pair: Rack) -> None:
    out = FirewallRule(direction="out", protocol="tcp", networks=ANYWHERE, port="8010")
    await pair.machines.set_firewall(31, (SSH, out))
    assert await reaches(pair, 31, f"http://{pair.address(32)}:8010/")
    assert not await reaches(pair, 31, f"http://{pair.address(32)}:8000/")
    assert await reaches(pair, 31, "http://169.254.169.254/hetzner/v1/metadata")


async def test_icmp_is_a_rule_of_its_own(pair: Rack) -> None:
    ping = f"ping -c 1 -W 1 {pair.address(31)}"
    with pytest.raises(asyncssh.ProcessError):
        await pair.ssh(32, ping)
    icmp = FirewallRule(direction="in", protocol="icmp", networks=ANYWHERE)
    await pair.machines.set_firewall(31, (SSH, icmp))
    assert "1 received" in await pair.ssh(32, ping)


async def test_an_empty_firewall_admits_nothing_and_none_everything(pair: Rack) -> None:
    await pair.machines.set_firewall(31, ())
    assert not await answers(pair.address(31), 22)
    await pair.machines.set_firewall(31, None)
    assert await answers(pair.address(31), 22)
    assert await answers(pair.address(31), 8000)


async def test_metadata_knows_who_asks(pair: Rack) -> None:
    base = "curl -sf http://169.254.169.254/hetzner/v1"
    assert await pair.ssh(31, f"{base}/metadata/instance-id") == "31"
    assert await pair.ssh(32, f"{base}/metadata/hostname") == "m32"
    assert await pair.ssh(31, f"{base}/userdata") == "#!/bin/sh\ntrue"
    status = "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/hetzner/v1/userdata"
    assert await pair.ssh(32, status) == "204"
    await pair.machines.set_metadata(pair.spec(32, hostname="renamed"))
    assert await pair.ssh(32, f"{base}/metadata/hostname") == "renamed"


async def test_private_networks_connect_their_members_only(pair: Rack) -> None:
    def member(server_id: int, network_id: int) -> tuple[NetworkInterface, ...]:
        network = NetworkInterface(
            network_id=network_id,
            network_name="private",
            ip=f"10.0.0.{server_id}",
            mac_address=f"86:00:00:00:{network_id:02x}:{server_id:02x}",
            ip_range="10.0.0.0/24",
            subnet="10.0.0.0/24",
            gateway="10.0.0.1",
        )
        return (network,)

    user_data = "#!/bin/sh\ntrue\n"
    await pair.machines.set_networks(pair.spec(31, user_data=user_data, networks=member(31, 5)))
    await pair.machines.set_networks(pair.spec(32, networks=member(32, 6)))
    assert not await reaches(pair, 31, "http://10.0.0.32:8000/")
    await pair.machines.set_networks(pair.spec(32, networks=member(32, 5)))
    assert await reaches(pair, 31, "http://10.0.0.32:8000/")
    link = await pair.ssh(32, "ip -o link show eth1")
    told = "curl -sf http://169.254.169.254/hetzner/v1/metadata/private-networks"
    for seen in (link, await pair.ssh(32, told)):
        assert "86:00:00:00:05:20" in seen
    await pair.machines.set_networks(pair.spec(31, user_data=user_data))
    assert not await reaches(pair, 31, "http://10.0.0.32:8000/")


async def test_the_next_run_takes_over_what_this_one_left(pair: Rack) -> None:
    await pair.machines.set_firewall(31, (SSH,))
    await pair.machines.close(purge=False)
    assert not await answers(pair.address(31), 8000)
    assert await answers(pair.address(31), 22)
    pair.machines = ContainerMachines(pair.settings)
    await pair.machines.open()
    assert await pair.machines.power(31) == "running"
    assert not await answers(pair.address(31), 8000)
    assert await reaches(pair, 31, "http://169.254.169.254/hetzner/v1/metadata")
    told = "curl -sf http://169.254.169.254/hetzner/v1/metadata"
    assert "86:00:00:00:05:20" in await pair.ssh(32, f"{told}/private-networks")
    assert "network-config" in await pair.ssh(32, told)
    await pair.machines.set_firewall(31, None)
    assert await answers(pair.address(31), 8000)


async def test_two_instances_neither_meet_nor_clean_each_other_up(pair: Rack) -> None:
    settings = new_settings("other")
    other = Rack(ContainerMachines(settings), settings, pair.key)
    await other.machines.open()
    try:
        await other.run(33)
        assert not await reaches(other, 33, f"http://{pair.address(31)}:8000/")
        assert not await reaches(other, 33, f"http://{pair.settings.gateway}:1/")
        assert await answers(other.address(33), 22)
    finally:
        await ContainerMachines(settings).close(purge=True)
        await other.machines.close(purge=True)
        shutil.rmtree(settings.directory.parent)
    assert traces(settings) == {}
    assert await answers(pair.address(31), 8000)
