"""The life of a fleet: its Secrets, its credentials, what its tenants share, its snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeVar

from tenant_operator.api.fleet import FleetSpec
from tenant_operator.core.baking import image
from tenant_operator.core.case import UNKNOWN, Seen
from tenant_operator.core.cloudflare_networks import CLOUDFLARE_NETWORKS
from tenant_operator.core.fleet_case import FleetCase
from tenant_operator.core.names import (
    FLEET_UID,
    fleet_labels,
    fleet_name,
    owned_by_fleet,
)
from tenant_operator.core.results import (
    CreateFirewall,
    CreateSshKey,
    DeleteFirewall,
    DeleteImage,
    DeleteServer,
    DeleteSshKey,
    Do,
    Done,
    DropKeys,
    Look,
    RemoveFinalizer,
    Result,
    SetFirewall,
    Stop,
    Subject,
)
from tenant_operator.core.step import Step
from tenant_operator.core.world import Firewall, FirewallRule, FirewallSpec, Server, SshKey

T = TypeVar("T", Firewall, Server, SshKey)
SSHD_PORT: Final = "22"
"""Where sshd listens on every machine; `access.sshPort` is how the operator gets there."""
ANYWHERE: Final = ("0.0.0.0/0", "::/0")


def secrets(case: FleetCase) -> Result:
    """Every Secret that the fleet names exists and has its key."""
    held = case.world.secrets
    if held is UNKNOWN:
        return Look(Subject.KEYS)
    if held.fault:
        return Stop("SecretNotFound", held.fault, after=15)
    return Done("Every Secret that it names is there.")


def credentials(case: FleetCase) -> Result:
    """Cloud and DNS provider accept the tokens; image and zone exist."""
    kinds = case.world.catalogue
    if kinds is UNKNOWN:
        return Look(Subject.CATALOGUE)
    wanted = case.spec.infrastructure.server_types
    if not any(kind.name in wanted for kind in kinds):
        known = ", ".join(sorted(kind.name for kind in kinds if not kind.deprecated))
        return Stop(
            "UnknownServerType",
            f"The cloud offers none of {', '.join(wanted)}. It offers: {known}.",
        )
    if case.world.stock_image is None:
        return Stop(
            "ImageNotFound",
            f"The cloud has no system image {case.spec.infrastructure.image} for these server "
            "types. Set infrastructure.image to one of `hcloud image list --type system`.",
        )
    if not case.world.swept:
        return Look(Subject.INVENTORY)
    return Done("Both tokens are accepted.")


def ssh_key(case: FleetCase) -> Result:
    """A public key that nobody holds the other half of: with it no root password is made."""
    held = case.world.ssh_key
    if held is UNKNOWN:
        return Look(Subject.SSH_KEY)
    if held is None:
        effect = CreateSshKey(fleet_name(case.identity), fleet_labels(case.identity))
        return Do(effect, "CreatingSshKey", "Registering the fleet's SSH key.")
    if not owned_by_fleet(held.labels, case.identity):
        return _conflict("SSH key", held.name)
    return Done(f"{held.name} is registered.")


def firewall(case: FleetCase) -> Result:
    """One firewall that picks the fleet's machines by label."""
    held = case.world.firewall
    wanted = wanted_firewall(case)
    if held is UNKNOWN:
        return Look(Subject.FIREWALL)
    if held is None:
        return Do(CreateFirewall(wanted), "CreatingFirewall", "Making the shared firewall.")
    if not owned_by_fleet(held.labels, case.identity):
        return _conflict("firewall", held.name)
    if not _firewall_matches(held, wanted):
        return Do(SetFirewall(held.id, wanted), "UpdatingFirewall", "Changing rules or selector.")
    return Done(f"{held.name}: {web_words(case.spec)}, SSH from the agency's networks.")


def wanted_firewall(case: FleetCase) -> FirewallSpec:
    """Rules and selector of the shared firewall."""
    return FirewallSpec(
        name=fleet_name(case.identity),
        rules=wanted_rules(case.spec),
        selector=f"{FLEET_UID}={case.identity.uid}",
        labels=fleet_labels(case.identity),
    )


def wanted_rules(spec: FleetSpec) -> tuple[FirewallRule, ...]:
    """80 and 443 from everybody (or Cloudflare alone), SSH from the agency, ping from anywhere."""
    web = http_networks(spec) or ANYWHERE
    return (
        FirewallRule(protocol="tcp", port="80", sources=web, description="http"),
        FirewallRule(protocol="tcp", port="443", sources=web, description="https"),
        FirewallRule(
            protocol="tcp",
            port=SSHD_PORT,
            sources=tuple(spec.access.ssh_networks),
            description="ssh",
        ),
        FirewallRule(protocol="icmp", port=None, sources=ANYWHERE, description="ping"),
    )


def http_networks(spec: FleetSpec) -> tuple[str, ...]:
    """Who may reach 80 and 443; empty means everybody."""
    return CLOUDFLARE_NETWORKS if spec.dns.proxied else ()


def web_words(spec: FleetSpec) -> str:
    """Who may reach the web ports, for people."""
    return "80 and 443 from " + ("Cloudflare" if http_networks(spec) else "everywhere")


