"""The life of a tenant, from top to bottom.

Every function decides one step from a `Case` and returns what is to be done; none of them does
it. A step looks at the world, wants at most one effect, and is asked again after that. The first
step that is not done ends the pass.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from tenant_operator.core import host_steps
from tenant_operator.core.adoption import adoption_settled, keys_inherited, volume_adopted
from tenant_operator.core.case import UNKNOWN, Case, TenantKeys
from tenant_operator.core.host_jobs import marked
from tenant_operator.core.names import (
    ACCEPT_EMPTY_VOLUME,
    cloud_name,
    owned_by,
    owner_mark,
    tenant_labels,
)
from tenant_operator.core.placement import Placement, belongs_elsewhere, holds_data, place
from tenant_operator.core.preflight import preflight
from tenant_operator.core.results import (
    AttachVolume,
    CreateAddress,
    CreateServer,
    CreateVolume,
    DeleteAddress,
    DeleteServer,
    DeleteVolume,
    Do,
    Done,
    Look,
    MakeKeys,
    PowerOn,
    PublishRecord,
    ResizeVolume,
    Result,
    Retry,
    Stop,
    Subject,
    Wait,
    WithdrawRecord,
)
from tenant_operator.core.server_type import placed_as_wanted, type_changed
from tenant_operator.core.step import Step
from tenant_operator.core.world import (
    DnsRecord,
    PrimaryIP,
    RecordType,
    Server,
    ServerSpec,
    Volume,
    VolumeSpec,
)

LASTING_KEYS: Final = (
    "host_key",
    "client_key",
    "database_password",
    "redis_password",
    "session_key",
    "bootstrap_password",
)
OPENS_DATA: Final = "database_password"
"""Without it nobody reads the volume again: PostgreSQL took it when the database was made."""
BOOT_KEY: Final = "boot_host_key"
VOLUME_JOBS: Final = {"resize_volume": "ResizingVolume", "attach_volume": "AttachingVolume"}
"""What the provider's jobs on a volume are called in conditions."""


def keys(case: Case) -> Result:
    """The tenant's Secret holds every key, and a first host key as long as there is no server."""
    held = case.world.keys
    if held is UNKNOWN:
        return Look(Subject.KEYS)
    if inheriting := keys_inherited(case, held):
        return inheriting
    missing = LASTING_KEYS if held is None else held.missing
    if missing and (irreplaceable := _irreplaceable(case, missing)):
        return irreplaceable
    first = () if _boot_key_settled(case, held) else (BOOT_KEY,)
    if not (*missing, *first):
        return Done(f"Keys and passwords are in the Secret {case.identity.name}-secrets.")
    return Do(
        MakeKeys((*missing, *first)), "GeneratingSecrets", "Making the tenant's keys and passwords."
    )


def _irreplaceable(case: Case, missing: tuple[str, ...]) -> Result | None:
    """Why entries must not be made anew: a machine or a database knows the old ones only."""
    name, server, held = f"{case.identity.name}-secrets", case.world.server, case.world.volume
    if UNKNOWN in (server, held):
        return Look(Subject.INVENTORY)
    if isinstance(server, Server):
        return Stop(
            "SecretLost",
            f"{', '.join(missing)} vanished from the Secret {name} while the machine lives. Put "
            "the entries back from your backup of the cluster.",
        )
    known = case.memory.data_volume_id
    if OPENS_DATA in missing and isinstance(held, Volume) and holds_data(held, known=known):
        return Stop(
            "SecretLost",
            f"{OPENS_DATA} vanished from the Secret {name}, and the data on {held.name} opens with "
            "no other. Put it back from your backup of the cluster. If the data may be lost: "
            "delete the Tenant with spec.deletion.retain: 0s and apply it anew.",
        )
    return None


def _boot_key_settled(case: Case, held: TenantKeys | None) -> bool:
    return isinstance(case.world.server, Server) or (
        held is not None and held.boot_host_key is not None
    )


def address(case: Case) -> Result:
    """A public IPv4 address of the tenant's own, which survives its server."""
    held = case.world.address
    if held is UNKNOWN:
        return Look(Subject.ADDRESS)
    if isinstance(held, PrimaryIP):
        return _address_kept(case, held)
    placed = place(case)
    if isinstance(placed, Stop):
        return placed
    effect = CreateAddress(cloud_name(case.identity), _location(case, placed), _labels(case))
    return Do(effect, "CreatingAddress", f"Reserving an IPv4 address in {effect.location}.")


def _address_kept(case: Case, held: PrimaryIP) -> Result:
    if not owned_by(held.labels, case.identity):
        return _conflict("address", held.name, held.id)
    placed = place(case)
    if (
        not isinstance(case.world.server, Server)
        and isinstance(placed, Placement)
        and belongs_elsewhere(case, held, location=placed.location)
    ):
        return Do(DeleteAddress(held.id), "MovingLocation", _moving(held.location, placed))
    return Done(held.ip)


