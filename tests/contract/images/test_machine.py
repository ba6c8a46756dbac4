"""The system image is a cloud's Debian 13: it boots, and it holds nothing of the product."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plugins.fix_images import Docker

pytestmark = pytest.mark.container

FLAGS = (
    "--cap-add=ALL",
    "--cap-drop=SYS_RESOURCE",
    "--cap-drop=SYS_TIME",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined",
    "--tmpfs=/run",
    "--tmpfs=/tmp",
    "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw",
    "--volume=/var/lib/docker",
    "--env=SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
    "--stop-signal=SIGRTMIN+3",
)


def look(docker: Docker, image: str, command: str) -> str:
    answer = docker("run", "--rm", "--network=none", image, "sh", "-c", command)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.mark.parametrize("program", ["docker", "dockerd", "fail2ban-server", "ifup", "gcc"])
def test_it_lacks_what_a_fresh_server_lacks(
    program: str, machine_image: str, docker: Docker
) -> None:
    assert look(docker, machine_image, f"command -v {program} || echo absent") == "absent"


def test_no_two_machines_share_an_identity(machine_image: str, docker: Docker) -> None:
    find = "find /etc/ssh -name 'ssh_host_*'; find /var/lib/dbus/machine-id -type f 2>/dev/null; :"
    assert look(docker, machine_image, find) == ""
    assert look(docker, machine_image, "cat /etc/machine-id") == ""


def test_packages_come_from_debian_with_its_updates(machine_image: str, docker: Docker) -> None:
    sources = look(
        docker, machine_image, "cat /etc/apt/sources.list.d/*; ls /etc/apt/sources.list*"
    )
    for suite in ("trixie", "trixie-updates", "trixie-security"):
        assert suite in sources
    assert "/etc/apt/sources.list\n" not in sources


def test_it_boots_to_a_finished_cloud_init(
    machine_image: str, docker: Docker, container_name: str, tmp_path: Path
) -> None:
    seed = tmp_path / "seed"
    seed.mkdir()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtest test"
    meta = {"instance-id": "i-test", "local-hostname": "booted", "public-keys": [key]}
    (seed / "meta-data").write_text(json.dumps(meta))
    (seed / "user-data").write_text("#cloud-config\nruncmd: [[touch, /root/ran]]\n")
    mount = f"--volume={seed}:/var/lib/cloud/seed/nocloud:ro"
    words = ("run", "--detach", f"--name={container_name}", "--hostname=booted", *FLAGS, mount)
    assert docker(*words, machine_image).returncode == 0
    status = docker("exec", container_name, "cloud-init", "status", "--wait", "--format=json")
    booted = json.loads(status.stdout)
    assert (booted["status"], booted["errors"], booted["recoverable_errors"]) == ("done", [], {})
    assert inside(docker, container_name, "ls /root/ran") == "/root/ran"
    assert key in inside(docker, container_name, "cat /root/.ssh/authorized_keys")
    assert "ed25519" in inside(docker, container_name, "ls /etc/ssh/")
    assert inside(docker, container_name, "systemctl is-active ssh") == "active"
    assert inside(docker, container_name, "systemctl --failed --no-legend") == ""


def inside(docker: Docker, name: str, command: str) -> str:
    return docker("exec", name, "sh", "-c", command).stdout.strip()
