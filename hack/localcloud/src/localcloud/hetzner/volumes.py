"""Volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan, check_unlocked
from localcloud.hetzner.bodies import Body, Id, LabelMap, Reference, Whole
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, invalid_input, protected
from localcloud.hetzner.family import Family
from localcloud.hetzner.listing import chosen
from localcloud.hetzner.model import Action, Server, Volume
from localcloud.hetzner.names import check_volume_name
from localcloud.hetzner.replies import acted, action_view, wanted
from localcloud.hetzner.routing import Call, Reply
from localcloud.hetzner.state import referenced

PATH = "/volumes"
SMALLEST, LARGEST, MOST_PER_SERVER = 10, 10240, 16


class CreateVolume(Body):
    """`POST /volumes`."""

    size: Whole
    name: str
    labels: LabelMap = Field(default_factory=dict)
    automount: bool | None = None
    format: Literal["ext4", "xfs"] | None = None
    location: Reference | None = None
    server: Id | None = None


class AttachVolume(Body):
    """`POST …/actions/attach`."""

    server: Id
    automount: bool | None = None


class ResizeVolume(Body):
    """`POST …/actions/resize`."""

    size: Whole


def view(_cloud: Cloud, volume: Volume) -> dict[str, Any]:
    """A volume as the API answers it."""
    return {
        "id": volume.id,
        "created": volume.created,
        "name": volume.name,
        "server": volume.server,
        "location": catalogue.location_view(volume.location),
        "size": volume.size,
        "linux_device": f"/dev/disk/by-id/scsi-0HC_Volume_{volume.id}",
        "protection": {"delete": volume.protected},
        "labels": volume.labels,
        "status": volume.status,
        "format": volume.format,
    }


def check_size(size: int) -> None:
    """Raise `invalid_input` for a size that is not sold."""
    if not SMALLEST <= size <= LARGEST:
        raise invalid("size", f"must be between {SMALLEST} and {LARGEST}")


def check_attachable(cloud: Cloud, volume: Volume, server: Server) -> None:
    """Raise unless the volume can be attached to the server."""
    if volume.server is not None:
        raise ApiError("volume_already_attached", "volume is already attached, detach it first")
    if volume.location != server.location:
        raise invalid("server", "must be in the same location as the volume")
    if cloud.state.volumes.count("server", server.id) >= MOST_PER_SERVER:
        raise invalid("server", f"has its maximum of {MOST_PER_SERVER} volumes")


def attach_plan(volume_id: int, server_id: int, automount: bool, after: int | None = None) -> Plan:
    """The action that attaches a volume."""
    return Plan(
        command="attach_volume",
        resources=(("server", server_id), ("volume", volume_id)),
        params={"volume": volume_id, "server": server_id, "automount": automount},
        after=after,
    )


VOLUMES = Family(
    path=PATH,
    kind="volume",
    what="volume",
    table=lambda state: state.volumes,
    view=view,
    check_name=check_volume_name,
)


def _list(call: Call) -> Reply:
    statuses = chosen(call.query, "status", ("available", "creating"))
    volumes = wanted(call, call.cloud.state.volumes)
    return VOLUMES.listed(call, (v for v in volumes if not statuses or v.status in statuses))


def _server(call: Call, server_id: int) -> Server:
    server = referenced(call.cloud.state.servers, call.project, server_id, "server")
    check_unlocked(call.cloud.state, "server", server.id)
    return server


def _location(call: Call, body: CreateVolume, server: Server | None) -> str:
    wish = server.location if server is not None else body.location
    name = catalogue.chosen_location(wish, "location", "or a server is required")
    if name in call.cloud.no_volume_space:
        raise ApiError("no_space_left_in_location", "no volume space left in location")
    return name


def _check_new(call: Call, body: CreateVolume) -> None:
    check_size(body.size)
    if body.location is not None and body.server is not None:
        raise invalid("location", "cannot be given together with a server")
    if body.automount and body.server is None:
        raise invalid("automount", "needs a server")
    VOLUMES.check_new(call, body.name)


def _create(call: Call) -> Reply:
    body, cloud = call.body(CreateVolume), call.cloud
    _check_new(call, body)
    server = _server(call, body.server) if body.server is not None else None
    volume = Volume(
        id=cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=cloud.now(),
        labels=body.labels,
        size=body.size,
        location=_location(call, body, server),
        format=body.format,
    )
    if server is not None:
        check_attachable(cloud, volume, server)
    cloud.state.volumes.put(volume)
    return _begin_create(call, volume, server, bool(body.automount))


def _begin_create(call: Call, volume: Volume, server: Server | None, automount: bool) -> Reply:
    with_server = (("server", server.id),) if server else ()
    params = {"volume": volume.id}
    resources = (*with_server, ("volume", volume.id))
    action = call.begin(Plan(command="create_volume", resources=resources, params=params))
    following = []
    if server is not None:
        plan = attach_plan(volume.id, server.id, automount, action.id)
        following.append(action_view(call.cloud, call.begin(plan)))
    rendered = view(call.cloud, volume)
    return acted(call, action, volume=rendered, next_actions=following)


def _delete(call: Call) -> Reply:
    volume, cloud = VOLUMES.own(call), call.cloud
    if volume.protected:
        raise protected("volume deletion is protected")
    check_unlocked(cloud.state, "volume", volume.id)
    if volume.server is not None:
        text = f"volume with ID '{volume.id}' is still attached to a server"
        raise ApiError("service_error", text)
    cloud.state.volumes.delete(volume.id)
    cloud.engine.work(Plan(command="drop_volume", resources=(), params={"volume": volume.id}))
    return Reply(204, None)


def _attach(call: Call) -> Reply:
    volume, body = VOLUMES.own(call), call.body(AttachVolume)
    check_unlocked(call.cloud.state, "volume", volume.id)
    server = _server(call, body.server)
    check_attachable(call.cloud, volume, server)
    return acted(call, call.begin(attach_plan(volume.id, server.id, bool(body.automount))))


def _detach(call: Call) -> Reply:
    volume, cloud = VOLUMES.own(call), call.cloud
    check_unlocked(cloud.state, "volume", volume.id)
    if volume.server is None:
        raise invalid_input("volume is not attached")
    check_unlocked(cloud.state, "server", volume.server)
    plan = Plan(
        command="detach_volume",
        resources=(("server", volume.server), ("volume", volume.id)),
        params={"volume": volume.id, "server": volume.server},
    )
    return acted(call, call.begin(plan))


def _resize(call: Call) -> Reply:
    volume, body = VOLUMES.own(call), call.body(ResizeVolume)
    check_unlocked(call.cloud.state, "volume", volume.id)
    check_size(body.size)
    if body.size <= volume.size:
        raise invalid("size", "must be larger than the volume is")
    plan = Plan(
        command="resize_volume",
        resources=(("volume", volume.id),),
        params={"volume": volume.id, "size": body.size},
    )
    return acted(call, call.begin(plan))


def _change(cloud: Cloud, action: Action, **changes: Any) -> None:
    volume = cloud.state.volumes.get(action.params["volume"])
    if volume is not None:
        cloud.state.volumes.put(replace(volume, **changes))


async def _run_create(cloud: Cloud, action: Action) -> None:
    volume = cloud.state.volumes.get(action.params["volume"])
    if volume is not None:
        await cloud.machines.create_volume(volume.id, volume.size, volume.format)
        _change(cloud, action, status="available")


async def _run_attach(cloud: Cloud, action: Action) -> None:
    volume_id, server_id = action.params["volume"], action.params["server"]
    automount = action.params["automount"]
    await cloud.machines.attach_volume(volume_id, server_id, automount=automount)
    _change(cloud, action, server=server_id)


async def _run_detach(cloud: Cloud, action: Action) -> None:
    await cloud.machines.detach_volume(action.params["volume"], action.params["server"])
    _change(cloud, action, server=None)


async def _run_resize(cloud: Cloud, action: Action) -> None:
    await cloud.machines.resize_volume(action.params["volume"], action.params["size"])
    _change(cloud, action, size=action.params["size"])


async def _run_drop(cloud: Cloud, action: Action) -> None:
    await cloud.machines.delete_volume(action.params["volume"])


EFFECTS = {
    "create_volume": Effect(_run_create, seconds=2),
    "attach_volume": Effect(_run_attach, seconds=3),
    "detach_volume": Effect(_run_detach, seconds=3),
    "resize_volume": Effect(_run_resize, seconds=2),
    "drop_volume": Effect(_run_drop, seconds=0),
}
ROUTES = [
    *VOLUMES.routes(listing=_list, create=_create, delete=_delete),
    VOLUMES.acts("attach", _attach),
    VOLUMES.acts("detach", _detach),
    VOLUMES.acts("resize", _resize),
    VOLUMES.acts("change_protection", VOLUMES.protect),
    *VOLUMES.action_routes(),
]
