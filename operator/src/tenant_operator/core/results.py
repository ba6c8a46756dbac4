"""What a step can answer, and every effect a step can ask for.

Effects are values: a plan can be printed, compared and tested. Those of a tenant are carried out in
`tenant_operator.acting`, those of a fleet in `tenant_operator.fleet_scope`, and nowhere else.
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


class Effect:
    """One change outside; `acting` carries out a tenant's, `fleet_scope` a fleet's."""


@dataclass(frozen=True)
class _OnOne(Effect):
    """Done to one thing of the provider's."""

    id: int


@dataclass(frozen=True)
class _Relabel(_OnOne):
    """All labels of one thing are replaced."""

    labels: Mapping[str, str]


# -- effects in the cloud ------------------------------------------------------------------------
@dataclass(frozen=True)
class CreateAddress(Effect):
    """Reserve an IPv4 address."""

    name: str
    location: str
    labels: Mapping[str, str]


class DeleteAddress(_OnOne):
    """Give an address back."""


@dataclass(frozen=True)
class CreateVolume(Effect):
    """Make a data volume."""

    spec: VolumeSpec


@dataclass(frozen=True)
class ResizeVolume(_OnOne):
    """Grow a volume."""

    size_gib: int


@dataclass(frozen=True)
class AttachVolume(_OnOne):
    """Attach a volume to a server."""

    server_id: int


class LabelVolume(_Relabel):
    """Replace the labels of a volume."""


class DeleteVolume(_OnOne):
    """Delete a volume and its data."""


@dataclass(frozen=True)
class CreateServer(Effect):
    """Make a server."""

    spec: ServerSpec


class PowerOn(_OnOne):
    """Switch a server on."""


class ShutDown(_OnOne):
    """Ask a server to switch itself off."""


class PowerOff(_OnOne):
    """Switch a server off that did not do it itself."""


@dataclass(frozen=True)
class ChangeType(_OnOne):
    """Make a server that is off one of another type; disk, volume and address stay."""

    type: str


class LabelServer(_Relabel):
    """Replace the labels of a server."""


class DeleteServer(_OnOne):
    """Delete a server and its root disk."""


@dataclass(frozen=True)
class CreateFirewall(Effect):
    """Make the shared firewall."""

    spec: FirewallSpec


@dataclass(frozen=True)
class SetFirewall(_OnOne):
    """Bring the shared firewall to the wanted rules."""

    spec: FirewallSpec


class DeleteFirewall(_OnOne):
    """Remove the shared firewall."""


@dataclass(frozen=True)
class CreateSshKey(Effect):
    """Register a public key whose private half nobody keeps."""

    name: str
    labels: Mapping[str, str]


class DeleteSshKey(_OnOne):
    """Remove the registered key."""


@dataclass(frozen=True)
class CreateSnapshot(Effect):
    """Make a snapshot of a server that is off."""

    server_id: int
    description: str
    labels: Mapping[str, str]


class DeleteImage(_OnOne):
    """Remove a snapshot."""


# -- effects elsewhere ---------------------------------------------------------------------------
@dataclass(frozen=True)
class PublishRecord(Effect):
    """Publish a DNS record set."""

    record: DnsRecord


@dataclass(frozen=True)
class WithdrawRecord(Effect):
    """Remove a DNS record set of ours."""

    record: DnsRecord


@dataclass(frozen=True)
class MakeKeys(Effect):
    """Write the missing entries of the object's own Secret."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class ForgetKeys(Effect):
    """Remove entries from the object's own Secret."""

    names: tuple[str, ...]


class RetainVolume(_Relabel):
    """Store spec and secrets of a tenant that goes, then label its volume to be kept."""


class ReleaseVolume(_Relabel):
    """Delete what was stored for a volume that is not to be kept after all, then its label."""


@dataclass(frozen=True)
class InheritKeys(Effect):
    """Take the keys and passwords over that were kept of a deleted tenant."""

    uid: str


@dataclass(frozen=True)
class AdoptVolume(_OnOne):
    """Give a kept volume the name and labels of its new tenant, in one request."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class SettleAdoption(_OnOne):
    """Delete what was kept of the deleted tenant, then say so in the volume's labels."""

    uid: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class DropKeys(Effect):
    """Delete the object's own Secret."""


@dataclass(frozen=True)
class StartJobs(Effect):
    """Place the jobs' files on the machine and have them worked off, one after the other."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class RemoveFinalizer(Effect):
    """Let Kubernetes forget the object."""


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
    longest: float = 0.0
    """What the pause grows to while the step goes on waiting; it stays as it is when this is 0."""


@dataclass(frozen=True)
class Stop:
    """A person must act. It is still tried again after so many seconds."""

    reason: str
    message: str
    after: float = 300.0


@dataclass(frozen=True)
class Retry:
    """Something the operator started has failed: after a growing pause, `effect` starts it again.

    `failure` identifies this one failure, so that it is counted once however often it is seen;
    `subjects` are looked at afresh before the next try.
    """

    effect: Effect
    failure: str
    reason: str
    message: str
    person_needed: bool = False
    subjects: tuple[Subject, ...] = ()


Result = Done | Look | Do | Wait | Stop | Retry
