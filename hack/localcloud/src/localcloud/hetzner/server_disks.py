"""What changes a server's disk or size: rebuild, change of type, images, backups, ISOs."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from localcloud.hetzner import catalogue, images, servers, static
from localcloud.hetzner.actions import Effect, Plan
from localcloud.hetzner.bodies import Body, LabelMap, Reference
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, invalid_input, not_stopped, protected
from localcloud.hetzner.model import Action, Image, Server
from localcloud.hetzner.names import password
from localcloud.hetzner.replies import acted, action_route
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.server_create import USER_DATA_BYTES
from localcloud.hetzner.server_power import set_status
from localcloud.hetzner.specs import machine_spec

BACKUP_SLOTS = 7
BACKUP_WINDOW = "22-02"


class Rebuild(Body):
    """`POST …/actions/rebuild`."""

    image: Reference
    user_data: str | None = None


class ChangeType(Body):
    """`POST …/actions/change_type`."""

    server_type: Reference
    upgrade_disk: bool


class CreateImage(Body):
    """`POST …/actions/create_image`."""

    description: str | None = None
    type: Literal["snapshot", "backup"] | None = "snapshot"
    labels: LabelMap | None = None


class AttachIso(Body):
    """`POST …/actions/attach_iso`."""

    iso: Reference


def _kind_of(server: Server) -> catalogue.ServerType:
    kind = catalogue.server_type_named(server.server_type)
    if kind is None:
        raise ApiError("server_error", f"server type {server.server_type} is not known")
    return kind


def _rebuild(call: Call) -> Reply:
    server, body = servers.own(call), call.body(Rebuild)
    if server.protected:
        raise protected("server rebuild is protected")
    servers.unlocked(call)
    image = images.image_for(call, body.image, _kind_of(server))
    if image.disk_size > server.primary_disk_size:
        raise invalid("image", "needs a bigger disk than the server has")
    if len((body.user_data or "").encode()) > USER_DATA_BYTES:
        raise invalid("user_data", f"is longer than {USER_DATA_BYTES} bytes")
    secret = None if server.authorized_keys else password()
    data = server.user_data if body.user_data is None else body.user_data
    servers.with_status(call, server, "rebuilding")
    disk = {"image": image.id, "user_data": data}
    action = call.begin(servers.plan(server, "rebuild_server", password=secret, disk=disk))
    return acted(call, action, root_password=secret)


async def _run_rebuild(cloud: Cloud, action: Action) -> None:
    """The server is said to be of the new image only once its disk is."""
    server_id, disk = action.params["server"], action.params["disk"]
    await cloud.machines.stop(server_id)
    server = cloud.state.servers.get(server_id)
    if server is None:
        return
    renewed = replace(server, **disk)
    spec = machine_spec(cloud, renewed, root_password=action.params["password"])
    await cloud.machines.rebuild(spec)
    servers.change(cloud, server_id, **disk)
    await cloud.enforcement.enforce(server_id)
    await cloud.machines.start(server_id)
    set_status(cloud, server_id, "running", booted=True)


def _undo_to_off(cloud: Cloud, action: Action) -> None:
    set_status(cloud, action.params["server"], "off")


def _check_type(server: Server, kind: catalogue.ServerType) -> None:
    """Raise unless the server can become of that type."""
    present = _kind_of(server)
    if kind.architecture != present.architecture or kind.deprecation is not None:
        text = "server type does not fit the server or is deprecated"
        raise ApiError("invalid_server_type", text)
    if kind.id == present.id:
        raise ApiError("invalid_server_type", "server already is of that type")
    if kind.disk < server.primary_disk_size:
        raise ApiError("invalid_server_type", "server disk would have to shrink")
    if server.location not in kind.locations:
        raise invalid_input("unsupported location for server type")


def _change_type(call: Call) -> Reply:
    server, body = servers.unlocked(call), call.body(ChangeType)
    if server.status != "off":
        raise not_stopped()
    kind = catalogue.server_type_named(body.server_type)
    if kind is None:
        raise invalid_input("server type not found")
    _check_type(server, kind)
    if (kind.name, server.location) in call.cloud.sold_out:
        raise ApiError("resource_unavailable", "error during placement")
    disk = kind.disk if body.upgrade_disk else server.primary_disk_size
    action = call.begin(servers.plan(server, "change_server_type", type=kind.id, disk=disk))
    servers.with_status(call, server, "migrating")
    return acted(call, action)


async def _run_change_type(cloud: Cloud, action: Action) -> None:
    params, server_id = action.params, action.params["server"]
    size = {"server_type": params["type"], "primary_disk_size": params["disk"]}
    server = cloud.state.servers.get(server_id)
    if server is None:
        return
    await cloud.machines.resize(machine_spec(cloud, replace(server, **size)))
    servers.change(cloud, server_id, **size)
    await cloud.machines.start(server_id)
    set_status(cloud, server_id, "running", booted=True)


def _new_image(call: Call, server: Server, body: CreateImage) -> Image:
    origin = call.cloud.image(server.image)
    return Image(
        id=call.cloud.state.next_id(),
        project=call.project,
        name="",
        created=call.cloud.now(),
        labels=dict(body.labels or {}),
        type=body.type or "snapshot",
        status="creating",
        description=body.description or f"{body.type or 'snapshot'} {call.cloud.now()}",
        disk_size=server.primary_disk_size,
        created_from=(server.id, server.name),
        bound_to=server.id if body.type == "backup" else None,
        os_flavor=origin.os_flavor if origin else "unknown",
        os_version=origin.os_version if origin else None,
        architecture=_kind_of(server).architecture,
    )


def _create_image(call: Call) -> Reply:
    server, body, cloud = servers.unlocked(call), call.body(CreateImage), call.cloud
    if body.type == "backup" and server.backup_window is None:
        raise ApiError("unsupported_error", "backups are not enabled for the server")
    if body.type != "backup":
        images.check_room(call)
    image = cloud.state.images.put(_new_image(call, server, body))
    plan = Plan(
        command="create_image",
        resources=(("server", server.id), ("image", image.id)),
        params={"server": server.id, "image": image.id},
    )
    action = call.begin(plan)
    return acted(call, action, image=images.view(cloud, image))


async def _run_create_image(cloud: Cloud, action: Action) -> None:
    server_id, image_id = action.params["server"], action.params["image"]
    size = await cloud.machines.snapshot(server_id, image_id)
    image = cloud.state.images.get(image_id)
    if image is None:
        return
    cloud.state.images.put(replace(image, status="available", image_size=round(size, 3)))
    if image.type == "backup":
        _drop_oldest_backups(cloud, server_id)


def _drop_oldest_backups(cloud: Cloud, server_id: int) -> None:
    backups = cloud.state.images.where("bound_to", server_id)
    unprotected = [backup for backup in backups if not backup.protected]
    for backup in unprotected[: max(0, len(backups) - BACKUP_SLOTS)]:
        images.discard(cloud, backup)


def _undo_create_image(cloud: Cloud, action: Action) -> None:
    cloud.state.images.delete(action.params["image"])


def _enable_backup(call: Call) -> Reply:
    server = servers.unlocked(call)
    window = server.backup_window or BACKUP_WINDOW
    call.cloud.state.servers.put(replace(server, backup_window=window))
    return acted(call, call.record(servers.plan(server, "enable_backup")))


def _disable_backup(call: Call) -> Reply:
    server = servers.unlocked(call)
    for backup in call.cloud.state.images.where("bound_to", server.id):
        images.discard(call.cloud, backup)
    call.cloud.state.servers.put(replace(server, backup_window=None))
    return acted(call, call.record(servers.plan(server, "disable_backup")))


def _attach_iso(call: Call) -> Reply:
    server, body = servers.unlocked(call), call.body(AttachIso)
    iso = static.iso_of(body.iso)
    if iso is None:
        raise invalid_input("iso not found")
    if iso["architecture"] not in (None, _kind_of(server).architecture):
        raise invalid("iso", "is incompatible with the architecture of the server")
    call.cloud.state.servers.put(replace(server, iso=iso["id"]))
    return acted(call, call.record(servers.plan(server, "attach_iso")))


def _detach_iso(call: Call) -> Reply:
    server = servers.unlocked(call)
    call.cloud.state.servers.put(replace(server, iso=None))
    return acted(call, call.record(servers.plan(server, "detach_iso")))


EFFECTS = {
    "rebuild_server": Effect(_run_rebuild, _undo_to_off, seconds=20),
    "change_server_type": Effect(_run_change_type, _undo_to_off, seconds=30),
    "create_image": Effect(_run_create_image, _undo_create_image, seconds=60),
}
_ONE = f"{servers.PATH}/{{id}}"
ROUTES = [
    action_route(_ONE, "rebuild", _rebuild),
    action_route(_ONE, "change_type", _change_type),
    action_route(_ONE, "create_image", _create_image),
    action_route(_ONE, "enable_backup", _enable_backup),
    action_route(_ONE, "disable_backup", _disable_backup),
    action_route(_ONE, "attach_iso", _attach_iso),
    action_route(_ONE, "detach_iso", _detach_iso),
]
