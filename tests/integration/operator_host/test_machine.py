"""The bootstrap on a real stock Debian 13: each test goes on where the one before it ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
from plugins.fix_host_machine import Machine, carry_out, look
from plugins.key_pairs import new_pair
from plugins.waiting import expect
from tenant_operator.core.stack import JOB_HARDEN
from tenant_operator.core.world import HostFailure, JobPhase, Volume
from tenant_operator.host import bootstrap, commands
from tenant_operator.host.port import HostKeyMismatch
from tenant_operator.host.ssh import SshHosts, command_line

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]
MISSING = Volume(
    id=404, name="v", size_gib=10, location="x", status="available", device="d", labels={}
)


async def test_the_first_connection_is_pinned_and_the_key_is_replaced_over_it(
    machine: Machine,
) -> None:
    host = await machine.connect(machine.boot_key)
    lasting = machine.lasting_key
    state = await carry_out(host, bootstrap.rotate_host_key(lasting.private, lasting.public))
    assert state.phase is JobPhase.DONE, state.message
    await host.close()
    again = await machine.connect(lasting, machine.boot_key)
    assert again.host_key == lasting.public
    await again.close()
    with pytest.raises(HostKeyMismatch):
        await SshHosts().connect(machine.address(machine.boot_key))
    with pytest.raises(HostKeyMismatch):
        await SshHosts().connect(machine.address(new_pair()))


async def test_the_list_is_worked_off_once_and_holds(machine: Machine) -> None:
    host = await machine.connect(machine.lasting_key)
    job = bootstrap.harden(machine.harden_inputs())
    state = await carry_out(host, job)
    assert state.phase is JobPhase.DONE, state.message
    state = await carry_out(host, job)
    assert (state.phase, state.message) == (JobPhase.DONE, "nothing to change")
    facts = await look(host)
    assert facts.cloud_init == "done"
    assert facts.jobs[JOB_HARDEN].digest == job.digest
    await host.close()


async def test_docker_and_the_packet_filter_run_as_declared(machine: Machine) -> None:
    shown = machine.inside("docker", "info", "--format={{.LiveRestoreEnabled}} {{.LoggingDriver}}")
    assert shown == "true local"
    rules = machine.inside("nft", "list", "table", "inet", "tenant")
    assert "policy drop" in rules
    assert "169.254.0.0/16 drop" in rules
    assert "active" in machine.inside("systemctl", "is-active", "fail2ban.service")


async def test_a_port_without_a_rule_is_shut(machine: Machine) -> None:
    machine.inside("systemd-run", "--unit=listener", "python3", "-m", "http.server", "5432")
    with pytest.raises((TimeoutError, OSError)):
        async with asyncio.timeout(2):
            await asyncio.open_connection(machine.ip, 5432)


async def test_what_somebody_changed_is_noticed_and_repaired(machine: Machine) -> None:
    host = await machine.connect(machine.lasting_key)
    weaker = "echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/00-tenant.conf"
    machine.inside("sh", "-c", weaker)
    machine.inside("rm", "-f", "/run/tenant/drift.json")
    assert JOB_HARDEN not in (await look(host)).jobs
    machine.inside("rm", "-f", "/run/tenant/drift.json")
    state = await carry_out(host, bootstrap.harden(machine.harden_inputs()))
    assert state.message == "changed: sshd"
    await host.close()


async def test_a_volume_that_is_not_attached_is_missed(machine: Machine) -> None:
    host = await machine.connect(machine.lasting_key)
    state = await carry_out(host, bootstrap.data_disk(MISSING))
    assert (state.phase, state.failure) == (JobPhase.FAILED, HostFailure.DISK_MISSING)
    assert "attached" in state.message
    await host.close()


@contextmanager
def attached(machine: Machine, number: int, image: Path) -> Iterator[Volume]:
    """A loop device under the stable name that Hetzner's volume of that number has."""
    device = shell("losetup", "--find", "--show", str(image))
    found = os.stat(device).st_rdev  # noqa: PTH116 - the device number, not the file's
    path = f"/dev/disk/by-id/scsi-0HC_Volume_{number}"
    machine.inside("mkdir", "-p", "/dev/disk/by-id")
    machine.inside("mknod", path, "b", str(os.major(found)), str(os.minor(found)))
    try:
        yield replace(MISSING, id=number, device=path)
    finally:
        machine.inside("sh", "-c", f"umount -q /srv/tenant; rm {path}")
        shell("losetup", "--detach", device)


