"""Admission policies: what must be refused before it is stored, because no finalizer can undo it.

A delete that was accepted can only be finished or held; protection therefore belongs here. Where
the policy is not installed, the operator holds the deletion with the reason DeletionBlocked.
"""

from __future__ import annotations

from typing import Any, Final

from tenant_operator.api.base import GROUP, VERSION

Document = dict[str, Any]
_NAME: Final = f"tenant-deletion.{GROUP}"
_UNPROTECTED: Final = (
    "has(oldObject.spec.deletion) && has(oldObject.spec.deletion.protected) "
    "&& !oldObject.spec.deletion.protected"
)
_MESSAGE: Final = (
    "'Tenant ' + oldObject.metadata.name + ' is protected. To delete it: kubectl patch tenant ' "
    "+ oldObject.metadata.name + ' -n ' + oldObject.metadata.namespace + ' --type merge -p ' "
    '+ \'{"spec":{"deletion":{"protected":false}}}\' + \', then delete it again\''
)


def admission_documents() -> list[Document]:
    """The policy that refuses to delete a protected Tenant, and its binding."""
    api = "admissionregistration.k8s.io/v1"
    match = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": ["DELETE"],
        "resources": ["tenants"],
    }
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": _NAME},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [match]},
                "validations": [
                    {
                        "expression": _UNPROTECTED,
                        "messageExpression": _MESSAGE,
                        "reason": "Forbidden",
                    }
                ],
            },
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": _NAME},
            "spec": {"policyName": _NAME, "validationActions": ["Deny"]},
        },
    ]
