"""A container machine through its life: boot, power, limits, disks, snapshots."""

from __future__ import annotations

import asyncssh
import pytest
from localcloud.machines.port import MachineError
from plugins.fix_container import Rack, until

pytestmark = [
    pytest.mark.container,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
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


async def test_resize_changes_the_limits_of_the_same_disk(rack: Rack) -> None:
    limit = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null "
        "|| cat /sys/fs/cgroup/memory.max"
    )
    assert int(await rack.ssh(11, limit)) == 1 << 30
    await rack.machines.stop(11)
    await rack.machines.resize(rack.spec(11, user_data=user_data(), memory_gib=2.0))
    await rack.machines.start(11)
    await rack.ready(11)
    assert int(await rack.ssh(11, limit)) == 2 << 30
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


async def test_no_disk_carries_the_hosts_authorities(rack: Rack) -> None:
    pool = rack.settings.directory / "pool"
    for root in (pool / "images/image-900/root", pool / "servers/12/root"):
        assert not list((root / "usr/local/share/ca-certificates").rglob("*.crt"))
        assert (root / "etc/ssl/certs/ca-certificates.crt").read_bytes() == (
            pool / "images/debian-13/root/etc/ssl/certs/ca-certificates.crt"
        ).read_bytes()


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
