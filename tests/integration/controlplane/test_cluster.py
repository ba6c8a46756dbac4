"""The control plane is real, starts several times side by side and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from controlplane import binaries, cluster, process
from plugins.fix_kube import Kubectl
from plugins.waiting import expect

pytestmark = pytest.mark.apiserver


def test_two_control_planes_run_side_by_side_and_share_nothing(tmp_path: Path) -> None:
    one = cluster.start(cluster.Options(tmp_path / "one"))
    with one, cluster.start(cluster.Options(tmp_path / "two")) as two:
        first = Kubectl(one.kubeconfig, "default")
        second = Kubectl(two.kubeconfig, "default")
        first.run("create", "configmap", "only-here")
        assert first.get("configmap", "only-here")["kind"] == "ConfigMap"
        missing = second.run("get", "configmap", "only-here", check=False)
        assert "NotFound" in missing.stderr
    assert not any(each.alive() for each in (*one.processes, *two.processes))


def test_rbac_is_on(kubectl: Kubectl) -> None:
    kubectl.run("create", "serviceaccount", "nobody")
    user = f"system:serviceaccount:{kubectl.namespace}:nobody"
    answer = kubectl.run("auth", "can-i", "list", "secrets", f"--as={user}", check=False)
    assert answer.stdout.strip() == "no"


def test_detached_control_plane_is_found_again_and_stopped(tmp_path: Path) -> None:
    started = cluster.start(cluster.Options(tmp_path, supervised=False))
    again = cluster.load(tmp_path)
    assert again is not None
    assert again.processes == started.processes
    again.stop()
    assert cluster.load(tmp_path) is None
    assert all(process.start_time(each.pid) is None for each in started.processes)


def test_what_does_not_listen_is_killed_and_gone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    argv = ["bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]
    with process.spawn(argv, log=log, supervised=True) as child:
        expect(lambda: "up" in log.read_text(), "the program to run")
        running = process.ProcessRef(child.pid, process.start_time(child.pid) or 0)
        running.stop(grace=0.2)
        assert child.poll() == -signal.SIGKILL


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from controlplane import cluster\n"
        "plane = cluster.start(cluster.Options(Path(sys.argv[1])))\n"
        "print(*(p.pid for p in plane.processes), flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    expect(lambda: all(process.start_time(pid) is None for pid in pids), "the end of both programs")


def test_a_program_that_cannot_start_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "find", lambda _name: Path("/bin/false"))
    with pytest.raises(cluster.StartError, match=str(tmp_path / "logs")):
        cluster.start(cluster.Options(tmp_path))
