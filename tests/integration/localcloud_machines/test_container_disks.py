"""Both kinds of pool give the same clones, of the size that was asked for."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from localcloud.machines.container.disks import Disks
from localcloud.machines.port import MachineError

GIB = 1 << 30
pytestmark = [
    pytest.mark.container,
    pytest.mark.skipif(os.geteuid() != 0, reason="container machines need root"),
]


@pytest_asyncio.fixture(params=["btrfs", "plain"])
async def disks(request: pytest.FixtureRequest) -> AsyncIterator[Disks]:
    with tempfile.TemporaryDirectory(prefix="localcloud-test-") as folder:
        pool = Disks(Path(folder), plain=request.param == "plain")
        await pool.open()
        yield pool
        await pool.close()
        assert not is_mounted_below(folder)


def is_mounted_below(folder: str) -> bool:
    return folder in Path("/proc/mounts").read_text()


def fill(root: Path) -> None:
    (root / "file").write_text("layer")
    os.link(root / "file", root / "link")
    os.mknod(root / "whiteout", stat.S_IFCHR, 0)
    (root / "owned").mkdir(mode=0o750)
    os.chown(root / "owned", 10001, 10002)
    os.setxattr(root / "owned", "trusted.overlay.opaque", b"y")


def is_filled(root: Path) -> bool:
    owned = (root / "owned").stat()
    return (
        (root / "link").stat().st_nlink == 2
        and (root / "whiteout").is_char_device()
        and (owned.st_uid, owned.st_gid, stat.S_IMODE(owned.st_mode)) == (10001, 10002, 0o750)
        and os.getxattr(root / "owned", "trusted.overlay.opaque") == b"y"
    )


async def test_a_clone_is_equal_and_independent(disks: Disks) -> None:
    fill(await disks.begin_image("stock"))
    assert not disks.has_image("stock")
    await disks.finish_image("stock")
    await disks.provide(1, "stock", 10)
    assert is_filled(disks.root(1))
    (disks.root(1) / "file").write_text("changed")
    assert await disks.snapshot(1, "image-9") >= 0
    await disks.provide(2, "image-9", 10)
    assert (disks.root(2) / "link").read_text() == "changed"
    await disks.provide(1, "stock", 10)
    assert (disks.root(1) / "file").read_text() == "layer"


@contextmanager
def mounts_of_its_own() -> Iterator[subprocess.Popen[str]]:
    """A process that took all mounts along, as every container does for a moment."""
    argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", "echo up; exec sleep 600"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        try:
            yield holder
        finally:
            holder.kill()


async def test_an_image_is_whole_although_its_mount_is_held_elsewhere(disks: Disks) -> None:
    root = await disks.begin_image("stock")
    with mounts_of_its_own():
        fill(root)
        await disks.finish_image("stock")
        await disks.provide(1, "stock", 10)
        assert is_filled(disks.root(1))


async def test_a_disk_grows_when_nobody_has_it_mounted_any_more(disks: Disks) -> None:
    fill(await disks.begin_image("stock"))
    await disks.finish_image("stock")
    await disks.provide(1, "stock", 10)
    with mounts_of_its_own() as holder:
        growing = asyncio.create_task(disks.grow(1, 12))
        await asyncio.wait([growing], timeout=1)
        assert not growing.done()
        holder.kill()
        await growing
    assert is_filled(disks.root(1))
    assert shutil.disk_usage(disks.root(1)).total > 11 * GIB


async def test_a_disk_is_as_big_as_it_is_sold_and_full_when_it_is_full(disks: Disks) -> None:
    await disks.begin_image("stock")
    await disks.finish_image("stock")
    await disks.provide(1, "stock", 12)
    room = shutil.disk_usage(disks.root(1))
    assert 11.0 < room.total / GIB < 12.0
    with (
        pytest.raises(OSError, match="No space left") as full,
        (disks.root(1) / "big").open("wb") as file,
    ):
        os.posix_fallocate(file.fileno(), 0, room.total)
    assert full.value.errno == errno.ENOSPC
    (disks.root(1) / "big").unlink()
    (disks.root(1) / "file").write_text("kept")
    await disks.grow(1, 20)
    assert shutil.disk_usage(disks.root(1)).total / GIB > 18.0
    assert (disks.root(1) / "file").read_text() == "kept"
    await disks.grow(1, 12)
    assert shutil.disk_usage(disks.root(1)).total / GIB > 18.0


async def test_what_was_deleted_is_in_no_snapshot(disks: Disks) -> None:
    await disks.begin_image("stock")
    await disks.finish_image("stock")
    await disks.provide(1, "stock", 10)
    (disks.root(1) / "big").write_bytes(os.urandom(64 << 20))
    full = await disks.snapshot(1, "image-8")
    (disks.root(1) / "big").unlink()
    assert await disks.snapshot(1, "image-9") < full - 0.05
    before = disks.counters(1)
    (disks.root(1) / "more").write_bytes(os.urandom(1 << 20))
    os.sync()
    assert disks.counters(1).bytes_written >= before.bytes_written + (1 << 20)


async def test_what_is_dropped_is_gone_for_good(disks: Disks) -> None:
    await disks.begin_image("stock")
    await disks.finish_image("stock")
    await disks.provide(1, "stock", 10)
    for _ in range(2):
        await disks.drop(1)
        await disks.drop_image("stock")
    assert (disks.servers(), disks.images()) == ([], [])
    with pytest.raises(MachineError, match="stock does not exist"):
        await disks.provide(1, "stock", 10)


async def test_an_unfinished_image_is_swept_at_the_next_start(disks: Disks) -> None:
    draft = await disks.begin_image("half")
    await disks.open()
    assert not draft.exists()
    assert disks.images() == []
