"""What the operator may do in a cluster, one line per right with the code that needs it.

Secrets are read by name and never listed, so no rule grants `list` or `watch` on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tenant_operator.api.base import GROUP

Document = dict[str, Any]
OPERATOR: Final = "tenant-operator"


@dataclass(frozen=True, kw_only=True)
class Right:
    """Verbs on resources of one API group, and why."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str

    def rule(self) -> Document:
        """The rule as RBAC writes it."""
        return {
            "apiGroups": [self.group],
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }


CLUSTER_RIGHTS: Final[tuple[Right, ...]] = (
    Right(
        group="",
        resources=("events",),
        verbs=("create",),
        why="Says in the object's events what changed.",
    ),
    Right(
        group="",
        resources=("namespaces",),
        verbs=("get",),
        why="Reads the uid of kube-system, which tells this cluster from others in labels.",
    ),
    Right(
        group="",
        resources=("secrets",),
        verbs=("create", "delete", "get", "patch"),
        why="Reads the Secrets that specs name and keeps one Secret per Tenant and Fleet.",
    ),
    Right(
        group=GROUP,
        resources=("fleets", "tenants"),
        verbs=("get", "list", "patch", "watch"),
        why="Watches the objects and sets or removes its own finalizer.",
    ),
    Right(
        group=GROUP,
        resources=("fleets/status", "tenants/status"),
        verbs=("patch",),
        why="Reports.",
    ),
)

POD_SECURITY: Final = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
}
"""The operator's pods need no more than Kubernetes' strictest profile grants."""

LEASE_RIGHTS: Final[tuple[Right, ...]] = (
    Right(
        group="coordination.k8s.io",
        resources=("leases",),
        verbs=("create", "get", "update"),
        why="Only one operator works at a time.",
    ),
)


def install_documents(namespace: str) -> list[Document]:
    """Account, roles and bindings for an operator that runs in `namespace`."""
    subject = {"kind": "ServiceAccount", "name": OPERATOR, "namespace": namespace}
    api = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": POD_SECURITY},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": OPERATOR, "namespace": namespace},
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": OPERATOR},
            "rules": [right.rule() for right in CLUSTER_RIGHTS],
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": OPERATOR},
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": OPERATOR},
            "subjects": [subject],
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "Role",
            "metadata": {"name": OPERATOR, "namespace": namespace},
            "rules": [right.rule() for right in LEASE_RIGHTS],
        },
        {
            "apiVersion": f"{api}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": OPERATOR, "namespace": namespace},
            "roleRef": {"apiGroup": api, "kind": "Role", "name": OPERATOR},
            "subjects": [subject],
        },
    ]