def volume(case: Case) -> Result:
    """The data volume: made once, grown when asked, never replaced once it holds data."""
    held = case.world.volume
    if held is UNKNOWN:
        return Look(Subject.VOLUME)
    if pending := _in_flight(case):
        return pending
    if isinstance(held, Volume):
        return _volume_kept(case, held)
    if adopting := volume_adopted(case):
        return adopting
    lost = case.memory.data_volume_id
    if lost is not None and case.annotations.get(ACCEPT_EMPTY_VOLUME) != str(lost):
        return Stop(
            "DataVolumeLost",
            f"Volume {lost}, which held the data, is not in the cloud project of the Fleet. If the "
            "token is another project's, put the right one back. Else restore a backup, or "
            f"accept the loss: kubectl annotate tenant {case.identity.name} -n "
            f"{case.identity.namespace} {ACCEPT_EMPTY_VOLUME}={lost}",
        )
    return _volume_made(case)


def _volume_made(case: Case) -> Result:
    placed = place(case)
    if isinstance(placed, Stop):
        return placed
    spec = VolumeSpec(
        name=cloud_name(case.identity),
        size_gib=case.spec.volume.size_gi_b,
        location=_location(case, placed),
        labels=_labels(case),
    )
    return Do(
        CreateVolume(spec), "CreatingVolume", f"Making {spec.size_gib} GiB in {spec.location}."
    )


def _volume_kept(case: Case, held: Volume) -> Result:
    if not owned_by(held.labels, case.identity):
        return _conflict("volume", held.name, held.id)
    if settling := adoption_settled(case, held):
        return settling
    if held.id == case.memory.data_volume_id and (marking := marked(held)):
        return marking
    server_ = case.world.server
    placed = place(case)
    if (
        not isinstance(server_, Server)
        and isinstance(placed, Placement)
        and belongs_elsewhere(case, held, location=placed.location)
    ):
        return Do(DeleteVolume(held.id), "MovingLocation", _moving(held.location, placed))
    wanted = case.spec.volume.size_gi_b
    if wanted < held.size_gib:
        return Stop(
            "VolumeTooLarge",
            f"The volume has {held.size_gib} GiB and cannot shrink to {wanted}. Set "
            f"spec.volume.sizeGiB to {held.size_gib} or more.",
        )
    if wanted > held.size_gib:
        return Do(
            ResizeVolume(held.id, wanted),
            "ResizingVolume",
            f"Growing from {held.size_gib} to {wanted} GiB.",
        )
    if isinstance(server_, Server) and held.server_id is None:
        return Do(AttachVolume(held.id, server_.id), "AttachingVolume", "Attaching the volume.")
    return Done(f"{held.size_gib} GiB in {held.location}.")


def firewall(case: Case) -> Result:
    """The fleet's firewall picks the machine by label; nothing is to be done per tenant."""
    if case.home.firewall_id is None:
        return Wait("WaitingForFleet", "The fleet's shared firewall is being made.", 2)
    return Done("The fleet's shared firewall selects the machine by its label.")


def server(case: Case) -> Result:
    """The machine exists, is ours and is switched on."""
    held = case.world.server
    if held is UNKNOWN:
        return Look(Subject.SERVER)
    if held is None:
        return _server_made(case)
    if not owned_by(held.labels, case.identity):
        return _conflict("server", held.name, held.id)
    action = case.world.actions.get(Subject.SERVER)
    if action is not None and action.failed and action.command == "create_server":
        return Retry(
            DeleteServer(held.id),
            failure=str(action.id),
            reason="ActionFailed",
            message=f"Making the machine failed ({action.error_code}: {action.error_message}). "
            "What is left of it holds no data and is removed before the next try.",
        )
    if action is not None and action.status == "running" and action.command == "start_server":
        return Wait("StartingServer", "start_server is running.", 30)
    if changing := type_changed(case, held):
        return changing
    if held.status == "off" and not (action is not None and action.status == "running"):
        return Do(PowerOn(held.id), "StartingServer", "The machine is off and is switched on.")
    if held.status in ("deleting", "unknown", "rebuilding", "migrating"):
        return Wait(
            "CreatingServer", f"The machine is {held.status}.", 10, subjects=(Subject.SERVER,)
        )
    return Done(f"{held.name}: {held.type} in {held.location}.")


