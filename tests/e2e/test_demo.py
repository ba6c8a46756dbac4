"""`make demo` as a process: killed, started again, stopped with Ctrl-C, and what is left of it.

It is cut off while a machine of its own runs, because then there is most to leave behind: a
container, links, a network namespace, packet filter tables, mounts, loop devices, programs. What
becomes of a cluster of somebody else's is in `tests/apiserver/demo`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from controlplane import binaries, cluster
from demo import account
from localcloud.machines.container.settings import ContainerSettings
from localcloud.settings import Settings
from plugins.fix_chain import missing_for_machines
from plugins.fix_container import traces
from plugins.lasting_folder import lasting_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SUBNET = "198.18.66.0/24"
WAIT_SECONDS = 240.0


@dataclass(frozen=True)
class Demo:
    """One folder of a demo and what it makes on this computer."""

    folder: Path
    kubeconfig: Path

    @property
    def settings(self) -> ContainerSettings:
        """The names of what its local cloud makes."""
        cloud = self.folder / "cloud"
        instance = Settings(dir=cloud).instance
        return ContainerSettings(directory=cloud / "machines", instance=instance, subnet=SUBNET)

    def up(self, *words: str) -> subprocess.Popen[str]:
        """Start it, as `make demo` does."""
        place = ["--dir", str(self.folder), "--subnet", SUBNET, "--port-base", "0"]
        return subprocess.Popen(
            ["demo", "up", *place, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            start_new_session=True,
        )

    def down(self) -> str:
        """`make demo-down`."""
        argv = ["demo", "down", "--dir", str(self.folder)]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def left(self) -> dict[str, str]:
        """What is left of it on this computer, by kind."""
        found = traces(self.settings)
        listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True)
        programs = [line for line in listing.stdout.splitlines() if str(self.folder) in line]
        names = subprocess.run(
            ["/usr/bin/docker", "ps", "--all", "--format={{.Names}}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        if account.container(self.folder) in names:
            found["operator"] = account.container(self.folder)
        if (self.folder / "controlplane" / "etcd").exists():
            found["secrets"] = "the control plane's store"
        return {**found, "programs": "\n".join(programs)} if programs else found

    def expect_nothing_left(self) -> None:
        """Programs that were told to end have a moment for it; everything else has none."""
        end = time.monotonic() + 60
        while "programs" in self.left() and time.monotonic() < end:
            time.sleep(0.2)
        assert self.left() == {}

    @staticmethod
    def expect_to_say(process: subprocess.Popen[str], words: str) -> None:
        """Read what it says until these words."""
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {''.join(said)}")

    def machines(self) -> set[str]:
        """The containers of its servers that run."""
        argv = ["/usr/bin/docker", "ps", "--no-trunc", "--format={{.ID}} {{.Names}}"]
        rows = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        pairs = [row.split() for row in rows]
        mine = f"{self.settings.instance}-"
        return {
            id_ for id_, name in pairs if name.startswith(mine) and not name.endswith("-unpack")
        }

    def expect_a_machine(
        self, process: subprocess.Popen[str], *, besides: frozenset[str] = frozenset()
    ) -> None:
        """Wait until a server's container runs, another than those of a run before."""
        end = time.monotonic() + WAIT_SECONDS
        while not self.machines() - besides:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, "the demo makes no machine"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def borrowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster.ControlPlane]:
    """A cluster that a person already has."""
    missing = missing_for_machines()
    if missing is not None:
        pytest.skip(missing)
    with cluster.start(cluster.Options(tmp_path_factory.mktemp("cluster"))) as plane:
        yield plane


@pytest.fixture(scope="module")
def demo(borrowed: cluster.ControlPlane) -> Iterator[Demo]:
    """A demo that is not running; taken down at the end whatever happened."""
    with lasting_folder("e2e-demo") as folder:
        found = Demo(folder, borrowed.kubeconfig)
        yield found
        found.down()


def kubectl(plane: cluster.ControlPlane, *words: str) -> str:
    argv = [str(binaries.find("kubectl")), f"--kubeconfig={plane.kubeconfig}", *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def expect_to_stop(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, which reaches all programs of the terminal; what was said since."""
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "Traceback" not in output
    assert "✓ Stopping" in output
    return output


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_killed_with_a_machine_it_starts_again_and_ctrl_c_leaves_nothing(
    demo: Demo, borrowed: cluster.ControlPlane
) -> None:
    """The second start is on a cluster of somebody else's, with the operator from its image."""
    first = demo.up()
    demo.expect_a_machine(first)
    kill(first)
    assert {"containers", "links", "mounts", "tables"} <= demo.left().keys()
    before = frozenset(demo.machines())
    second = demo.up("--cluster", "current", "--operator", "image")
    demo.expect_a_machine(second, besides=before)
    assert "tenants.blueagency.io" in kubectl(borrowed, "get", "crds", "-o", "name")
    expect_to_stop(second)
    demo.expect_nothing_left()
    assert kubectl(borrowed, "get", "crds,secrets", "-A", "-o", "name") == ""


@pytest.mark.parametrize("moment", ["✓ Local cloud", "✓ Control plane"])
def test_ctrl_c_leaves_nothing(demo: Demo, moment: str) -> None:
    process = demo.up()
    demo.expect_to_say(process, moment)
    expect_to_stop(process)
    demo.expect_nothing_left()


def test_killed_before_it_has_a_machine_down_leaves_nothing(demo: Demo) -> None:
    process = demo.up()
    demo.expect_to_say(process, "✓ Operator")
    kill(process)
    assert demo.left() != {}
    assert "Nothing of the demo is left." in demo.down()
    demo.expect_nothing_left()
