"""Hetzner Cloud behind the cloud port (see there for what each method promises)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tenant_operator.cloud import hetzner_values as values
from tenant_operator.cloud.port import Created, fault
from tenant_operator.core.faults import Busy, Gone, Refused
from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    FirewallSpec,
    Image,
    PrimaryIP,
    RateBudget,
    Server,
    ServerSpec,
    ServerType,
    SshKey,
    Volume,
    VolumeSpec,
)
from tenant_operator.providers.hetzner_api import PAGE, HetznerApi

T = TypeVar("T")
Parse = Callable[[Mapping[str, Any]], T]


def hetzner_api(token: str, *, endpoint: str) -> HetznerApi:
    """A project's API with the cloud port's error table; one per token."""
    return HetznerApi(token, endpoint=endpoint, fault=fault)


class HetznerCloud:
    """One Hetzner project (see `cloud.port.Cloud`)."""

    def __init__(self, api: HetznerApi) -> None:
        self._api = api

    async def find_server(self, name: str) -> Server | None:
        """The server of exactly that name."""
        return await self._named("servers", name, values.server)

    async def get_server(self, server_id: int) -> Server | None:
        """The server of that id; None only on the provider's `not_found`."""
        return await self._one("servers", server_id, key="server", parse=values.server)

    async def list_servers(self, selector: str) -> tuple[Server, ...]:
        """Every server that a label selector matches."""
        return await self._selected("servers", selector, values.server)

    async def create_server(self, spec: ServerSpec) -> Created[Server]:
        """Make and start a server."""
        answer = await self._api.post("/servers", values.server_body(spec))
        return Created(value=values.server(answer["server"]), actions=values.actions(answer))

    async def delete_server(self, server_id: int) -> ActionRef | None:
        """Remove a server; None if absent."""
        try:
            return values.action((await self._api.delete(f"/servers/{server_id}"))["action"])
        except Gone:
            return None

    async def power_on(self, server_id: int) -> ActionRef | None:
        """Start a server that is off."""
        return await self._act(f"/servers/{server_id}/actions/poweron")

    async def shutdown(self, server_id: int) -> ActionRef | None:
        """Send the power-button signal."""
        return await self._act(f"/servers/{server_id}/actions/shutdown")

    async def power_off(self, server_id: int) -> ActionRef | None:
        """Cut the power."""
        return await self._act(f"/servers/{server_id}/actions/poweroff")

    async def change_type(self, server_id: int, type_name: str) -> ActionRef:
        """Make a server that is off one of another type; its disk keeps its size."""
        body = {"server_type": type_name, "upgrade_disk": False}
        return await self._act(f"/servers/{server_id}/actions/change_type", body)

    async def label_server(self, server_id: int, labels: Mapping[str, str]) -> Server:
        """Replace the whole label map."""
        answer = await self._api.put(f"/servers/{server_id}", {"labels": dict(labels)})
        return values.server(answer["server"])

    async def find_volume(self, name: str) -> Volume | None:
        """The volume of exactly that name."""
        return await self._named("volumes", name, values.volume)

    async def get_volume(self, volume_id: int) -> Volume | None:
        """The volume of that id; None only on the provider's `not_found`."""
        return await self._one("volumes", volume_id, key="volume", parse=values.volume)

    async def list_volumes(self, selector: str) -> tuple[Volume, ...]:
        """Every volume that a label selector matches."""
        return await self._selected("volumes", selector, values.volume)

    async def create_volume(self, spec: VolumeSpec) -> Created[Volume]:
        """Make a formatted, detached volume."""
        answer = await self._api.post("/volumes", values.volume_body(spec))
        return Created(value=values.volume(answer["volume"]), actions=values.actions(answer))

    async def attach_volume(self, volume_id: int, server_id: int) -> ActionRef | None:
        """Attach without mounting; when refused, looks whether it hangs there already."""
        body = {"server": server_id, "automount": False}
        try:
            return await self._act(f"/volumes/{volume_id}/actions/attach", body)
        except (Busy, Refused):
            found = await self.get_volume(volume_id)
            if found is not None and found.server_id == server_id:
                return None
            raise

    async def detach_volume(self, volume_id: int) -> ActionRef | None:
        """Detach; when refused, looks whether it is attached at all."""
        try:
            return await self._act(f"/volumes/{volume_id}/actions/detach")
        except Gone:
            return None
        except (Busy, Refused):
            found = await self.get_volume(volume_id)
            if found is None or found.server_id is None:
                return None
            raise

    async def resize_volume(self, volume_id: int, size_gib: int) -> ActionRef | None:
        """Grow the device; when refused, looks whether it has that size already."""
        try:
            return await self._act(f"/volumes/{volume_id}/actions/resize", {"size": size_gib})
        except Refused:
            found = await self.get_volume(volume_id)
            if found is not None and found.size_gib == size_gib:
                return None
            raise

    async def delete_volume(self, volume_id: int) -> None:
        """Remove a detached volume and its data."""
        await self._remove(f"/volumes/{volume_id}")

    async def label_volume(
        self, volume_id: int, labels: Mapping[str, str], *, name: str = ""
    ) -> Volume:
        """Replace the whole label map and, when given, the name."""
        body = {"labels": dict(labels), **({"name": name} if name else {})}
        answer = await self._api.put(f"/volumes/{volume_id}", body)
        return values.volume(answer["volume"])

    async def find_primary_ip(self, name: str) -> PrimaryIP | None:
        """The address of exactly that name."""
        return await self._named("primary_ips", name, values.primary_ip)

    async def list_primary_ips(self, selector: str) -> tuple[PrimaryIP, ...]:
        """Every address that a label selector matches."""
        return await self._selected("primary_ips", selector, values.primary_ip)

    async def create_primary_ip(
        self, name: str, *, location: str, labels: Mapping[str, str]
    ) -> PrimaryIP:
        """Reserve an unassigned IPv4 that outlives servers."""
        body = {
            "name": name,
            "type": "ipv4",
            "assignee_type": "server",
            "location": location,
            "labels": dict(labels),
            "auto_delete": False,
        }
        return values.primary_ip((await self._api.post("/primary_ips", body))["primary_ip"])

    async def delete_primary_ip(self, ip_id: int) -> None:
        """Give an unassigned address back."""
        await self._remove(f"/primary_ips/{ip_id}")

    async def find_firewall(self, name: str) -> Firewall | None:
        """The firewall of exactly that name."""
        return await self._named("firewalls", name, values.firewall)

    async def create_firewall(self, spec: FirewallSpec) -> Created[Firewall]:
        """Make a firewall for all servers its selector matches."""
        body = {
            "name": spec.name,
            "labels": dict(spec.labels),
            "rules": values.rules_body(spec),
            "apply_to": [values.selector_target(spec.selector)],
        }
        answer = await self._api.post("/firewalls", body)
        return Created(value=values.firewall(answer["firewall"]), actions=values.actions(answer))

    async def set_firewall(self, firewall_id: int, spec: FirewallSpec) -> tuple[ActionRef, ...]:
        """Labels, rules, then targets; the answer to the first says which targets differ."""
        path = f"/firewalls/{firewall_id}"
        answer = await self._api.put(path, {"labels": dict(spec.labels)})
        found = values.firewall(answer["firewall"])
        rules = await self._api.post(
            f"{path}/actions/set_rules", {"rules": values.rules_body(spec)}
        )
        surplus = [item for item in found.selectors if item != spec.selector]
        missing = [] if spec.selector in ("", *found.selectors) else [spec.selector]
        return (
            *values.actions(rules),
            *await self._retarget(f"{path}/actions/apply_to_resources", "apply_to", missing),
            *await self._retarget(f"{path}/actions/remove_from_resources", "remove_from", surplus),
        )

    async def _retarget(
        self, path: str, key: str, selectors: Sequence[str]
    ) -> tuple[ActionRef, ...]:
        """Add or remove targets of a firewall, if there are any to."""
        if not selectors:
            return ()
        targets = [values.selector_target(selector) for selector in selectors]
        return values.actions(await self._api.post(path, {key: targets}))

    async def delete_firewall(self, firewall_id: int) -> None:
        """Remove a firewall."""
        await self._remove(f"/firewalls/{firewall_id}")

    async def find_ssh_key(self, name: str) -> SshKey | None:
        """The public key of exactly that name."""
        return await self._named("ssh_keys", name, values.ssh_key)

    async def create_ssh_key(
        self, name: str, *, public_key: str, labels: Mapping[str, str]
    ) -> SshKey:
        """Register a public key."""
        body = {"name": name, "public_key": public_key, "labels": dict(labels)}
        return values.ssh_key((await self._api.post("/ssh_keys", body))["ssh_key"])

    async def delete_ssh_key(self, key_id: int) -> None:
        """Remove a public key."""
        await self._remove(f"/ssh_keys/{key_id}")

    async def find_image(self, name: str, *, architecture: str) -> Image | None:
        """The newest system image of that name."""
        query = {"name": name, "architecture": architecture, "type": "system"}
        found = await self._api.every("/images", "images", query)
        return values.image(max(found, key=lambda item: item["id"])) if found else None

    async def list_snapshots(self, selector: str) -> tuple[Image, ...]:
        """Every snapshot that a label selector matches."""
        query = {"type": "snapshot", "label_selector": selector}
        return tuple(map(values.image, await self._api.every("/images", "images", query)))

    async def create_snapshot(
        self, server_id: int, *, description: str, labels: Mapping[str, str]
    ) -> Created[Image]:
        """Copy the root disk of a server."""
        body = {"type": "snapshot", "description": description, "labels": dict(labels)}
        answer = await self._api.post(f"/servers/{server_id}/actions/create_image", body)
        return Created(value=values.image(answer["image"]), actions=values.actions(answer))

    async def delete_image(self, image_id: int) -> None:
        """Remove a snapshot."""
        await self._remove(f"/images/{image_id}")

    async def actions(self, ids: Sequence[int]) -> tuple[ActionRef, ...]:
        """How those actions stand, 50 per request."""
        found: list[ActionRef] = []
        for start in range(0, len(ids), PAGE):
            chunk = list(ids[start : start + PAGE])
            answer = await self._api.get("/actions", {"id": chunk, "per_page": PAGE})
            found += map(values.action, answer["actions"])
        return tuple(found)

    async def server_types(self) -> tuple[ServerType, ...]:
        """Everything on offer."""
        found = await self._api.every("/server_types", "server_types")
        return tuple(map(values.server_type, found))

    def budget(self) -> RateBudget | None:
        """The rate-limit headers of the last answer."""
        return self._api.budget

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    async def _named(self, kind: str, name: str, parse: Parse[T]) -> T | None:
        """The one object of a name; names are unique per project and kind."""
        found = (await self._api.get(f"/{kind}", {"name": name}))[kind]
        return parse(found[0]) if found else None

    async def _one(self, kind: str, number: int, *, key: str, parse: Parse[T]) -> T | None:
        """An object by its id."""
        try:
            return parse((await self._api.get(f"/{kind}/{number}"))[key])
        except Gone:
            return None

    async def _selected(self, kind: str, selector: str, parse: Parse[T]) -> tuple[T, ...]:
        """Every object that a label selector matches."""
        query = {"label_selector": selector} if selector else {}
        return tuple(map(parse, await self._api.every(f"/{kind}", kind, query)))

    async def _act(self, path: str, body: Mapping[str, Any] | None = None) -> ActionRef:
        """Start an action."""
        return values.action((await self._api.post(path, body))["action"])

    async def _remove(self, path: str) -> None:
        """Delete; absent is success."""
        try:
            await self._api.delete(path)
        except Gone:
            return
