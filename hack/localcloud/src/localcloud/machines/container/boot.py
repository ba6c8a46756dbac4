"""The boot folder of a machine: what `boot.sh` finds before init starts.

Pure but for `write`. The folder holds user data and host keys, so it is readable by root only.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.machines.port import MachineSpec

SCRIPT = Path(__file__).with_name("boot.sh")


@dataclass(frozen=True, kw_only=True)
class Device:
    """A volume's block device as a machine sees it."""

    volume_id: int
    major: int
    minor: int
    node: str

    @property
    def line(self) -> str:
        """The device in the `devices` file."""
        return f"{self.volume_id} {self.major} {self.minor} {self.node}"


def device_path(volume_id: int) -> str:
    """The name Hetzner documents as `linux_device`."""
    return f"/dev/disk/by-id/scsi-0HC_Volume_{volume_id}"


def automount_line(volume_id: int, fs: str) -> str:
    """The line of `/etc/fstab` that automount makes."""
    return f"{device_path(volume_id)} /mnt/HC_Volume_{volume_id} {fs} discard,nofail,defaults 0 0"


def meta_data(spec: MachineSpec) -> str:
    """NoCloud meta-data; JSON is YAML."""
    document: dict[str, object] = {
        "instance-id": str(spec.server_id),
        "local-hostname": spec.hostname,
        "public-keys": list(spec.authorized_keys),
    }
    return json.dumps(document, indent=1) + "\n"


def vendor_data(password_hash: str | None) -> str:
    """What the provider adds: root's password, to be changed at the first sign-in."""
    if password_hash is None:
        return "#cloud-config\n{}\n"
    user = {"name": "root", "password": password_hash, "type": "hash"}
    document = {"ssh_pwauth": True, "chpasswd": {"expire": True, "users": [user]}}
    return "#cloud-config\n" + json.dumps(document, indent=1) + "\n"


def hosts_file(hostname: str) -> str:
    """`/etc/hosts` of a new machine."""
    short = hostname.split(".")[0]
    names = hostname if short == hostname else f"{hostname} {short}"
    return f"127.0.0.1 localhost\n127.0.1.1 {names}\n::1 localhost ip6-localhost ip6-loopback\n"


def resolv_file(resolvers: Sequence[str]) -> str:
    """`/etc/resolv.conf` of a new machine; no loopback address, so containers inherit it."""
    for address in resolvers:
        if ipaddress.ip_address(address).is_loopback:
            raise ValueError(f"name server {address} is a loopback address; name a reachable one")
    return "".join(f"nameserver {address}\n" for address in resolvers)


def first_boot_files(
    spec: MachineSpec, *, resolvers: Sequence[str], password_hash: str | None
) -> dict[str, str]:
    """Files by path that give a new disk its identity."""
    sign_in = {} if password_hash is None else {"sshd.conf": "PermitRootLogin yes\n"}
    return {
        **sign_in,
        "first-boot": "",
        "hostname": spec.hostname + "\n",
        "hosts": hosts_file(spec.hostname),
        "resolv.conf": resolv_file(resolvers),
        "seed/meta-data": meta_data(spec),
        "seed/user-data": spec.user_data,
        "seed/vendor-data": vendor_data(password_hash),
    }


def every_boot_files(devices: Sequence[Device], fstab: Sequence[str]) -> dict[str, str]:
    """Files by path that describe the machine's volumes at this start."""
    return {
        "boot.sh": SCRIPT.read_text(),
        "devices": "".join(f"{device.line}\n" for device in devices),
        "fstab": "".join(f"{line}\n" for line in fstab),
    }


def write(folder: Path, files: dict[str, str]) -> None:
    """Put `files` below `folder`, readable by root only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(text)


def plugged(folder: Path) -> None:
    """Let the start go on: the network is there."""
    (folder / "plugged").touch()


def unplug(folder: Path) -> None:
    """Make the next start wait for its network again."""
    (folder / "plugged").unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Forget a machine's boot folder."""
    shutil.rmtree(folder, ignore_errors=True)