def shell(*argv: str) -> str:
    """What a program of this host prints."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


async def test_an_empty_volume_is_formatted_and_mounted_once(
    machine: Machine, tmp_path: Path
) -> None:
    image = tmp_path / "volume"
    with image.open("wb") as file:
        file.truncate(2**29)
    host = await machine.connect(machine.lasting_key)
    with attached(machine, 42, image) as volume:
        for _ in range(2):
            state = await carry_out(host, bootstrap.data_disk(volume))
            assert state.phase is JobPhase.DONE, state.message
        facts = await look(host)
        assert facts.mounted_volume == 42
        assert facts.data_free_mib > 100
        assert "nosuid,nodev" in machine.inside("findmnt", "-no", "OPTIONS", "/srv/tenant")
    await host.close()


async def test_a_volume_with_somebodys_data_is_not_touched(
    machine: Machine, tmp_path: Path
) -> None:
    image = tmp_path / "foreign"
    with image.open("wb") as file:
        file.truncate(2**26)
    shell("mkfs.ext4", "-q", str(image))
    before = image.read_bytes()
    host = await machine.connect(machine.lasting_key)
    with attached(machine, 43, image) as volume:
        state = await carry_out(host, bootstrap.data_disk(volume))
        assert (state.phase, state.failure) == (JobPhase.FAILED, HostFailure.FOREIGN_DISK)
        assert "ext4" in state.message
    assert image.read_bytes() == before
    await host.close()


@contextmanager
def second_address(machine: Machine, *, last: int = 222) -> Iterator[str]:
    """Another address of this host on the machine's network, to be banned instead of ours."""
    address = ".".join([*machine.ip.split(".")[:2], "222", str(last)])
    subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "docker0"], check=True)
    try:
        yield address
    finally:
        subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", "docker0"], check=True)


async def visit(machine: Machine, address: str, key: asyncssh.SSHKey) -> str:
    """What a look prints over a connection that comes from an address of our choice."""
    connection = await asyncssh.connect(
        machine.ip,
        username="root",
        client_keys=[key],
        known_hosts=None,
        local_addr=(address, 0),
        config=None,
        agent_path=None,
        login_timeout=5,
    )
    look = commands.observe()
    try:
        done = await connection.run(command_line(look.argv), input=look.stdin.decode())
    finally:
        connection.close()
    return str(done.stdout)


async def test_refused_keys_of_a_real_account_end_in_a_ban(machine: Machine) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    with second_address(machine) as address:
        for _ in range(40):
            if address in machine.inside("fail2ban-client", "get", "sshd", "banip"):
                break
            with pytest.raises((asyncssh.Error, OSError)):
                await visit(machine, address, stranger)
            await asyncio.sleep(0.3)
        assert address in machine.inside("fail2ban-client", "get", "sshd", "banip")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(machine.ip, 22, local_addr=(address, 0))
    host = await machine.connect(machine.lasting_key)
    await host.close()


async def test_an_operator_that_moved_is_banned_nowhere_and_hardens_nothing_anew(
    machine: Machine,
) -> None:
    """After a failover, or behind a pool of addresses, it comes from somewhere else."""
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    own = asyncssh.import_private_key(machine.client_key.private)
    listed = machine.inside("sha256sum", "/etc/fail2ban/jail.local", bootstrap.HARDEN_LIST)
    with second_address(machine, last=223) as address:
        facts = bootstrap.facts(await visit(machine, address, own))
        assert facts.jobs[JOB_HARDEN].digest == bootstrap.harden(machine.harden_inputs()).digest
        for _ in range(4):
            with pytest.raises((asyncssh.Error, OSError)):
                await visit(machine, address, stranger)
        ignored = f"Ignore {address} by command"
        told = ("cat", "/var/log/fail2ban.log")
        expect(lambda: machine.inside(*told).count(ignored) >= 3, "three refusals let pass")
        assert address not in machine.inside("fail2ban-client", "get", "sshd", "banip")
    assert listed == machine.inside("sha256sum", "/etc/fail2ban/jail.local", bootstrap.HARDEN_LIST)
