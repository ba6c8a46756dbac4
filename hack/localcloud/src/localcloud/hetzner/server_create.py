"""Making a server: everything the request names is looked up before anything is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from localcloud.hetzner import catalogue, images, placement_groups, servers
from localcloud.hetzner.actions import Effect, Plan, check_unlocked
from localcloud.hetzner.bodies import Body, Id, LabelMap, Reference
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.enforcement import MOST_PER_SERVER as MOST_FIREWALLS
from localcloud.hetzner.errors import ApiError, invalid, invalid_input
from localcloud.hetzner.firewalls import store
from localcloud.hetzner.limits import check_limit
from localcloud.hetzner.model import (
    Action,
    Firewall,
    Image,
    IpType,
    Network,
    PrimaryIp,
    Server,
    SshKey,
    Target,
    Volume,
)
from localcloud.hetzner.names import check_hostname, password
from localcloud.hetzner.primary_ips import new_ip
from localcloud.hetzner.replies import action_view
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.hetzner.server_networks import attach_plan as network_plan
from localcloud.hetzner.server_networks import attached, check_overlap
from localcloud.hetzner.specs import machine_spec
from localcloud.hetzner.state import check_name_free, referenced
from localcloud.hetzner.volumes import MOST_PER_SERVER as MOST_VOLUMES
from localcloud.hetzner.volumes import attach_plan as volume_plan

USER_DATA_BYTES = 32 * 1024


class PublicNet(Body):
    """The public addresses that are wanted."""

    enable_ipv4: bool | None = True
    enable_ipv6: bool | None = True
    ipv4: Id | None = None
    ipv6: Id | None = None


class FirewallReference(Body):
    """A firewall to be applied."""

    firewall: Id


class CreateServer(Body):
    """`POST /servers`."""

    name: str
    server_type: Reference
    image: Reference
    location: Reference | None = None
    start_after_create: bool | None = True
    placement_group: Id | None = None
    ssh_keys: list[Reference] | None = None
    volumes: list[Id] | None = None
    networks: list[Id] | None = None
    firewalls: list[FirewallReference] | None = None
    user_data: str | None = None
    labels: LabelMap | None = None
    automount: bool | None = None
    public_net: PublicNet | None = None
    datacenter: Any = None


@dataclass(frozen=True)
class Order:
    """A request with everything it names found."""

    body: CreateServer
    kind: catalogue.ServerType
    image: Image
    location: str
    keys: tuple[SshKey, ...]
    volumes: tuple[Volume, ...]
    networks: tuple[Network, ...]
    firewalls: tuple[Firewall, ...]
    own_ips: tuple[PrimaryIp, ...]
    new_ips: tuple[IpType, ...]
    group: int | None


def _kind(body: CreateServer) -> catalogue.ServerType:
    kind = catalogue.server_type_named(body.server_type)
    if kind is None:
        raise invalid_input("server type not found")
    if kind.deprecation is not None:
        raise invalid_input(f"server type {kind.id} is deprecated")
    return kind


def _location(call: Call, body: CreateServer, kind: catalogue.ServerType) -> str:
    """The location asked for, or the first that sells the type now."""
    sold_out = call.cloud.sold_out
    if body.location is None:
        offers = [name for name in kind.locations if (kind.name, name) not in sold_out]
        if not offers:
            raise ApiError("resource_unavailable", "error during placement")
        return offers[0]
    place = catalogue.location_named(body.location)
    if place is None:
        raise invalid_input("location not found")
    if place.name not in kind.locations:
        raise invalid_input("unsupported location for server type")
    if (kind.name, place.name) in sold_out:
        raise ApiError("resource_unavailable", "error during placement")
    return place.name


def _check_body(call: Call, body: CreateServer) -> None:
    check_hostname(body.name)
    check_name_free(call.cloud.state.servers, None, call.project, body.name)
    if body.datacenter is not None:
        raise invalid("datacenter", "is no longer supported, use location")
    if len((body.user_data or "").encode()) > USER_DATA_BYTES:
        raise invalid("user_data", f"is longer than {USER_DATA_BYTES} bytes")
    if body.automount and not body.volumes:
        raise invalid("automount", "needs volumes")


def _check_limits(call: Call, kind: catalogue.ServerType) -> None:
    cloud, table = call.cloud, call.cloud.state.servers
    check_limit(cloud.limits, "server", table.count("project", call.project) + 1)
    if kind.dedicated and "dedicated_cores" in cloud.limits:
        present = table.where("project", call.project)
        types = (catalogue.server_type_named(server.server_type) for server in present)
        cores = sum(other.cores for other in types if other is not None and other.dedicated)
        check_limit(cloud.limits, "dedicated_cores", cores + kind.cores)


def _own_ip(call: Call, ip_id: int, kind: IpType, location: str) -> PrimaryIp:
    ip = call.cloud.state.primary_ips.get(ip_id)
    if ip is None or ip.project != call.project:
        raise invalid_input("primary ip not found")
    if ip.type != kind:
        raise ApiError("primary_ip_version_mismatch", "primary IP has the wrong IP version")
    if ip.assignee is not None:
        raise ApiError("primary_ip_assigned", "primary IP is already assigned")
    if ip.location != location:
        text = "primary IP is in a different location"
        raise ApiError("primary_ip_datacenter_mismatch", text)
    check_unlocked(call.cloud.state, "primary_ip", ip.id)
    return ip


def _addresses(
    call: Call, net: PublicNet, location: str
) -> tuple[tuple[PrimaryIp, ...], tuple[IpType, ...]]:
    """The project's own addresses that are used, and the kinds that have to be made."""
    own: list[PrimaryIp] = []
    new: list[IpType] = []
    wishes: tuple[tuple[IpType, bool | None, int | None], ...] = (
        ("ipv4", net.enable_ipv4, net.ipv4),
        ("ipv6", net.enable_ipv6, net.ipv6),
    )
    for kind, enabled, ip_id in wishes:
        if enabled is False:
            continue
        if ip_id is not None:
            own.append(_own_ip(call, ip_id, kind, location))
        else:
            new.append(kind)
    return tuple(own), tuple(new)


