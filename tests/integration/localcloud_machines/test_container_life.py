"""A container machine through its life: boot, power, limits, disks, snapshots."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
from localcloud.machines.port import MachineError, Usage
from plugins.fix_container import Rack, until

pytestmark = [
    pytest.mark.container,
    pytest.mark.asyncio(loop_scope="module"),
]

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


def user_data() -> str:
    private = HOST_KEY.export_private_key().decode().replace("\n", "\n    ").rstrip()
    return f"""#cloud-config
ssh_keys:
  ed25519_private: |
    {private}
  ed25519_public: {HOST_KEY.export_public_key().decode().strip()}
users:
- name: deploy
  groups: sudo
write_files:
- path: /etc/motd
  content: written
runcmd:
- touch /root/ran
"""


@pytest.fixture(scope="module")
def host_key() -> str:
    return HOST_KEY.export_public_key().decode().strip()


async def test_user_data_is_honoured_and_the_given_host_key_answers(
    rack: Rack, host_key: str
) -> None:
    await rack.run(11, user_data=user_data())
    status = await rack.ssh(11, "cloud-init status --wait", host_key=host_key)
    assert "status: done" in status
    assert await rack.ssh(11, "cat /etc/motd; echo; ls /root/ran; id -nG deploy; hostname") == (
        "written\n/root/ran\ndeploy sudo\nm11"
    )


async def test_resolver_is_the_gateway_and_a_plain_file(rack: Rack) -> None:
    assert await rack.ssh(11, "cat /etc/resolv.conf") == f"nameserver {rack.settings.gateway}"
    await rack.ssh(11, "sed -i 's/m11$/m11 extra/' /etc/hosts && grep extra /etc/hosts")


async def test_no_unit_fails_and_the_clock_cannot_be_set(rack: Rack) -> None:
    assert await rack.ssh(11, "systemctl --failed --no-legend") == ""
    with pytest.raises(asyncssh.ProcessError):
        await rack.ssh(11, "date -s 2001-01-01")


async def test_a_reboot_from_inside_comes_back(rack: Rack) -> None:
    await rack.ssh(11, "touch /run/before /root/kept")
    await rack.ssh(11, "systemd-run --on-active=0 systemctl reboot")

    async def rebooted() -> bool:
        try:
            return await rack.ssh(11, "ls /run/before 2>/dev/null; ls /root/kept") == "/root/kept"
        except (OSError, asyncssh.Error, TimeoutError):
            return False

    await until(rebooted, "the machine to come back")
    assert await rack.machines.power(11) == "running"


async def test_without_keys_a_password_lets_in(rack: Rack) -> None:
    await rack.machines.create(rack.spec(14, authorized_keys=(), root_password="first"))
    await rack.machines.start(14)

    async def enters(password: str) -> bool:
        try:
            async with asyncssh.connect(
                rack.address(14),
                username="root",
                password=password,
                client_keys=None,
                known_hosts=None,
                config=None,
                connect_timeout=5,
            ):
                return True
        except (OSError, asyncssh.Error, TimeoutError):
            return False

    await until(lambda: enters("first"), "the first password to work")
    await rack.machines.set_password(14, "correct horse")
    # cloud-init may restart sshd once more at this point of the first boot.
    await until(lambda: enters("correct horse"), "the second password to work")
    assert not await enters("first")
    await rack.machines.delete(14)


async def test_shutdown_and_power_on(rack: Rack) -> None:
    await rack.machines.shutdown(11)
    await rack.off(11)
    await rack.machines.start(11)
    await rack.ready(11)
    await rack.machines.start(11)
    assert await rack.machines.power(11) == "running"


async def disk_gib(rack: Rack, server_id: int) -> float:
    """The size of `/` as the machine sees it."""
    return int(await rack.ssh(server_id, "df --output=size -B1 / | tail -1")) / (1 << 30)


async def test_a_full_disk_is_full_in_its_machine_only(rack: Rack) -> None:
    await rack.machines.create(rack.spec(15, disk_gib=11))
    await rack.machines.start(15)
    await rack.ready(15)
    full = "fallocate -l 40G /big 2>&1; dd if=/dev/zero of=/more bs=1M count=64 2>&1; true"
    assert (await rack.ssh(15, full)).count("No space left on device") == 2
    assert await rack.ssh(15, "df --output=pcent / | tail -1 | tr -dc 0-9") == "100"
    assert int(await rack.ssh(11, "df --output=pcent / | tail -1 | tr -dc 0-9")) < 20
    await rack.machines.delete(15)


async def test_metrics_and_screen_are_those_of_the_machine(rack: Rack) -> None:
    begun = datetime.now(UTC)

    known: list[Usage] = []

    async def is_measured() -> bool:
        moments = [begun + timedelta(seconds=number) for number in range(60)]
        known[:] = [usage for usage in rack.machines.usage(11, moments) if usage is not None]
        return len(known) > 1 and known[-1].cpu_seconds > known[0].cpu_seconds

    await rack.ssh(11, "dd if=/dev/zero of=/root/written bs=1M count=64 conv=fsync 2>/dev/null")
    await until(is_measured, "two samples of what the machine uses")
    assert known[-1].bytes_in > 1000
    assert known[-1].packets_out > 10
    assert known[-1].disk_bytes_written > 64 << 20
    screen = await rack.machines.screen(11)
    assert any("systemd" in line for line in screen)
    assert screen[-1].startswith("m11")


async def test_resize_changes_the_limits_of_the_same_disk(rack: Rack) -> None:
    limit = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null "
        "|| cat /sys/fs/cgroup/memory.max"
    )
    assert int(await rack.ssh(11, limit)) == 1 << 30
    assert 35 < await disk_gib(rack, 11) < 40
    await rack.machines.stop(11)
    await rack.machines.resize(rack.spec(11, user_data=user_data(), memory_gib=2.0, disk_gib=80))
    await rack.machines.start(11)
    await rack.ready(11)
    assert int(await rack.ssh(11, limit)) == 2 << 30
    assert 70 < await disk_gib(rack, 11) < 80
    assert await rack.ssh(11, "ls /root/kept") == "/root/kept"


MARKS = """
import os
os.makedirs('/var/lib/docker/overlay2/l', exist_ok=True)
os.chdir('/var/lib/docker/overlay2')
os.mknod('whiteout', 0o20000, 0)
open('file', 'w').write('layer')
os.link('file', 'link')
os.mkdir('opaque')
os.setxattr('opaque', 'trusted.overlay.opaque', b'y')
"""
SEEN = """
import os, stat
os.chdir('/var/lib/docker/overlay2')
w = os.stat('whiteout')
print(stat.S_ISCHR(w.st_mode), w.st_rdev, os.stat('file').st_nlink, open('link').read(),
      os.getxattr('opaque', 'trusted.overlay.opaque').decode())
