"""Admission policies: what must be refused before it is stored, because no finalizer can undo it.

A delete that was accepted can only be finished or held; protection therefore belongs here. Where
the policies are not installed, the operator holds the deletion with the reason DeletionBlocked or
FleetInUse (docs/decisions/0027). A namespace takes its Secrets along before anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tenant_operator.api.base import GROUP, VERSION

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What must be so before a request is let through, and the sentence when it is not.

    Args:
        name: of the policy and its binding, without our group.
        group, version, plural: the objects that it guards.
        operation: what is asked: `DELETE` or `UPDATE`.
        allowed: CEL expression over `oldObject`, `object` and, with `each_fleet`, `params`.
        message: CEL expression for the sentence.
        each_fleet: ask for every Fleet of the object's namespace; none is fine.
    """

    name: str
    plural: str
    allowed: str
    message: str
    group: str = GROUP
    version: str = VERSION
    operation: str = "DELETE"
    each_fleet: bool = False

    def documents(self) -> list[Document]:
        """The policy and its binding."""
        match = {
            "apiGroups": [self.group],
            "apiVersions": [self.version],
            "operations": [self.operation],
            "resources": [self.plural],
        }
        validation = {
            "expression": self.allowed,
            "messageExpression": self.message,
            "reason": "Forbidden",
        }
        policy: Document = {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [match]},
            "validations": [validation],
        }
        name = f"{self.name}.{GROUP}"
        binding: Document = {"policyName": name, "validationActions": ["Deny"]}
        if self.each_fleet:
            policy["paramKind"] = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Fleet"}
            binding["paramRef"] = {"selector": {}, "parameterNotFoundAction": "Allow"}
        return [
            _document("ValidatingAdmissionPolicy", name, policy),
            _document("ValidatingAdmissionPolicyBinding", name, binding),
        ]


def _document(kind: str, name: str, spec: Document) -> Document:
    api = "admissionregistration.k8s.io/v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


_NAMED: Final = "oldObject.metadata.name + ' -n ' + oldObject.metadata.namespace"
TENANT_GUARD: Final = Guard(
    name="tenant-deletion",
    plural="tenants",
    allowed="has(oldObject.spec.deletion) && has(oldObject.spec.deletion.protected) "
    "&& !oldObject.spec.deletion.protected",
    message="'Tenant ' + oldObject.metadata.name + ' is protected. To delete it: kubectl patch "
    f"tenant ' + {_NAMED} + ' --type merge -p ' "
    """+ "'" + '{"spec":{"deletion":{"protected":false}}}' + "'" """
    f"+ ' && kubectl delete tenant ' + {_NAMED}",
)


def _counted(part: str, number: str) -> str:
    """A number out of a part of a Fleet's status; 0 while nobody has looked at the Fleet."""
    known = f"has(oldObject.status) && has(oldObject.status.{part})"
    return f"({known} ? oldObject.status.{part}.{number} : 0)"


_TENANTS: Final = _counted("tenants", "total")
_READY: Final = _counted("tenants", "ready")
_KEPT: Final = _counted("kept", "size()")
FLEET_GUARD: Final = Guard(
    name="fleet-deletion",
    plural="fleets",
    allowed=f"{_TENANTS} == 0 && {_KEPT} == 0",
    message=f"'Fleet ' + oldObject.metadata.name + ' is in use (tenants: ' + string({_TENANTS}) + "
    f"', kept volumes of deleted ones: ' + string({_KEPT}) + '). Delete the tenants "
    "first: kubectl get tenants -n ' + oldObject.metadata.namespace + ' --field-selector "
    "spec.fleetRef.name=' + oldObject.metadata.name + '. Volumes go when their time is over, or "
    f"by hand: kubectl get fleet ' + {_NAMED} + ' -o yaml lists them under status.kept'",
)


ZONE_GUARD: Final = Guard(
    name="fleet-zone",
    plural="fleets",
    operation="UPDATE",
    allowed=f"object.spec.dns.zone == oldObject.spec.dns.zone || {_READY} == 0",
    message="'Fleet ' + oldObject.metadata.name + ' keeps the zone ' + oldObject.spec.dns.zone + "
    f"' while tenants are ready in it (' + string({_READY}) + '): their records there would be "
    "left behind. Make a second Fleet for ' + object.spec.dns.zone + ' and "
    "its tenants there'",
)
NAMESPACE_GUARD: Final = Guard(
    name="namespace-deletion",
    group="",
    version="v1",
    plural="namespaces",
    each_fleet=True,
    allowed="false",
    message="'Namespace ' + request.name + ' holds Fleet ' + params.metadata.name + ': its Secrets "
    "would go first, and with them the tokens that remove machines and the passwords of kept "
    "data. Delete the tenants, then the Fleet, then the namespace: kubectl get tenants,fleets -n "
    "' + request.name",
)


def admission_documents() -> list[Document]:
    """The policies with their bindings."""
    guards = (TENANT_GUARD, FLEET_GUARD, ZONE_GUARD, NAMESPACE_GUARD)
    return [document for guard in guards for document in guard.documents()]
