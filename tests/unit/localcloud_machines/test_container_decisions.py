"""What the container back end decides before it acts: names, bodies, files, lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from localcloud.machines import metadata
from localcloud.machines.container import boot, control_group, links, trust, volumes
from localcloud.machines.container.blueprint import Chassis, Host, create_body, limits
from localcloud.machines.container.records import Records, ServerRecord, VolumeRecord
from localcloud.machines.container.settings import ContainerSettings
from localcloud.machines.port import FirewallRule, MachineSpec, NetworkInterface

SETTINGS = ContainerSettings(directory=Path("/srv/cloud"), instance="one", subnet="198.18.4.0/24")
NETWORK = NetworkInterface(
    network_id=5,
    network_name="private",
    ip="10.0.0.2",
    mac_address="86:00:00:0f:42:41",
    ip_range="10.0.0.0/16",
    subnet="10.0.0.0/24",
    gateway="10.0.0.1",
    alias_ips=("10.0.0.9",),
)


def spec(**changes: Any) -> MachineSpec:
    values: dict[str, Any] = {
        "server_id": 12,
        "hostname": "web.example.com",
        "image": "debian-13",
        "cores": 4,
        "memory_gib": 8.0,
        "disk_gib": 80,
        "ipv4": "198.18.4.12",
        "ipv6": "2001:db8:12::/64",
        "location": "hel1",
        "authorized_keys": ("ssh-ed25519 AAAA me",),
    }
    return MachineSpec(**{**values, **changes})


@pytest.mark.parametrize("name", ["", "Upper", "-first", "a b", "a" * 32, "ümlaut"])
def test_an_instance_name_that_cannot_name_things_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower case letters"):
        ContainerSettings(directory=Path("/srv"), instance=name)


def test_names_on_the_host_fit_the_kernel_and_differ_by_instance() -> None:
    other = ContainerSettings(directory=Path("/srv/cloud"), instance="two")
    link = SETTINGS.machine_link(36**6)
    assert len(link) <= 15
    assert link.startswith(SETTINGS.machine_links.removesuffix("*"))
    assert not link.startswith(other.machine_links.removesuffix("*"))
    assert SETTINGS.machine_link(35) != SETTINGS.machine_link(36)
    assert SETTINGS.gateway == "198.18.4.1"
    assert SETTINGS.resolvers == ("198.18.4.1",)


def test_limits_never_ask_for_more_processors_than_there_are() -> None:
    host = Host(cgroup_version="1", processors=2)
    assert limits(spec(), host) == {
        "Memory": 8 << 30,
        "MemorySwap": 8 << 30,
        "NanoCpus": 2_000_000_000,
    }


def test_the_container_keeps_its_hosts_clock_and_carries_no_secret() -> None:
    chassis = Chassis(instance="one", carrier="sha256:1", disk=Path("/d"), boot=Path("/b"))
    machine = spec(user_data="key material", root_password="hunter2")
    body = create_body(machine, chassis, Host(cgroup_version="1", processors=2))
    assert "SYS_TIME" in body["HostConfig"]["CapDrop"]
    assert body["Hostname"] == "web"
    text = json.dumps(body)
    assert "key material" not in text
    assert "hunter2" not in text


def test_the_seed_names_the_server_and_its_keys() -> None:
    files = boot.first_boot_files(
        spec(user_data="#cloud-config\n"), resolvers=["198.18.4.1"], password_hash=None
    )
    assert yaml.safe_load(files["seed/meta-data"]) == {
        "instance-id": "12",
        "local-hostname": "web.example.com",
        "public-keys": ["ssh-ed25519 AAAA me"],
    }
    assert files["seed/user-data"] == "#cloud-config\n"
    assert files["resolv.conf"] == "nameserver 198.18.4.1\n"
    assert "127.0.1.1 web.example.com web\n" in files["hosts"]
    assert "sshd.conf" not in files


def test_a_password_goes_to_the_machine_as_a_hash_that_expires() -> None:
    files = boot.first_boot_files(spec(), resolvers=["198.18.4.1"], password_hash="$6$x$y")
    vendor = yaml.safe_load(files["seed/vendor-data"])
    assert vendor["chpasswd"]["expire"] is True
    assert vendor["chpasswd"]["users"] == [{"name": "root", "password": "$6$x$y", "type": "hash"}]


def test_a_loopback_resolver_is_refused_because_containers_could_not_use_it() -> None:
    with pytest.raises(ValueError, match="loopback"):
        boot.resolv_file(["127.0.0.11"])


def test_boot_files_are_for_root_only(tmp_path: Path) -> None:
    boot.write(tmp_path / "boot", {"seed/user-data": "secret"})
    assert (tmp_path / "boot/seed/user-data").stat().st_mode & 0o077 == 0
    assert (tmp_path / "boot").stat().st_mode & 0o077 == 0


def test_devices_are_described_one_per_line() -> None:
    device = boot.Device(volume_id=7, major=7, minor=3, node="loop3")
    files = boot.every_boot_files([device], [boot.automount_line(7, "xfs")])
    assert files["devices"] == "7 7 3 loop3\n"
    assert files["fstab"].startswith("/dev/disk/by-id/scsi-0HC_Volume_7 /mnt/HC_Volume_7 xfs ")
    assert files["boot.sh"].startswith("#!/bin/sh")
    assert "mknod -m 660 /dev/loop3 b 7 3" in volumes.appear_script(device)


def test_a_machine_has_one_address_and_its_gateway_on_the_link() -> None:
    lines = links.machine_commands("198.18.4.1", spec())
    assert "addr add 198.18.4.12/32 dev eth0" in lines
    assert "route replace default via 198.18.4.1 dev eth0" in lines
    assert "addr add 2001:db8:12::1/64 dev eth0 nodad" in lines


@pytest.mark.parametrize(("ipv4", "ipv6"), [(None, "2001:db8::/64"), ("198.18.4.9", None)])
def test_a_missing_address_family_leaves_no_line(ipv4: str | None, ipv6: str | None) -> None:
    machine = spec(ipv4=ipv4, ipv6=ipv6)
    lines = links.machine_commands("198.18.4.1", machine)
    lines += links.host_commands("lcp1", "198.18.4.1", machine)
    assert not any("None" in line for line in lines)
    assert any("2001:db8" in line for line in lines) == (ipv6 is not None)
    assert any("/32" in line for line in lines) == (ipv4 is not None)


def test_hardware_addresses_and_link_names_tell_networks_apart() -> None:
    assert metadata.public_mac(258) == "96:00:00:00:01:02"
    assert links.private_link(1, 2) != links.private_link(2, 1)
    assert len(links.private_link(1 << 40, 1 << 40)) <= 15
    assert links.free_name(["eth1", "eth3"]) == "eth2"
    assert "addr add 10.0.0.2/16 dev eth1" in links.private_commands("eth1", NETWORK)


def test_metadata_says_who_and_where_the_machine_is() -> None:
    answers = metadata.documents(spec(networks=(NETWORK,)))
    summary = yaml.safe_load(answers["metadata"])
    assert summary["instance-id"] == 12
    assert summary["availability-zone"] == "hel1-dc2"
    assert summary["public-keys"] == ["ssh-ed25519 AAAA me"]
    private = yaml.safe_load(answers["metadata/private-networks"])[0]
    assert (private["ip"], private["alias_ips"]) == ("10.0.0.2", ["10.0.0.9"])
    assert (private["mac_address"], private["subnet"]) == (NETWORK.mac_address, "10.0.0.0/24")
    (public,) = summary["network-config"]["config"]
    assert public["mac_address"] == metadata.public_mac(12)
    assert answers["metadata/region"] == "eu-central"
    assert metadata.documents(spec(location="ash"))["metadata/region"] == "us-east"


def test_of_the_hosts_apt_settings_only_the_way_out_is_passed_on() -> None:
    dump = 'APT::Get::Assume-Yes "1";\nAcquire::http::Proxy "http://p";\nAcquire::Retries "3";\n'
    assert trust.apt_lines(dump) == 'Acquire::http::Proxy "http://p";\n'


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    rule = FirewallRule(direction="in", protocol="tcp", networks=("::/0",), port="80")
    server = ServerRecord(spec=spec(networks=(NETWORK,)), firewall=(rule,), wanted=True)
    volume = VolumeRecord(volume_id=7, size_gb=10, fs="xfs", server_id=12)
    records = Records(tmp_path)
    records.open()
    records.put_server(server)
    records.put_volume(volume)
    again = Records(tmp_path)
    again.open()
    assert again.servers == {12: server}
    assert again.volumes_of(12) == [volume]
    again.forget_server(12)
    again.forget_server(12)
    again.forget_volume(7)
    assert list((tmp_path / "records").iterdir()) == []


ID = "4f1c" * 16
LEGACY = f"3:cpuset:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}/init.scope\n0::/\n"
UNIFIED = f"0::/system.slice/docker-{ID}.scope/init.scope\n"
MOUNTS = (
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
)


def test_a_containers_group_is_found_whatever_group_its_init_moved_to() -> None:
    assert control_group.group_of(ID, LEGACY, "cpuacct") == f"/docker/{ID}"
    assert control_group.group_of(ID, LEGACY, "") is None
    assert control_group.group_of(ID, UNIFIED, "") == f"/system.slice/docker-{ID}.scope"
    assert control_group.group_of("other", LEGACY, "cpuacct") is None
    places = [
        control_group.mounted_at(MOUNTS, k, c) for k, c in (("cgroup", "cpuacct"), ("cgroup2", ""))
    ]
    assert places == ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified"]
    assert control_group.mounted_at("", "cgroup", "cpuacct") is None
    assert control_group.cpu_seconds(ID, 1 << 22) is None