"""


async def test_a_snapshot_holds_the_whole_disk_and_no_identity(rack: Rack) -> None:
    identity = "cat /etc/machine-id; ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
    await rack.ssh(11, f'python3 -c "{MARKS}"')
    old = await rack.ssh(11, identity)
    assert await rack.machines.snapshot(11, 900) > 0.1
    await rack.run(12, image="image-900")
    assert await rack.ssh(12, f'python3 -c "{SEEN}"') == "True 0 2 layer y"
    assert set((await rack.ssh(12, identity)).split()[:1]).isdisjoint(old.split()[:1])
    assert (await rack.ssh(12, identity)).splitlines()[1] != old.splitlines()[1]
    assert await rack.ssh(12, "hostname; ls /root/kept; cat /etc/motd") == (
        "m12\n/root/kept\nwritten"
    )


def on_disk(disk: Path, request: str) -> bytes:
    """What a disk's file system holds, read without mounting it."""
    argv = ["debugfs", "-R", request, str(disk)]
    return subprocess.run(argv, capture_output=True, check=True).stdout


async def test_no_disk_carries_the_hosts_authorities(rack: Rack) -> None:
    pool = rack.settings.directory / "pool"
    os.sync()
    stock, *disks = (
        pool / f / "disk" for f in ("images/debian-13", "images/image-900", "servers/12")
    )
    bundle = on_disk(stock, "cat /etc/ssl/certs/ca-certificates.crt")
    assert bundle.startswith(b"-----BEGIN CERTIFICATE-----")
    for disk in disks:
        assert on_disk(disk, "cat /etc/ssl/certs/ca-certificates.crt") == bundle
        assert b".crt" not in on_disk(disk, "ls /usr/local/share/ca-certificates/host")


async def test_a_server_outlives_its_image(rack: Rack) -> None:
    await rack.machines.delete_image(900)
    await rack.machines.delete_image(900)
    assert await rack.ssh(12, "cat /etc/motd") == "written"
    with pytest.raises(MachineError, match="image-900 does not exist"):
        await rack.machines.create(rack.spec(13, image="image-900"))
    await rack.machines.delete(13)


async def test_rebuild_replaces_the_disk(rack: Rack) -> None:
    await rack.machines.rebuild(rack.spec(12, image="debian-13"))
    assert await rack.machines.power(12) == "off"
    await rack.machines.start(12)
    await rack.ready(12)
    assert await rack.ssh(12, "ls /root/kept 2>/dev/null || echo fresh") == "fresh"


async def test_delete_is_repeatable(rack: Rack) -> None:
    for _ in range(2):
        await rack.machines.delete(12)
        assert await rack.machines.power(12) == "absent"
    assert not (rack.settings.directory / "pool/servers/12").exists()
