"""The operator's cloud in memory: one project whose jobs end at once, fail, or stick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from plugins.memory_world import World
from tenant_operator.cloud.port import Created, fault
from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    FirewallSpec,
    Image,
    Labels,
    PrimaryIP,
    RateBudget,
    Server,
    ServerSpec,
    ServerType,
    SshKey,
    Volume,
    VolumeSpec,
)

TYPES = (
    ServerType(
        name="cx23",
        cores=2,
        memory_gib=4.0,
        disk_gib=40,
        architecture="x86",
        offers={"fsn1": True, "nbg1": True},
    ),
    ServerType(
        name="cx33",
        cores=4,
        memory_gib=8.0,
        disk_gib=80,
        architecture="x86",
        offers={"fsn1": True, "nbg1": True},
    ),
)


class MemoryCloud:
    """A project; actions end at once unless their command is in `World.fail_actions`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.servers: dict[int, Server] = {}
        self.volumes: dict[int, Volume] = {}
        self.ips: dict[int, PrimaryIP] = {}
        self.firewalls: dict[int, Firewall] = {}
        self.keys: dict[int, SshKey] = {}
        self.images: dict[int, Image] = {}
        self.boot: dict[int, ServerSpec] = {}
        self.done: dict[int, ActionRef] = {}
        self.types: tuple[ServerType, ...] = TYPES
        self.stock_images = {"debian-13"}
        self.ignores_the_button = False
        self.late: list[Callable[[], None]] = []
        self._next = 100

    def new_id(self) -> int:
        self._next += 1
        return self._next

    def action(self, command: str, change: Callable[[], None] = lambda: None) -> ActionRef:
        """A job of the provider; what it changes is so when it ends well."""
        failed = command in self.world.fail_actions
        if failed:
            self.world.fail_actions.discard(command)
        action = ActionRef(
            id=self.new_id(),
            command=command,
            status="error" if failed else "success",
            error_code="action_failed" if failed else "",
        )
        running = replace(action, status="running", error_code="")
        sticks = command in self.world.stick_actions
        self.done[action.id] = running if sticks else action
        if sticks:
            self.late.append(change)
        elif not failed:
            change()
        return running

    def release(self) -> None:
        """Actions that stick end well after all."""
        self.world.stick_actions.clear()
        late, self.late = self.late, []
        for change in late:
            change()
        self.done = {id_: replace(held, status="success") for id_, held in self.done.items()}

    def _unique(self, things: Mapping[int, Any], name: str) -> None:
        if any(thing.name == name for thing in things.values()):
            raise fault("uniqueness_error", f"{name} is already used")

    # servers
    async def find_server(self, name: str) -> Server | None:
        self.world.read("find_server")
        return next((s for s in self.servers.values() if s.name == name), None)

    async def get_server(self, server_id: int) -> Server | None:
        self.world.read("get_server")
        return self.servers.get(server_id)

    async def list_servers(self, selector: str) -> tuple[Server, ...]:
        self.world.read("list_servers")
        return tuple(s for s in self.servers.values() if matches(s.labels, selector))

    async def create_server(self, spec: ServerSpec) -> Created[Server]:
        with self.world.effect("create_server"):
            self._unique(self.servers, spec.name)
            id_ = self.new_id()
            ip = self.ips[spec.primary_ipv4_id] if spec.primary_ipv4_id else None
            server = Server(
                id=id_,
                name=spec.name,
                status="running",
                type=spec.type,
                location=spec.location,
                ipv4=ip.ip if ip else f"203.0.113.{id_ % 250}",
                ipv6=None,
                labels=dict(spec.labels),
                volume_ids=spec.volume_ids,
                disk_gib=next(kind.disk_gib for kind in self.types if kind.name == spec.type),
                created=self.world.now,
            )
            self.servers[id_] = server
            self.boot[id_] = spec
            for volume in spec.volume_ids:
                assert self.volumes[volume].location == spec.location
                self.volumes[volume] = replace(self.volumes[volume], server_id=id_)
            if ip:
                assert ip.location == spec.location
                self.ips[ip.id] = replace(ip, server_id=id_)
        return Created(value=server, actions=(self.action("create_server"),))

    async def delete_server(self, server_id: int) -> ActionRef | None:
        with self.world.effect("delete_server"):
            if server_id not in self.servers:
                return None
            return self.action("delete_server", lambda: self._remove_server(server_id))

    def _remove_server(self, server_id: int) -> None:
        del self.servers[server_id]
        for volume in self.volumes.values():
            if volume.server_id == server_id:
                self.volumes[volume.id] = replace(volume, server_id=None)
        for ip in self.ips.values():
            if ip.server_id == server_id:
                self.ips[ip.id] = replace(ip, server_id=None)

    def _change_server(self, server_id: int, **changes: Any) -> None:
        self.servers[server_id] = replace(self.servers[server_id], **changes)

    def _change_volume(self, volume_id: int, **changes: Any) -> None:
        self.volumes[volume_id] = replace(self.volumes[volume_id], **changes)

    async def power_on(self, server_id: int) -> ActionRef | None:
        with self.world.effect("power_on"):
            return self.action(
                "start_server", lambda: self._change_server(server_id, status="running")
            )

    async def shutdown(self, server_id: int) -> ActionRef | None:
        with self.world.effect("shutdown"):
            if not self.ignores_the_button:
                self.servers[server_id] = replace(self.servers[server_id], status="off")
        return self.action("shutdown_server")

    async def power_off(self, server_id: int) -> ActionRef | None:
        with self.world.effect("power_off"):
            return self.action("stop_server", lambda: self._change_server(server_id, status="off"))

    async def change_type(self, server_id: int, type_name: str) -> ActionRef:
        with self.world.effect("change_type"):
            held = self.servers[server_id]
            if held.status != "off":
                raise fault("server_not_stopped", "the server is on")
            if held.type == type_name:
                raise fault("invalid_server_type", "it is of that type")
            return self.action(
                "change_server_type", lambda: self._change_server(server_id, type=type_name)
            )

    async def label_server(self, server_id: int, labels: Mapping[str, str]) -> Server:
        with self.world.effect("label_server"):
            self.servers[server_id] = replace(self.servers[server_id], labels=dict(labels))
        return self.servers[server_id]

    # volumes
    async def find_volume(self, name: str) -> Volume | None:
        self.world.read("find_volume")
        return next((v for v in self.volumes.values() if v.name == name), None)

    async def get_volume(self, volume_id: int) -> Volume | None:
        return self.volumes.get(volume_id)

    async def list_volumes(self, selector: str) -> tuple[Volume, ...]:
        self.world.read("list_volumes")
        return tuple(v for v in self.volumes.values() if matches(v.labels, selector))

    async def create_volume(self, spec: VolumeSpec) -> Created[Volume]:
        with self.world.effect("create_volume"):
            self._unique(self.volumes, spec.name)
            id_ = self.new_id()
            self.volumes[id_] = Volume(
                id=id_,
                name=spec.name,
                size_gib=spec.size_gib,
                location=spec.location,
                status="available",
                device=f"/dev/disk/by-id/scsi-0HC_Volume_{id_}",
                labels=dict(spec.labels),
                format=spec.format,
            )
        return Created(value=self.volumes[id_], actions=(self.action("create_volume"),))

    async def attach_volume(self, volume_id: int, server_id: int) -> ActionRef | None:
        with self.world.effect("attach_volume"):
            return self.action(
                "attach_volume", lambda: self._change_volume(volume_id, server_id=server_id)
            )

    async def detach_volume(self, volume_id: int) -> ActionRef | None:
        with self.world.effect("detach_volume"):
            self.volumes[volume_id] = replace(self.volumes[volume_id], server_id=None)
        return self.action("detach_volume")

    async def resize_volume(self, volume_id: int, size_gib: int) -> ActionRef | None:
        with self.world.effect("resize_volume"):
            return self.action(
                "resize_volume", lambda: self._change_volume(volume_id, size_gib=size_gib)
            )

    async def delete_volume(self, volume_id: int) -> None:
        with self.world.effect("delete_volume"):
            held = self.volumes.get(volume_id)
            if held is not None and held.server_id is not None:
                raise fault("locked", "the volume is attached")
            self.volumes.pop(volume_id, None)

    async def label_volume(
        self, volume_id: int, labels: Mapping[str, str], *, name: str = ""
    ) -> Volume:
        with self.world.effect("label_volume"):
            held = self.volumes[volume_id]
            if name not in ("", held.name):
                self._unique(self.volumes, name)
            self.volumes[volume_id] = replace(held, labels=dict(labels), name=name or held.name)
        return self.volumes[volume_id]

    # addresses
    async def find_primary_ip(self, name: str) -> PrimaryIP | None:
        self.world.read("find_primary_ip")
        return next((i for i in self.ips.values() if i.name == name), None)

    async def list_primary_ips(self, selector: str) -> tuple[PrimaryIP, ...]:
        self.world.read("list_primary_ips")
        return tuple(i for i in self.ips.values() if matches(i.labels, selector))

    async def create_primary_ip(
        self, name: str, *, location: str, labels: Mapping[str, str]
    ) -> PrimaryIP:
        with self.world.effect("create_primary_ip"):
            self._unique(self.ips, name)
            id_ = self.new_id()
            self.ips[id_] = PrimaryIP(
                id=id_,
                name=name,
                ip=f"198.51.100.{id_ % 250}",
                location=location,
                labels=dict(labels),
            )
        return self.ips[id_]

    async def delete_primary_ip(self, ip_id: int) -> None:
        with self.world.effect("delete_primary_ip"):
            held = self.ips.get(ip_id)
            if held is not None and held.server_id is not None:
                raise fault("must_be_unassigned", "the address is assigned")
            self.ips.pop(ip_id, None)

    # the rest
    async def find_firewall(self, name: str) -> Firewall | None:
        return next((f for f in self.firewalls.values() if f.name == name), None)

    async def create_firewall(self, spec: FirewallSpec) -> Created[Firewall]:
        with self.world.effect("create_firewall"):
            self._unique(self.firewalls, spec.name)
            id_ = self.new_id()
            self.firewalls[id_] = _firewall(id_, spec)
        return Created(value=self.firewalls[id_])

    async def set_firewall(self, firewall_id: int, spec: FirewallSpec) -> tuple[ActionRef, ...]:
        with self.world.effect("set_firewall"):
            self.firewalls[firewall_id] = _firewall(firewall_id, spec)
        return ()

    async def delete_firewall(self, firewall_id: int) -> None:
        with self.world.effect("delete_firewall"):
            if firewall_id in self.firewalls and self.firewalls[firewall_id].selectors:
                raise fault("resource_in_use", "the firewall is applied")
            self.firewalls.pop(firewall_id, None)

    async def find_ssh_key(self, name: str) -> SshKey | None:
        return next((k for k in self.keys.values() if k.name == name), None)

    async def create_ssh_key(
        self, name: str, *, public_key: str, labels: Mapping[str, str]
    ) -> SshKey:
        with self.world.effect("create_ssh_key"):
            self._unique(self.keys, name)
            id_ = self.new_id()
            self.keys[id_] = SshKey(
                id=id_, name=name, fingerprint=public_key[-16:], labels=dict(labels)
            )
        return self.keys[id_]

    async def delete_ssh_key(self, key_id: int) -> None:
        with self.world.effect("delete_ssh_key"):
            self.keys.pop(key_id, None)

    async def find_image(self, name: str, *, architecture: str) -> Image | None:
        if name not in self.stock_images:
            return None
        return Image(
            id=1,
            name=name,
            type="system",
            status="available",
            architecture="x86",
            disk_gib=5,
            labels={},
        )

    async def list_snapshots(self, selector: str) -> tuple[Image, ...]:
        return tuple(i for i in self.images.values() if matches(i.labels, selector))

    async def create_snapshot(
        self, server_id: int, *, description: str, labels: Mapping[str, str]
    ) -> Created[Image]:
        with self.world.effect("create_snapshot"):
            id_ = self.new_id()
            self.images[id_] = Image(
                id=id_,
                name=None,
                type="snapshot",
                status="available",
                architecture="x86",
                disk_gib=40,
                labels=dict(labels),
            )
        return Created(value=self.images[id_])

    async def delete_image(self, image_id: int) -> None:
        with self.world.effect("delete_image"):
            self.images.pop(image_id, None)

    async def actions(self, ids: Sequence[int]) -> tuple[ActionRef, ...]:
        self.world.read("actions")
        return tuple(self.done[id_] for id_ in ids if id_ in self.done)

    async def server_types(self) -> tuple[ServerType, ...]:
        self.world.read("server_types")
        return self.types

    def budget(self) -> RateBudget | None:
        return None

    async def close(self) -> None:
        return None


def _firewall(id_: int, spec: FirewallSpec) -> Firewall:
    return Firewall(
        id=id_,
        name=spec.name,
        rules=spec.rules,
        selectors=(spec.selector,) if spec.selector else (),
        labels=dict(spec.labels),
    )


def matches(labels: Labels, selector: str) -> bool:
    """Equality terms of a label selector."""
    pairs = (term.split("=", 1) for term in selector.split(","))
    return all(labels.get(key) == value for key, value in pairs)


def foreign_server(name: str) -> Server:
    """A server of that name which is somebody else's."""
    return Server(
        id=1,
        name=name,
        status="running",
        type="cx23",
        location="fsn1",
        ipv4="203.0.113.1",
        ipv6=None,
        labels={"owner": "somebody"},
    )