def _firewall_matches(held: Firewall, wanted: FirewallSpec) -> bool:
    def comparable(rule: FirewallRule) -> tuple[str, str | None, tuple[str, ...]]:
        return rule.protocol, rule.port, tuple(sorted(rule.sources))

    return sorted(map(comparable, held.rules), key=str) == sorted(
        map(comparable, wanted.rules), key=str
    ) and held.selectors == (wanted.selector,)


def _conflict(what: str, name: str) -> Stop:
    return Stop(
        "NameConflict",
        f"The {what} {name} exists and carries no label of this Fleet. It is left untouched; "
        "rename or remove it.",
    )


def unused(case: FleetCase) -> Result:
    """No tenant names the fleet any more. Those that do are served on, also after a restart."""
    if case.tenants:
        for subject, held in _shared(case):
            if held is UNKNOWN:
                return Look(subject)
        names = ", ".join(case.tenants[:5]) + (" …" if len(case.tenants) > 5 else "")
        return Stop(
            "FleetInUse",
            f"{len(case.tenants)} tenants name this Fleet: {names}. Delete them first.",
            after=30,
        )
    return Done()


def _shared(case: FleetCase) -> tuple[tuple[Subject, object], ...]:
    """What tenants need of their fleet; without its Secrets nothing can be looked at."""
    world = case.world
    if world.secrets is UNKNOWN or world.secrets.fault:
        return ()
    return (
        (Subject.CATALOGUE, world.catalogue),
        (Subject.SSH_KEY, world.ssh_key),
        (Subject.FIREWALL, world.firewall),
    )


def nothing_kept(case: FleetCase) -> Result:
    """No volume of a deleted tenant is kept: only this Fleet's token can delete it in the end."""
    kept = case.world.kept
    if kept is UNKNOWN:
        return Look(Subject.VOLUME)
    if kept:
        first = min(kept, key=lambda held: held.until)
        return Stop(
            "FleetInUse",
            f"{len(kept)} volumes of deleted tenants are kept, that of {first.tenant} until "
            f"{first.until}. Wait, or delete what nobody needs: hcloud volume delete "
            f"{first.volume}; kubectl delete secret tombstone-{first.uid} -n "
            f"{case.identity.namespace}. status.kept lists all.",
            after=30,
        )
    return Done()


def profile_removed(case: FleetCase) -> Result:
    """Snapshots, baking server, firewall and key are gone; what only has their name is left."""
    world = case.world
    for subject, held in _remains(case):
        if held is UNKNOWN:
            return Look(subject)
    if server := _own(case, world.server):
        return Do(DeleteServer(server.id), "DeletingServer", "Removing the baking server.")
    for snapshot in () if world.snapshots is UNKNOWN else world.snapshots:
        return Do(DeleteImage(snapshot.id), "DeletingImage", "Removing a snapshot.")
    if guard := _own(case, world.firewall):
        return _firewall_removed(case, guard)
    if key := _own(case, world.ssh_key):
        return Do(DeleteSshKey(key.id), "DeletingSshKey", "Removing the SSH key.")
    return Done()


def _own(case: FleetCase, held: Seen[T]) -> T | None:
    """A shared thing, if it carries the fleet's label."""
    if held is None or held is UNKNOWN or not owned_by_fleet(held.labels, case.identity):
        return None
    return held


def _firewall_removed(case: FleetCase, held: Firewall) -> Result:
    if held.selectors:
        nobody = replace(wanted_firewall(case), selector="")
        return Do(SetFirewall(held.id, nobody), "DeletingFirewall", "Taking the firewall off.")
    return Do(DeleteFirewall(held.id), "DeletingFirewall", "Removing the firewall.")


def _remains(case: FleetCase) -> tuple[tuple[Subject, object], ...]:
    world = case.world
    return (
        (Subject.SERVER, world.server),
        (Subject.SNAPSHOTS, world.snapshots),
        (Subject.FIREWALL, world.firewall),
        (Subject.SSH_KEY, world.ssh_key),
    )


def secret_removed(case: FleetCase) -> Result:
    """The fleet's own Secret is gone."""
    if case.world.keys is None:
        return Done()
    return Do(DropKeys(), "DeletingSecrets", "Removing the fleet's own Secret.")


def forgotten(case: FleetCase) -> Result:
    """Kubernetes may forget the Fleet."""
    del case
    return Do(RemoveFinalizer(), "Deleting", "Nothing is left.")


PROFILE: Final = ("Accepted", "CredentialsReady", "SshKeyReady", "FirewallReady")
"""What tenants cannot do without; a failed snapshot does not hold them up."""

_MINUTES: Final[tuple[tuple[str, Callable[[FleetCase], Result], int], ...]] = (
    ("Accepted", secrets, 1),
    ("CredentialsReady", credentials, 5),
    ("SshKeyReady", ssh_key, 5),
    ("FirewallReady", firewall, 5),
    ("ImageReady", image, 30),
)
FLEET_STEPS: Final[tuple[Step[FleetCase], ...]] = tuple(
    Step(condition=condition, decide=decide, deadline=timedelta(minutes=limit))
    for condition, decide, limit in _MINUTES
)
FLEET_TEARDOWN: Final[tuple[Step[FleetCase], ...]] = tuple(
    Step(condition="TornDown", decide=decide, deadline=timedelta(minutes=10))
    for decide in (unused, secrets, nothing_kept, profile_removed, secret_removed, forgotten)
)
