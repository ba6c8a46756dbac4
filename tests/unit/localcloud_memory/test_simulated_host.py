"""Files, programs and cloud-init of a simulated machine, without a wire."""

from __future__ import annotations

import pytest
from localcloud.machines.memory_images import Images
from localcloud.machines.port import MachineError, MachineSpec
from localcloud.machines.simulated_host import cloudinit, programs
from localcloud.machines.simulated_host.filesystem import FileSystem, from_document
from localcloud.machines.simulated_host.host import AUTHORIZED, HOST_KEY, Faults, Host
from localcloud.rows import Rows


@pytest.fixture
def host() -> Host:
    return Host(server_id=1, hostname="one", address=None)


def test_a_rename_moves_a_folder_with_its_content() -> None:
    files = FileSystem()
    files.write("/a/b/c", b"1", 0o600)
    files.write("/x/old", b"2")
    files.rename("/a/b", "/x")
    assert files.read("/x/c") == b"1"
    assert files.read("/x/old") is None
    assert files.children("/a") == []


def test_a_file_system_survives_as_a_document() -> None:
    files = FileSystem()
    files.write("/bin", bytes(range(256)), 0o755)
    files.change("/bin", uid=5, gid=6)
    again = from_document(files.document())
    assert again.get("/bin") == files.get("/bin")


def test_paths_are_normalised() -> None:
    files = FileSystem()
    files.write("/a//b/../c", b"1")
    assert files.read("a/c") == b"1"


@pytest.mark.parametrize(
    "argv",
    [
        ["vim"],
        ["docker", "version"],
        ["nft", "list"],
        ["sh", "-c", "cat | wc"],
        ["sh", "-c", "vim"],
    ],
)
def test_what_is_not_there_ends_with_127(host: Host, argv: list[str]) -> None:
    assert programs.run(host, argv).code == 127


def test_a_package_brings_its_program_and_unit(host: Host) -> None:
    programs.run(host, ["apt-get", "-q", "-y", "install", "docker.io", "docker-cli"])
    assert programs.run(host, ["systemctl", "is-active", "docker.service"]).code == 0
    assert programs.run(host, ["docker", "version"]).code == 0
    assert programs.run(host, ["dpkg-query", "-W", "docker.io", "nftables"]).code == 1


def test_a_unit_nobody_installed_cannot_be_started(host: Host) -> None:
    assert programs.run(host, ["systemctl", "restart", "fail2ban.service"]).code == 5


def test_a_locked_apt_fails_until_it_is_free(host: Host) -> None:
    host.faults = Faults(job="apt-locked")
    assert "lock" in programs.run(host, ["apt-get", "update"]).err
    host.faults = Faults()
    assert programs.run(host, ["apt-get", "update"]).code == 0


def test_the_first_sshd_setting_of_a_kind_wins(host: Host) -> None:
    host.files.write("/etc/ssh/sshd_config.d/00.conf", b"# x\nMaxAuthTries 3\n")
    host.files.write("/etc/ssh/sshd_config.d/50.conf", b"MaxAuthTries 9\n")
    assert programs.run(host, ["sshd", "-T"]).out == "maxauthtries 3\n"


def test_cloud_init_does_what_its_document_says(host: Host) -> None:
    host.user_data = """#cloud-config
hostname: two
ssh_keys: {ed25519_private: "PRIVATE", ed25519_public: "PUBLIC"}
users: [{name: root, ssh_authorized_keys: ["ssh-ed25519 AAAA"]}]
write_files: [{path: /etc/x, permissions: "0600", content: hello}]
runcmd: [[mkdir, -p, /srv/made]]
"""
    cloudinit.first_boot(host)
    assert host.hostname == "two"
    assert host.files.text(HOST_KEY) == "PRIVATE"
    assert host.files.text(AUTHORIZED) == "ssh-ed25519 AAAA\n"
    assert host.files.read("/etc/x") == b"hello"
    assert host.files.get("/srv/made") is not None
    assert '"errors": []' in host.files.text(cloudinit.RESULT)


@pytest.mark.parametrize("document", ["#cloud-config\n{", "#cloud-config\nruncmd: [[nonsense]]\n"])
def test_cloud_init_tells_its_errors(host: Host, document: str) -> None:
    host.user_data = document
    cloudinit.first_boot(host)
    assert '"errors": []' not in host.files.text(cloudinit.RESULT)
    assert host.files.read(HOST_KEY) is not None


def test_an_unknown_image_is_refused(rows: Rows) -> None:
    spec = MachineSpec(
        server_id=1, hostname="a", image="image-9", cores=1, memory_gib=1, disk_gib=10,
        ipv4=None, ipv6=None, location="fsn1",
    )  # fmt: skip
    with pytest.raises(MachineError):
        Images(rows).boot_disk(spec)
