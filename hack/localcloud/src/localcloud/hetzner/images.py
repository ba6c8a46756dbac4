"""Images: those of the system, and snapshots and backups of servers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from localcloud.hetzner import catalogue
from localcloud.hetzner.actions import Effect, Plan
from localcloud.hetzner.bodies import Body, LabelMap
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid, invalid_input, not_found, protected
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.listing import by_labels, chosen, first
from localcloud.hetzner.model import Action, Image
from localcloud.hetzner.replies import acted, action_route, action_routes, labelled, many, one
from localcloud.hetzner.routing import Call, Reply, Route

PATH = "/images"
_TYPES = ("system", "app", "snapshot", "backup")
_STATUSES = ("available", "creating", "unavailable")


class UpdateImage(Body):
    """`PUT /images/{id}`."""

    description: str | None = None
    type: Literal["snapshot"] | None = None
    labels: LabelMap | None = None


class ProtectImage(Body):
    """`POST …/actions/change_protection`."""

    delete: bool | None = None


def view(_cloud: Cloud, image: Image) -> dict[str, Any]:
    """An image as the API answers it; `deprecated` and its successor `deprecation` both."""
    origin = image.created_from
    return {
        "id": image.id,
        "type": image.type,
        "status": image.status,
        "name": image.name or None,
        "description": image.description,
        "image_size": image.image_size,
        "disk_size": image.disk_size,
        "created": image.created,
        "created_from": {"id": origin[0], "name": origin[1]} if origin else None,
        "bound_to": image.bound_to,
        "os_flavor": image.os_flavor,
        "os_version": image.os_version,
        "architecture": image.architecture,
        "rapid_deploy": image.rapid_deploy,
        "protection": {"delete": image.protected},
        "deprecated": None,
        "deprecation": None,
        "deleted": None,
        "labels": image.labels,
    }


def visible(call: Call) -> list[Image]:
    """The images a project can use."""
    own = call.cloud.state.images.where("project", call.project)
    return [*call.cloud.system_images.values(), *own]


def image_for(call: Call, reference: int | str, kind: catalogue.ServerType) -> Image:
    """The image a server of that type is made from; raises `invalid_input`."""
    wanted = str(reference)
    found = [image for image in visible(call) if str(image.id) == wanted]
    found = found or [image for image in visible(call) if image.name and image.name == wanted]
    fits = [image for image in found if image.architecture == kind.architecture]
    if not found:
        raise invalid_input("image not found")
    if not fits:
        raise invalid("image", "is incompatible with the architecture of the server type")
    if fits[0].status != "available":
        raise invalid("image", "is not available")
    return fits[0]


def check_room(call: Call) -> None:
    """Raise `resource_limit_exceeded` unless the project can have one more snapshot."""
    own = call.cloud.state.images.where("project", call.project)
    snapshots = sum(image.type == "snapshot" for image in own)
    check_limit(call.cloud.limits, "snapshot", snapshots + 1)


def _get(call: Call) -> Image:
    image = call.cloud.image(call.id)
    if image is None or image.project not in ("", call.project):
        raise not_found("image", call.id)
    return image


def _own(call: Call) -> Image:
    """The project's snapshot or backup; a system image cannot be changed."""
    image = _get(call)
    if image.type not in ("snapshot", "backup"):
        raise ApiError("forbidden", "only images of type snapshot and backup can be changed")
    return image


def _list(call: Call) -> Reply:
    name, query = first(call.query, "name"), call.query
    types, statuses = chosen(query, "type", _TYPES), chosen(query, "status", _STATUSES)
    bound = frozenset(text for text in query.get("bound_to") or () if text)
    architectures = chosen(query, "architecture", ("x86", "arm"))
    fits = [
        image
        for image in by_labels(visible(call), query)
        if name in (None, image.name)
        and (types is None or image.type in types)
        and (statuses is None or image.status in statuses)
        and (not bound or str(image.bound_to) in bound)
        and (architectures is None or image.architecture in architectures)
    ]
    return many(call, "images", fits, view)


def _update(call: Call) -> Reply:
    image, body = _own(call), call.body(UpdateImage)
    text = image.description if body.description is None else body.description
    changed = replace(image, description=text, labels=labelled(body.labels, image))
    if body.type == "snapshot" and image.type != "snapshot":
        check_room(call)
        changed = replace(changed, type="snapshot", bound_to=None)
    return one(call, "image", call.cloud.state.images.put(changed), view)


def discard(cloud: Cloud, image: Image) -> None:
    """Delete an image; its data goes in the background."""
    cloud.state.images.delete(image.id)
    cloud.engine.work(Plan(command="drop_image", resources=(), params={"image": image.id}))


def _delete(call: Call) -> Reply:
    image = _own(call)
    if image.protected:
        raise protected(f"{image.type} deletion is protected")
    if image.status == "creating":
        raise ApiError("locked", "cannot perform operation because image is locked")
    discard(call.cloud, image)
    return Reply(204, None)


def _change_protection(call: Call) -> Reply:
    image, body = _own(call), call.body(ProtectImage)
    if image.type != "snapshot":
        raise ApiError("unsupported_error", "only snapshots can be protected")
    if body.delete is not None:
        call.cloud.state.images.put(replace(image, protected=body.delete))
    plan = Plan(command="change_protection", resources=(("image", image.id),), params={})
    return acted(call, call.record(plan))


async def _run_drop(cloud: Cloud, action: Action) -> None:
    await cloud.machines.delete_image(action.params["image"])


EFFECTS = {"drop_image": Effect(_run_drop, seconds=0)}
ROUTES = [
    Route("GET", PATH, _list),
    Route("GET", f"{PATH}/{{id}}", lambda call: one(call, "image", _get(call), view)),
    Route("PUT", f"{PATH}/{{id}}", _update),
    Route("DELETE", f"{PATH}/{{id}}", _delete),
    action_route(f"{PATH}/{{id}}", "change_protection", _change_protection),
    *action_routes(PATH, "image", lambda call: _get(call).id),
]
