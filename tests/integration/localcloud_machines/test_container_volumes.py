"""Volumes of container machines: appear while running, survive restarts, grow, go."""

from __future__ import annotations

import asyncssh
import pytest
from plugins.fix_container import Rack, traces

pytestmark = [
    pytest.mark.container,
    pytest.mark.asyncio(loop_scope="module"),
]

DEVICE = "/dev/disk/by-id/scsi-0HC_Volume_70"
GROW = """
import fcntl, os, struct
folder = os.open('/mnt/data', os.O_RDONLY)
fcntl.ioctl(folder, 0x4010586e, struct.pack('QII', 12 * 2**30 // 4096, 25, 0))
print(os.statvfs('/mnt/data').f_blocks * 4096 > 11 * 2**30)
"""


async def test_a_volume_attached_while_the_machine_boots_appears(rack: Rack) -> None:
    """The machine has no root of its own yet, and its list of devices is written already."""
    await rack.machines.create_volume(71, 10, None)
    await rack.machines.create(rack.spec(21))
    await rack.machines.start(21)
    await rack.machines.attach_volume(71, 21, automount=False)
    await rack.ready(21)
    kind = await rack.ssh(21, "stat --dereference --format=%F /dev/disk/by-id/scsi-0HC_Volume_71")
    assert kind == "block special file"
    await rack.machines.detach_volume(71, 21)
    await rack.machines.delete_volume(71)


async def test_a_volume_appears_in_a_running_machine(rack: Rack) -> None:
    await rack.machines.create_volume(70, 10, "xfs")
    await rack.machines.create_volume(70, 10, "xfs")
    await rack.machines.attach_volume(70, 21, automount=False)
    await rack.ssh(21, f"mkdir /mnt/data && mount {DEVICE} /mnt/data && echo kept >/mnt/data/f")
    assert await rack.ssh(21, "findmnt -no FSTYPE /mnt/data") == "xfs"
    assert await rack.ssh(21, f"blockdev --getsize64 {DEVICE}") == str(10 << 30)


async def test_a_mounted_volume_grows(rack: Rack) -> None:
    await rack.machines.resize_volume(70, 12)
    assert await rack.ssh(21, f"blockdev --getsize64 {DEVICE}") == str(12 << 30)
    assert await rack.ssh(21, f'python3 -c "{GROW}"') == "True"


async def test_fstab_mounts_it_after_a_restart(rack: Rack) -> None:
    await rack.ssh(21, f"echo '{DEVICE} /mnt/data xfs nofail 0 0' >>/etc/fstab; sync")
    await rack.machines.stop(21)
    await rack.machines.start(21)
    await rack.ready(21)
    assert await rack.ssh(21, "cat /mnt/data/f") == "kept"


async def test_detached_it_is_gone_and_mounts_elsewhere(rack: Rack) -> None:
    await rack.machines.detach_volume(70, 21)
    await rack.machines.detach_volume(70, 21)
    with pytest.raises(asyncssh.ProcessError):
        await rack.ssh(21, f"test -e {DEVICE}")
    assert await rack.ssh(21, "ls /mnt/data") == ""
    await rack.machines.create(rack.spec(22))
    await rack.machines.attach_volume(70, 22, automount=True)
    await rack.machines.start(22)
    await rack.ready(22)
    assert await rack.ssh(22, "cat /mnt/HC_Volume_70/f") == "kept"


async def test_a_rebuilt_server_keeps_its_volume(rack: Rack) -> None:
    await rack.machines.rebuild(rack.spec(22))
    await rack.machines.start(22)
    await rack.ready(22)
    assert await rack.ssh(22, "cat /mnt/HC_Volume_70/f") == "kept"


async def test_a_deleted_server_leaves_its_volume_and_a_deleted_volume_no_device(
    rack: Rack,
) -> None:
    await rack.machines.delete(22)
    await rack.machines.attach_volume(70, 21, automount=True)
    assert await rack.ssh(21, "cat /mnt/HC_Volume_70/f") == "kept"
    await rack.machines.detach_volume(70, 21)
    await rack.machines.delete_volume(70)
    await rack.machines.delete_volume(70)
    assert "70.img" not in traces(rack.settings).get("loops", "")