def _server_made(case: Case) -> Result:
    placed = place(case)
    held, disk, ip = case.world.keys, case.world.volume, case.world.address
    if isinstance(placed, Stop):
        return placed
    if not (isinstance(held, TenantKeys) and isinstance(disk, Volume)):
        return Look(Subject.INVENTORY)
    image = start_image(case, placed)
    spec = ServerSpec(
        name=cloud_name(case.identity),
        type=placed.type.name,
        location=placed.location,
        image=image,
        labels=_labels(case),
        user_data=case.recipe.user_data(held, image),
        volume_ids=(disk.id,),
        ssh_key_ids=() if case.home.ssh_key_id is None else (case.home.ssh_key_id,),
        primary_ipv4_id=ip.id if isinstance(ip, PrimaryIP) else None,
        enable_ipv6=case.home.spec.infrastructure.ipv6,
    )
    source = "the fleet's snapshot" if isinstance(spec.image, int) else spec.image
    return Do(
        CreateServer(spec),
        "CreatingServer",
        f"Making a {spec.type} in {spec.location} from {source}.",
    )


def start_image(case: Case, placed: Placement) -> int | str:
    """The fleet's snapshot when it fits the type, otherwise the stock image."""
    snapshot = case.home.snapshot
    if (
        snapshot is not None
        and snapshot.status == "available"
        and snapshot.architecture == placed.type.architecture
        and snapshot.disk_gib <= placed.type.disk_gib
    ):
        return snapshot.id
    return case.home.spec.infrastructure.image


def dns(case: Case) -> Result:
    """The host name points to the machine, and no older name of ours is left."""
    held = case.world.records
    if held is UNKNOWN:
        return Look(Subject.RECORDS)
    wanted = wanted_records(case)
    for record in wanted:
        if not any(_same(record, other) for other in held):
            values = ", ".join(record.values)
            return Do(PublishRecord(record), "PublishingRecord", f"{record.hostname} → {values}.")
    names = {(record.hostname, record.type) for record in wanted}
    for record in held:
        if (record.hostname, record.type) not in names:
            return Do(
                WithdrawRecord(record), "WithdrawingRecord", f"{record.hostname} is not used now."
            )
    return Done(f"{case.spec.hostname} is published.")


def wanted_records(case: Case) -> tuple[DnsRecord, ...]:
    """The record sets of a tenant whose server exists."""
    machine = case.world.server
    if not isinstance(machine, Server):
        return ()
    pairs: tuple[tuple[RecordType, str | None], ...] = (
        ("A", machine.ipv4),
        ("AAAA", machine.ipv6 if case.home.spec.infrastructure.ipv6 else None),
    )
    return tuple(
        DnsRecord(
            hostname=case.spec.hostname,
            type=kind,
            values=(value,),
            owner=owner_mark(case.identity),
            ttl=60,
            proxied=case.home.spec.dns.proxied,
        )
        for kind, value in pairs
        if value is not None
    )


def _same(wanted: DnsRecord, held: DnsRecord) -> bool:
    return (wanted.hostname, wanted.type, wanted.values, wanted.proxied) == (
        held.hostname,
        held.type,
        held.values,
        held.proxied,
    )


def _labels(case: Case) -> dict[str, str]:
    return tenant_labels(case.identity, fleet_uid=case.home.identity.uid)


def _location(case: Case, placed: Placement) -> str:
    machine = case.world.server
    return machine.location if isinstance(machine, Server) else placed.location


def _moving(origin: str, placed: Placement) -> str:
    return (
        f"{origin} has no machine in stock; what is reserved there holds nothing yet and moves to "
        f"{placed.location}."
    )


def _in_flight(case: Case) -> Wait | None:
    """The volume is being changed at the provider; its job's end wakes the tenant."""
    action = case.world.actions.get(Subject.VOLUME)
    if action is None or action.status != "running":
        return None
    reason = VOLUME_JOBS.get(action.command, "CreatingVolume")
    done = f"({action.command}, {action.progress} %)"
    return Wait(reason, f"The volume is being changed {done}.", 30)


def _conflict(what: str, name: str, id_: int) -> Stop:
    return Stop(
        "NameConflict",
        f"The {what} {name} ({id_}) exists and carries no label of this Tenant. It is left "
        f"untouched; rename or remove it, or rename the Tenant.",
    )


_MINUTES: Final[tuple[tuple[str, Callable[[Case], Result], int], ...]] = (
    ("Accepted", preflight, 10),
    ("KeysReady", keys, 1),
    ("AddressReady", address, 5),
    ("VolumeReady", volume, 5),
    ("FirewallReady", firewall, 5),
    ("ServerReady", server, 10),
    ("DNSReady", dns, 5),
    ("Reachable", host_steps.reachable, 10),
    ("Hardened", host_steps.hardened, 15),
    ("DataDiskMounted", host_steps.data_disk, 5),
    ("StackDeployed", host_steps.stack, 20),
    ("CertificateReady", host_steps.certificate, 10),
    ("Verified", host_steps.verified, 5),
    ("PlacedAsWanted", placed_as_wanted, 5),
)
STEPS: Final[tuple[Step[Case], ...]] = tuple(
    Step(condition=condition, decide=decide, deadline=timedelta(minutes=limit))
    for condition, decide, limit in _MINUTES
)
