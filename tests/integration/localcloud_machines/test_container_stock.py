"""What one instance unpacked the next one takes: whole files only, and none that nobody wants."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from localcloud.machines.container import ContainerMachines, ContainerSettings
from localcloud.machines.container.stock import Stock
from localcloud.machines.port import MachineError
from plugins.fix_container import IMAGE, new_settings, traces

ID = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
DAY = 24 * 3600.0


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk of 64 MiB with a few bytes on it."""
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(1 << 20)
        file.write(b"a machine's root")
    return path


def equal(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


async def test_a_kept_disk_is_found_by_its_image_and_holes_stay_holes(
    tmp_path: Path, disk: Path
) -> None:
    stock = Stock(tmp_path / "stock")
    assert stock.find(ID) is None
    await stock.keep(ID, disk)
    found = Stock(tmp_path / "stock").find(ID)
    assert found is not None
    assert equal(found, disk)
    assert found.stat().st_blocks * 512 < 1 << 20
    assert stock.find(OTHER) is None
    assert list((tmp_path / "stock").iterdir()) == [found]


async def test_a_copy_that_failed_leaves_nothing(tmp_path: Path) -> None:
    stock = Stock(tmp_path / "stock")
    with pytest.raises(MachineError):
        await stock.keep(ID, tmp_path / "absent")
    assert stock.find(ID) is None
    assert list((tmp_path / "stock").iterdir()) == []


async def test_what_nobody_asked_for_in_a_day_goes(tmp_path: Path, disk: Path) -> None:
    stock = Stock(tmp_path / "stock")
    for image_id in (ID, OTHER):
        await stock.keep(image_id, disk)
    draft = tmp_path / "stock" / "of-a-crash.1"
    draft.touch()
    for path in (tmp_path / "stock").iterdir():
        os.utime(path, (0, time.time() - 2 * DAY))
    assert stock.find(ID) is not None
    await stock.keep(f"sha256:{'c' * 64}", disk)
    assert stock.find(ID) is not None
    assert stock.find(OTHER) is None
    assert not draft.exists()


async def test_without_a_folder_nothing_is_kept(disk: Path) -> None:
    await Stock(None).keep(ID, disk)
    assert Stock(None).find(ID) is None


@pytest.fixture
def settings(container_host: None, tmp_path: Path) -> Iterator[ContainerSettings]:
    found = replace(new_settings("stock"), stock_data=tmp_path / "stock")
    yield found
    assert traces(found) == {}
    shutil.rmtree(found.directory.parent)


@pytest.fixture
def image_id(container_host: None) -> str:
    question = ["docker", "image", "inspect", "--format={{.Id}}", IMAGE]
    return subprocess.run(question, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.container
async def test_an_instance_takes_the_disk_that_another_unpacked(
    settings: ContainerSettings, image_id: str, disk: Path
) -> None:
    await Stock(settings.stock_data).keep(image_id, disk)
    machines = ContainerMachines(settings)
    await machines.open()
    try:
        assert equal(settings.directory / "pool" / "images" / "debian-13" / "disk", disk)
    finally:
        await machines.close(purge=True)
