"""What every pass works with, whatever kind of object it is for."""

from __future__ import annotations

from dataclasses import dataclass

from tenant_operator.app import App
from tenant_operator.cluster.objects import object_path, remove_finalizer
from tenant_operator.core.names import Identity
from tenant_operator.core.results import RemoveFinalizer
from tenant_operator.memory import Memory
from tenant_operator.secret_store import SecretStore
from tenant_operator.store import Stored


@dataclass(kw_only=True)
class Scope:
    """One object's pass."""

    app: App
    stored: Stored
    identity: Identity
    memory: Memory

    @property
    def secrets(self) -> SecretStore:
        """The Secrets of the cluster."""
        return SecretStore(self.app.kubernetes)

    @property
    def named(self) -> dict[str, str]:
        """Kind and name, as fields of a log line."""
        return {self.stored.key.kind: self.identity.key}


async def let_go(scope: Scope, effect: RemoveFinalizer) -> None:
    """Let Kubernetes forget the object: the last effect of every kind. Raises KubernetesError."""
    del effect
    operations = remove_finalizer(scope.stored)
    await scope.app.kubernetes.json_patch(object_path(scope.stored.key), operations)
