"""What the back end must remember of servers and volumes to continue after a restart.

One JSON file per object, replaced in one step, readable by root only: it holds user data.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localcloud.machines.port import FirewallRule, MachineSpec, NetworkInterface


@dataclass(frozen=True, kw_only=True)
class ServerRecord:
    """A server; `wanted` says whether it should run, so that a reboot can be told from an end."""

    spec: MachineSpec
    firewall: tuple[FirewallRule, ...] | None = None
    wanted: bool = False


@dataclass(frozen=True, kw_only=True)
class VolumeRecord:
    """A volume and the server it is attached to."""

    volume_id: int
    size_gb: int
    fs: str | None
    server_id: int | None = None
    automount: bool = False


class Records:
    """The records of one instance, kept in memory and on disk."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / "records"
        self.servers: dict[int, ServerRecord] = {}
        self.volumes: dict[int, VolumeRecord] = {}

    def open(self) -> None:
        """Read what an earlier run wrote."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted(self._folder.glob("server-*.json")):
            record = server_from(json.loads(path.read_text()))
            self.servers[record.spec.server_id] = record
        for path in sorted(self._folder.glob("volume-*.json")):
            volume = VolumeRecord(**json.loads(path.read_text()))
            self.volumes[volume.volume_id] = volume

    def put_server(self, record: ServerRecord) -> None:
        """Remember a server."""
        self.servers[record.spec.server_id] = record
        self._write(f"server-{record.spec.server_id}.json", asdict(record))

    def put_volume(self, record: VolumeRecord) -> None:
        """Remember a volume."""
        self.volumes[record.volume_id] = record
        self._write(f"volume-{record.volume_id}.json", asdict(record))

    def forget_server(self, server_id: int) -> None:
        """Forget a server; absent is fine."""
        self.servers.pop(server_id, None)
        (self._folder / f"server-{server_id}.json").unlink(missing_ok=True)

    def forget_volume(self, volume_id: int) -> None:
        """Forget a volume; absent is fine."""
        self.volumes.pop(volume_id, None)
        (self._folder / f"volume-{volume_id}.json").unlink(missing_ok=True)

    def stock(self, name: str) -> str | None:
        """Content id of the Docker image that a stock image was unpacked from."""
        path = self._folder / f"stock-{name}"
        return path.read_text() if path.exists() else None

    def put_stock(self, name: str, image_id: str) -> None:
        """Remember what a stock image was unpacked from."""
        (self._folder / f"stock-{name}").write_text(image_id)

    def volumes_of(self, server_id: int) -> list[VolumeRecord]:
        """Volumes attached to a server, by id."""
        attached = [volume for volume in self.volumes.values() if volume.server_id == server_id]
        return sorted(attached, key=lambda volume: volume.volume_id)

    def _write(self, name: str, document: dict[str, Any]) -> None:
        draft = self._folder / f".{name}"
        draft.touch(mode=0o600)
        with draft.open("w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / name)


def server_from(document: dict[str, Any]) -> ServerRecord:
    """A server's record from its JSON form."""
    rules = document["firewall"]
    return ServerRecord(
        spec=spec_from(document["spec"]),
        firewall=None if rules is None else tuple(rule_from(rule) for rule in rules),
        wanted=document["wanted"],
    )


def spec_from(document: dict[str, Any]) -> MachineSpec:
    """A machine's description from its JSON form."""
    networks = tuple(
        NetworkInterface(**{**network, "alias_ips": tuple(network["alias_ips"])})
        for network in document["networks"]
    )
    keys = tuple(document["authorized_keys"])
    return MachineSpec(**{**document, "networks": networks, "authorized_keys": keys})


def rule_from(document: dict[str, Any]) -> FirewallRule:
    """A firewall rule from its JSON form."""
    return FirewallRule(**{**document, "networks": tuple(document["networks"])})