def _volumes(call: Call, body: CreateServer, location: str) -> tuple[Volume, ...]:
    state, found = call.cloud.state, []
    for volume_id in dict.fromkeys(body.volumes or ()):
        volume = referenced(state.volumes, call.project, volume_id, "volume")
        check_unlocked(call.cloud.state, "volume", volume.id)
        if volume.server is not None:
            text = "volume is already attached, detach it first"
            raise ApiError("volume_already_attached", text)
        if volume.location != location:
            raise invalid("volumes", "must be in the same location as the server")
        found.append(volume)
    return tuple(found)


def _group(call: Call, body: CreateServer) -> int | None:
    if body.placement_group is None:
        return None
    table = call.cloud.state.placement_groups
    group = referenced(table, call.project, body.placement_group, "placement group")
    placement_groups.check_room(call.cloud, group)
    return group.id


def _order(call: Call, body: CreateServer) -> Order:
    """Find and check everything that the request names."""
    _check_body(call, body)
    kind, state, project = _kind(body), call.cloud.state, call.project
    location, image = _location(call, body, kind), images.image_for(call, body.image, kind)
    if image.disk_size > kind.disk:
        raise invalid("image", "needs a bigger disk than the server type has")
    keys = [referenced(state.ssh_keys, project, key, "SSH key") for key in body.ssh_keys or ()]
    networks = [
        referenced(state.networks, project, net, "network")
        for net in dict.fromkeys(body.networks or ())
    ]
    walls = [
        referenced(state.firewalls, project, wall.firewall, "firewall")
        for wall in body.firewalls or ()
    ]
    own, new = _addresses(call, body.public_net or PublicNet(), location)
    _check_counts(body)
    _check_reachable(own, new, networks, walls)
    _check_limits(call, kind)
    return Order(
        body=body,
        kind=kind,
        image=image,
        location=location,
        keys=tuple(keys),
        volumes=_volumes(call, body, location),
        networks=tuple(networks),
        firewalls=tuple({wall.id: wall for wall in walls}.values()),
        own_ips=own,
        new_ips=new,
        group=_group(call, body),
    )


def _check_counts(body: CreateServer) -> None:
    for field, wanted, most in (
        ("volumes", body.volumes, MOST_VOLUMES),
        ("firewalls", body.firewalls, MOST_FIREWALLS),
    ):
        if len(wanted or ()) > most:
            raise invalid(field, f"a server has at most {most}")


