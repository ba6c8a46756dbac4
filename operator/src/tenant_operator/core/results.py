"""What a step can answer, and every effect a step can ask for.

Effects are values: a plan can be printed, compared and tested, and there is exactly one place that
carries them out (`tenant_operator.acting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tenant_operator.core.world import (
    DnsRecord,
    FirewallSpec,
    Job,
    ServerSpec,
    VolumeSpec,
)


class Subject(StrEnum):
    """Something that can be looked at."""

    INVENTORY = "inventory"
    SERVER = "server"
    VOLUME = "volume"
    ADDRESS = "address"
    RECORDS = "records"
    KEYS = "keys"
    MODEL_KEY = "model-key"
    HOST = "host"
    CONNECTION = "connection"
    OUTSIDE = "outside"
    FIREWALL = "firewall"
    SSH_KEY = "ssh-key"
    SNAPSHOTS = "snapshots"
    CATALOGUE = "catalogue"
    LEFTOVERS = "leftovers"
    RETAINED = "retained"


# -- effects in the cloud ------------------------------------------------------------------------
@dataclass(frozen=True)
class CreateAddress:
    """Reserve an IPv4 address."""

    name: str
    location: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DeleteAddress:
    """Give an address back."""

    id: int


@dataclass(frozen=True)
class CreateVolume:
    """Make a data volume."""

    spec: VolumeSpec


@dataclass(frozen=True)
class ResizeVolume:
    """Grow a volume."""

    id: int
    size_gib: int


@dataclass(frozen=True)
class AttachVolume:
    """Attach a volume to a server."""

    id: int
    server_id: int


@dataclass(frozen=True)
class LabelVolume:
    """Replace the labels of a volume."""

    id: int
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DeleteVolume:
    """Delete a volume and its data."""

    id: int


@dataclass(frozen=True)
class CreateServer:
    """Make a server."""

    spec: ServerSpec


@dataclass(frozen=True)
class PowerOn:
    """Switch a server on."""

    id: int


@dataclass(frozen=True)
class ShutDown:
    """Ask a server to switch itself off."""

    id: int


@dataclass(frozen=True)
class PowerOff:
    """Switch a server off that did not do it itself."""

    id: int


@dataclass(frozen=True)
class ChangeType:
    """Make a server that is off one of another type; disk, volume and address stay."""

    id: int
    type: str


@dataclass(frozen=True)
class LabelServer:
    """Replace the labels of a server."""

    id: int
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DeleteServer:
    """Delete a server and its root disk."""

    id: int


@dataclass(frozen=True)
class CreateFirewall:
    """Make the shared firewall."""

    spec: FirewallSpec


@dataclass(frozen=True)
class SetFirewall:
    """Bring the shared firewall to the wanted rules."""

    id: int
    spec: FirewallSpec


@dataclass(frozen=True)
class DeleteFirewall:
    """Remove the shared firewall."""

    id: int


@dataclass(frozen=True)
class CreateSshKey:
    """Register a public key whose private half nobody keeps."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DeleteSshKey:
    """Remove the registered key."""

    id: int


@dataclass(frozen=True)
class CreateSnapshot:
    """Make a snapshot of a server that is off."""

    server_id: int
    description: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DeleteImage:
    """Remove a snapshot."""

    id: int


# -- effects elsewhere ---------------------------------------------------------------------------
@dataclass(frozen=True)
class PublishRecord:
    """Publish a DNS record set."""

    record: DnsRecord


@dataclass(frozen=True)
class WithdrawRecord:
    """Remove a DNS record set of ours."""

    record: DnsRecord


@dataclass(frozen=True)
class MakeKeys:
    """Write the missing entries of the object's own Secret."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class ForgetKeys:
    """Remove entries from the object's own Secret."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class RetainVolume:
    """Store spec and secrets of a tenant that goes, then label its volume to be kept."""

    id: int
    labels: Mapping[str, str]


@dataclass(frozen=True)
class InheritKeys:
    """Take the keys and passwords over that were kept of a deleted tenant."""

    uid: str


@dataclass(frozen=True)
class AdoptVolume:
    """Give a kept volume the name and labels of its new tenant, in one request."""

    id: int
    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class SettleAdoption:
    """Delete what was kept of the deleted tenant, then say so in the volume's labels."""

    id: int
    uid: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DropKeys:
    """Delete the object's own Secret."""


@dataclass(frozen=True)
class StartJobs:
    """Place the jobs' files on the machine and have them worked off, one after the other."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let Kubernetes forget the object."""


Effect = (
    CreateAddress
    | DeleteAddress
    | CreateVolume
    | ResizeVolume
    | AttachVolume
    | LabelVolume
    | DeleteVolume
    | CreateServer
    | PowerOn
    | ShutDown
    | PowerOff
    | ChangeType
    | LabelServer
    | DeleteServer
    | CreateFirewall
    | SetFirewall
    | DeleteFirewall
    | CreateSshKey
    | DeleteSshKey
    | CreateSnapshot
    | DeleteImage
    | PublishRecord
    | WithdrawRecord
    | MakeKeys
    | ForgetKeys
    | RetainVolume
    | InheritKeys
    | AdoptVolume
    | SettleAdoption
    | DropKeys
    | StartJobs
    | RemoveFinalizer
)


# -- results -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Done:
    """The step's aim is reached."""

    message: str = ""


@dataclass(frozen=True)
class Look:
    """The step cannot decide before something has been looked at."""

    subject: Subject


@dataclass(frozen=True)
class Do:
    """The step wants one effect."""

    effect: Effect
    reason: str
    message: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do now: look again after so many seconds."""

    reason: str
    message: str
    after: float = 5.0
    subjects: tuple[Subject, ...] = field(default=())
    """What must be looked at afresh next time."""


@dataclass(frozen=True)
class Stop:
    """A person must act. It is still tried again after so many seconds."""

    reason: str
    message: str
    after: float = 300.0


@dataclass(frozen=True)
class Retry:
    """Something the operator started has failed: after a growing pause, `effect` starts it again.

    `failure` identifies this one failure, so that it is counted once however often it is seen.
    """

    effect: Effect
    failure: str
    reason: str
    message: str
    person_needed: bool = False


Result = Done | Look | Do | Wait | Stop | Retry
