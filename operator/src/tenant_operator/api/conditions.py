"""Condition types and reasons: an interface that people, programs and the documentation read.

A reason never changes its meaning. Each has what it means and what to do; the reference
(`docs/reference/conditions.md`) is generated from this file, and a test fails when code uses a
reason that is not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"

CONDITION_TYPES: Final[Mapping[str, str]] = {
    READY: "The spec is in force and the customer can reach it. Sums up all the others.",
    RECONCILING: "The operator is working towards the spec, or waiting for something to finish.",
    STALLED: "No progress without help: a person must act, or a deadline has passed.",
    "Accepted": "The spec makes sense here: fleet, Secrets, zone, types and names were checked.",
    "KeysReady": "The tenant's keys and passwords exist in its Secret.",
    "AddressReady": "The public IPv4 address is reserved.",
    "VolumeReady": "The data volume exists with the wanted size.",
    "FirewallReady": "The fleet's shared firewall protects the machine.",
    "ServerReady": "The machine exists and is switched on.",
    "DNSReady": "The host name points to the machine.",
    "Reachable": "SSH answers with the pinned host key and cloud-init is done.",
    "Hardened": "The list of hardening measures has been applied and checked.",
    "DataDiskMounted": "The data volume is mounted on the machine.",
    "StackDeployed": "The wanted release runs and all its services are healthy.",
    "CertificateReady": "A trusted certificate is served under the host name.",
    "Verified": "A request from outside through the public name was answered.",
    "PlacedAsWanted": "The machine has a type of spec.server.types and stands in its location.",
    "CredentialsReady": "The fleet's tokens were accepted by the cloud and the DNS provider.",
    "SshKeyReady": "The key that keeps the cloud from mailing root passwords is registered.",
    "ImageReady": "A fresh snapshot for new machines exists, or none is wanted.",
    "TornDown": "On deletion: how far the removal has come.",
}


@dataclass(frozen=True)
class Reason:
    """What a reason means and what a person can do; `help` is empty when nothing is to be done."""

    meaning: str
    help: str = ""


DESCRIBE: Final = "kubectl describe tenant NAME"

REASONS: Final[Mapping[str, Reason]] = {
    # -- progress
    "Succeeded": Reason("The step is done."),
    "AllStepsDone": Reason("Every step of the tenant's life is done."),
    "NotReached": Reason("An earlier step is not done yet."),
    "Idle": Reason("Nothing is being changed."),
    "NoObstacle": Reason("Nothing stands in the way."),
    "Looking": Reason("The operator is finding out how things stand."),
    "GeneratingSecrets": Reason("Keys and passwords are being made."),
    "CreatingAddress": Reason("An address is being reserved."),
    "CreatingVolume": Reason("The data volume is being made."),
    "ResizingVolume": Reason("The data volume is being enlarged."),
    "AttachingVolume": Reason("The data volume is being attached."),
    "CreatingServer": Reason("The machine is being made or is starting."),
    "StartingServer": Reason("The machine was found switched off and is being started."),
    "AdoptingVolume": Reason(
        "The kept volume of a deleted Tenant, with its passwords, is taken over."
    ),
    "ChangingType": Reason(
        "The machine is switched off, becomes one of a wanted type and is switched on again."
    ),
    "MovingLocation": Reason(
        "The location is sold out; volume and address, which hold nothing yet, move to the next."
    ),
    "CreatingFirewall": Reason("The shared firewall is being made."),
    "UpdatingFirewall": Reason("The shared firewall is being brought to the wanted rules."),
    "CreatingSshKey": Reason("The fleet's SSH key is being registered."),
    "PublishingRecord": Reason("The DNS record is being published."),
    "WithdrawingRecord": Reason("A DNS record is being removed."),
    "Booting": Reason("The machine does not answer on SSH yet."),
    "CloudInitRunning": Reason("The machine is going through its first start."),
    "RotatingHostKey": Reason("The first host key is being replaced by the lasting one."),
    "Hardening": Reason("Hardening measures are being applied."),
    "MountingDisk": Reason("The data volume is being mounted."),
    "DeployingRelease": Reason("The stack is being pulled, started and checked."),
    "WaitingForServices": Reason("The services run but not all of them are healthy yet."),
    "CertificatePending": Reason("No trusted certificate is served yet."),
    "AwaitingAnswer": Reason("The public name does not answer as it should yet."),
    "WaitingForFleet": Reason(
        "The fleet is not ready for tenants yet.", "kubectl describe fleet FLEET"
    ),
    "BakingImage": Reason("A snapshot is being baked on a short-lived server."),
    "Deleting": Reason("The object is being deleted."),
    "StoppingStack": Reason("The services are being stopped cleanly before removal."),
    "DeletingServer": Reason("The machine is being removed."),
    "DeletingVolume": Reason("The data volume is being removed."),
    "RetainingVolume": Reason("The data volume is being marked for keeping."),
    "DeletingAddress": Reason("The address is being given back."),
    "DeletingFirewall": Reason("The shared firewall is being removed."),
    "DeletingSshKey": Reason("The fleet's SSH key is being removed."),
    "DeletingImage": Reason("A snapshot is being removed."),
    "ConfirmingAbsence": Reason("The provider is asked once more that nothing is left."),
    "DeletingSecrets": Reason("The tenant's own Secret is being removed."),
    # -- the spec or something it names
    "SpecInvalid": Reason(
        "The stored spec cannot be understood by this operator.",
        "kubectl explain tenant.spec --recursive; then kubectl edit",
    ),
    "FleetNotFound": Reason(
        "spec.fleetRef names no Fleet of this namespace.",
        "kubectl get fleets; apply that Fleet, or the Tenant anew with the right name",
    ),
    "FleetNotAccepted": Reason(
        "The Fleet has a fault of its own, or is being deleted and takes no new tenants.",
        "kubectl describe fleet FLEET",
    ),
    "HostnameTaken": Reason(
        "Another Tenant has the same host name: it is in service with it, or is the older one.",
        "kubectl get tenants -A; then choose another host name",
    ),
    "HostnameOutsideZone": Reason(
        "The host name is not inside the fleet's DNS zone.",
        "kubectl edit tenant NAME and choose a name below the zone",
    ),
    "UnknownServerType": Reason(
        "The cloud offers none of the server types.",
        "compare spec.server.types (or the Fleet's serverTypes) with `hcloud server-type list`",
    ),
    "UnknownLocation": Reason(
        "The cloud knows none of the locations, or offers none of the types there.",
        "compare the locations with `hcloud location list`",
    ),
    "TypeNotPossible": Reason(
        "The machine can become none of the wanted types: a disk that is too small, another "
        "architecture, or not offered where the machine is. It runs on as it is.",
        "choose other types in spec.server.types; or `hcloud server delete SERVER`: it is made "
        "anew with its volume and address",
    ),
    "LocationFixed": Reason(
        "The data volume cannot leave its location.",
        "set spec.server.location back to the volume's location",
    ),
    "NotAdoptable": Reason(
        "The volume that spec.volume.adoptFrom asks for cannot be taken over; it is untouched.",
        "kubectl get secrets -l blueagency.io/tenant=NAME lists tombstone-<uid>; use that uid in a "
        "Tenant of the same name, namespace and fleet",
    ),
    "VolumeTooLarge": Reason("The volume cannot be made smaller.", "raise spec.volume.sizeGiB"),
    "ImageNotFound": Reason(
        "The stock image or a container image does not exist.",
        "correct the image in the Fleet or the Tenant; the message names it",
    ),
    "RegistryDenied": Reason(
        "The registry refused the machine.",
        "check the Secret in registry.credentialsSecretRef",
    ),
    "SecretNotFound": Reason(
        "A Secret that the spec names does not exist or lacks the key.",
        "kubectl create secret generic SECRET --from-file=KEY=FILE; it is noticed by itself",
    ),
    "CredentialsRefused": Reason(
        "The provider refused the token (wrong, read-only or without the right).",
        "put a valid token into the Secret; it is noticed by itself",
    ),
    "ZoneNotFound": Reason(
        "The DNS zone does not exist in the account of the token.",
        "create the zone at the provider or correct dns.zone in the Fleet",
    ),
    "NameConflict": Reason(
        "A cloud object or DNS record of the needed name exists and is not ours; it is untouched.",
        "remove or rename that object, or rename the Tenant",
    ),
    "SecretConflict": Reason(
        "A Secret of the needed name exists and does not belong to this object; it is untouched.",
        "kubectl delete secret SECRET if nobody needs it, or rename the Tenant",
    ),
    "RequestRefused": Reason(
        "The provider says that the request is wrong.", "correct the field the message names"
    ),
    # -- the providers
    "ProviderFailed": Reason("The provider failed in a way without a reason of its own."),
    "ProviderUnreachable": Reason("The provider did not answer; the effect is being looked up."),
    "ProviderBusy": Reason(
        "The object is locked or the provider has a disturbance; it is retried."
    ),
    "RateLimited": Reason("The project's request budget is used up; work goes on by itself."),
    "OutOfStock": Reason(
        "No allowed type is in stock in any allowed location; it is retried.",
        "add server types or locations to the Fleet",
    ),
    "QuotaExceeded": Reason(
        "A limit of the cloud project is reached.",
        "raise the limit in the provider's console, or delete what is not needed",
    ),
    "ObjectProtected": Reason(
        "The object is protected at the provider.",
        "switch off its protection in the provider's console",
    ),
    "ObjectGone": Reason("An object vanished while being worked on; it is looked up again."),
    "ActionFailed": Reason("The provider's job failed; it is tried again with growing pauses."),
    "DataVolumeLost": Reason(
        "The volume that held the data is not in the fleet's cloud project. No empty one takes its "
        "place by itself, and its passwords are not removed.",
        "put the token of the right project back; or restore a backup, or accept the loss: "
        "kubectl annotate tenant NAME blueagency.io/accept-empty-volume=VOLUME_ID",
    ),
    "DriftFound": Reason(
        "Something differs from the spec, and spec.drift is Report.",
        'kubectl patch tenant NAME --type merge -p \'{"spec":{"drift":"Repair"}}\'',
    ),
    "Suspended": Reason(
        "spec.suspend is true: the operator looks but changes nothing.",
        'kubectl patch tenant NAME --type merge -p \'{"spec":{"suspend":false}}\'',
    ),
    # -- the machine
    "HostUnreachable": Reason(
        "SSH does not answer.",
        "check that access.sshNetworks holds the operator's address, then the machine's console",
    ),
    "HostKeyMismatch": Reason(
        "Something answers under the machine's address with a key that is not pinned. "
        "Nothing is sent to it.",
        "find out what answers there; if the machine was rebuilt by hand, delete that server",
    ),
    "LoginRefused": Reason(
        "The machine is the right one but refuses the operator's key.",
        "restore the key from <name>-secrets to root's authorized_keys, or delete that server",
    ),
    "CloudInitFailed": Reason(
        "The first start of the machine failed.",
        "read /var/log/cloud-init-output.log there, then delete that server: it is made anew",
    ),
    "AptLocked": Reason(
        "Another program holds the package lock; it is waited for, then tried again.",
        "see who holds it: `lsof /var/lib/dpkg/lock-frontend` on the machine",
    ),
    "AptFailed": Reason(
        "Packages could not be installed; it is tried again.",
        "try `apt-get update` on the machine: does it reach its package mirror",
    ),
    "ImagePullFailed": Reason(
        "An image could not be pulled; it is tried again.",
        "see whether the registry answers: `docker pull IMAGE` on the machine",
    ),
    "DiskFull": Reason(
        "A disk of the machine is full.",
        "for the data disk raise spec.volume.sizeGiB; for the root disk run "
        "`docker system prune --all` on the machine",
    ),
    "DiskMissing": Reason(
        "The data volume does not appear on the machine; it is tried again.",
        "see whether it is attached: `hcloud volume list`",
    ),
    "ForeignDisk": Reason(
        "The data volume holds a file system that is not this tenant's; it is untouched.",
        "check the volume; delete it if it is not needed",
    ),
    "Unhealthy": Reason(
        "The new release did not become healthy.",
        "read the services' logs on the machine: docker compose logs",
    ),
    "Interrupted": Reason("The job on the machine was cut off, by a restart say; it runs again."),
    "HostJobFailed": Reason(
        "A job on the machine failed; the message ends with its last lines.",
        "read `journalctl -u 'tenant-job-*'` on the machine",
    ),
    "NameNotResolved": Reason(
        "The public name does not resolve to the machine.",
        "check the delegation of the zone and dns.resolvers",
    ),
    "CertificateUntrusted": Reason(
        "The certificate served is not trusted.", "check acme.directory and trust.caBundle"
    ),
    "SecretLost": Reason(
        "Entries of the tenant's own Secret vanished that its machine or its data needs.",
        "restore the Secret <name>-secrets from the backup of the cluster",
    ),
    "OrphansFound": Reason(
        "An event of a Fleet: the cloud project holds things of this installation whose Tenant is "
        "unknown. They are named and left untouched.",
        "look at them with `hcloud server list`, `hcloud volume list`, `hcloud primary-ip list`; "
        "delete what nobody needs",
    ),
    "KeptVolumeLost": Reason(
        "An event of a Fleet: the kept volume of a deleted Tenant is gone before its time. Its "
        "passwords are kept for the time that was promised.",
        "kubectl delete secret tombstone-UID if nobody needs them",
    ),
    # -- the operator
    "KubernetesUnavailable": Reason("The API server refused or did not answer; it is retried."),
    "OtherInstallation": Reason(
        "The Fleet was made by an installation of another name, to which its things belong; "
        "nothing is done for it and its tenants.",
        "start the operator with OPERATOR_INSTALLATION as in the Fleet's status.installation",
    ),
    "DeadlineExceeded": Reason("The step has taken longer than it ever should.", DESCRIBE),
    "DeletionBlocked": Reason(
        "The object is protected against deletion.",
        'kubectl patch tenant NAME --type merge -p \'{"spec":{"deletion":{"protected":false}}}\'',
    ),
    "FleetInUse": Reason(
        "Tenants still name this Fleet, or volumes of deleted ones are kept in its project.",
        "kubectl get tenants; delete or keep them first. status.kept lists the volumes",
    ),
    "InternalError": Reason(
        "A fault in the operator; it is tried again with growing pauses.",
        "kubectl logs deployment/tenant-operator, and report it",
    ),
}