def _check_reachable(
    own: tuple[PrimaryIp, ...],
    new: tuple[IpType, ...],
    networks: list[Network],
    walls: list[Firewall],
) -> None:
    public = bool(own or new)
    if not public and not networks:
        raise invalid("public_net", "a server needs a public address or a network")
    if walls and not public:
        raise ApiError("private_net_only_server", "server has no public network interface")
    for number, network in enumerate(networks):
        check_overlap(network, networks[:number])


def _new_server(call: Call, order: Order) -> Server:
    cloud, body = call.cloud, order.body
    return Server(
        id=cloud.state.next_id(),
        project=call.project,
        name=body.name,
        created=cloud.now(),
        labels=dict(body.labels or {}),
        status="initializing",
        server_type=order.kind.id,
        location=order.location,
        image=order.image.id,
        primary_disk_size=order.kind.disk,
        user_data=body.user_data or "",
        authorized_keys=tuple(key.public_key for key in order.keys),
        placement_group=order.group,
    )


def _take_addresses(call: Call, order: Order, server: Server) -> None:
    """Make and assign the addresses; those made before one that fails are given back."""
    cloud, made = call.cloud, []
    try:
        for kind in order.new_ips:
            ip = new_ip(cloud, call.project, kind, location=order.location)
            made.append(replace(ip, assignee=server.id, auto_delete=True))
            check_limit(
                cloud.limits,
                "primary_ip",
                cloud.state.primary_ips.count("project", call.project) + len(made),
            )
    except ApiError:
        for ip in made:
            cloud.pool.release(ip.ip)
        raise
    for ip in (*made, *(replace(ip, assignee=server.id) for ip in order.own_ips)):
        cloud.state.primary_ips.put(ip)


def _apply_firewalls(call: Call, order: Order, server: Server) -> None:
    for wall in order.firewalls:
        target = Target(server=server.id)
        if target not in wall.targets:
            store(call.cloud, replace(wall, targets=(*wall.targets, target)), rules=False)
    call.cloud.enforcement.server_changed(server)


def _create(call: Call) -> Reply:
    order = _order(call, call.body(CreateServer))
    server = _new_server(call, order)
    for network in order.networks:  # finds out early whether each has an address left
        server = attached(call.cloud, server, network)
    _take_addresses(call, order, server)
    call.cloud.state.servers.put(server)
    _apply_firewalls(call, order, server)
    secret = None if order.keys else password()
    action = call.begin(servers.plan(server, "create_server", password=secret))
    following = _following(call, order, server, action)
    rendered = {
        "server": servers.view(call.cloud, server),
        "action": action_view(call.cloud, action),
        "next_actions": [action_view(call.cloud, later) for later in following],
        "root_password": secret,
    }
    return Reply(201, rendered)


def _following(call: Call, order: Order, server: Server, action: Action) -> list[Action]:
    """The actions after the making, each waiting for the one before it."""
    plans: list[Plan] = [network_plan(server.id, network.id) for network in order.networks]
    if order.body.start_after_create is not False:
        plans.append(servers.plan(server, "start_server"))
    automount = bool(order.body.automount)
    plans += [volume_plan(volume.id, server.id, automount) for volume in order.volumes]
    following: list[Action] = []
    for plan in plans:
        before = following[-1] if following else action
        following.append(call.begin(replace(plan, after=before.id)))
    return following


async def _run_create(cloud: Cloud, action: Action) -> None:
    server = cloud.state.servers.get(action.params["server"])
    if server is None:
        return
    spec = machine_spec(cloud, server, root_password=action.params["password"])
    await cloud.machines.create(spec)
    await cloud.enforcement.enforce(server.id)
    _settle(cloud, server.id)


def _settle(cloud: Cloud, server_id: int) -> None:
    server = cloud.state.servers.get(server_id)
    if server is not None and server.status == "initializing":
        cloud.state.servers.put(replace(server, status="off"))


def _undo_create(cloud: Cloud, action: Action) -> None:
    """A server that could not be made stays, off and without a machine, until it is deleted."""
    _settle(cloud, action.params["server"])


EFFECTS = {"create_server": Effect(_run_create, _undo_create, seconds=8)}
ROUTES = [Route("POST", servers.PATH, _create)]
