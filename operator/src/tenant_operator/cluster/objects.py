"""Paths and bodies of the objects the operator writes: its finalizer, status, Secrets, events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from tenant_operator.api.base import GROUP, VERSION
from tenant_operator.api.rbac import OPERATOR
from tenant_operator.cluster.client import Document
from tenant_operator.core.names import FINALIZER, MANAGED_BY, MANAGER, OWNER_UID, TENANT
from tenant_operator.core.summary import timestamp
from tenant_operator.store import Key, Kind, Stored

PLURALS = {"fleet": "fleets", "tenant": "tenants"}
KINDS = {"fleet": "Fleet", "tenant": "Tenant"}


def collection_path(kind: Kind, namespace: str) -> str:
    """All objects of a kind of ours in a namespace."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURALS[kind]}"


def object_path(key: Key) -> str:
    """An object of ours."""
    return f"{collection_path(key.kind, key.namespace)}/{key.name}"


def status_path(key: Key) -> str:
    """Its status."""
    return f"{object_path(key)}/status"


def secrets_path(namespace: str, name: str = "") -> str:
    """A Secret, or the collection."""
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def events_path(namespace: str) -> str:
    """The collection of events."""
    return f"/api/v1/namespaces/{namespace}/events"


def own_secret_name(key: Key) -> str:
    """The Secret that the operator keeps for an object."""
    return f"{key.name}-secrets" if key.kind == "tenant" else f"{key.name}-fleet-secrets"


def tombstone_name(uid: str) -> str:
    """The Secret that outlives a tenant whose volume is kept."""
    return f"tombstone-{uid}"


def add_finalizer(stored: Stored) -> list[Document]:
    """Put our finalizer on, if the object is as it was read."""
    finalizers = [*stored.finalizers, FINALIZER]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": stored.resource_version},
        {"op": "add", "path": "/metadata/finalizers", "value": finalizers},
    ]


def remove_finalizer(stored: Stored) -> list[Document]:
    """Take our finalizer off, if the object is as it was read."""
    finalizers = [name for name in stored.finalizers if name != FINALIZER]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": stored.resource_version},
        {"op": "replace", "path": "/metadata/finalizers", "value": finalizers},
    ]


def owned_secret(stored: Stored, name: str, data: Mapping[str, str]) -> Document:
    """A Secret that belongs to an object.

    Its label says so, and no owner reference: a deletion in the foreground, which is how Argo CD
    prunes, has the garbage collector remove what an object owns before the operator could keep
    the passwords of a volume (docs/decisions/0026).
    """
    return _secret(stored, name, {OWNER_UID: stored.uid}, data)


def tombstone(stored: Stored, data: Mapping[str, str]) -> Document:
    """What is kept of a tenant together with its volume."""
    return _secret(stored, tombstone_name(stored.uid), {TENANT: stored.key.name}, data)


def _secret(
    stored: Stored, name: str, labels: Mapping[str, str], data: Mapping[str, str]
) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "namespace": stored.key.namespace,
            "labels": {f"app.kubernetes.io/{MANAGED_BY}": MANAGER, **labels},
        },
        "data": dict(data),
    }


def belongs_to(secret: Mapping[str, Any], uid: str) -> bool:
    """Whether a Secret was made for the object of that uid."""
    labels = secret.get("metadata", {}).get("labels") or {}
    return bool(labels.get(OWNER_UID) == uid)


def event(stored: Stored, *, reason: str, message: str, warning: bool, now: datetime) -> Document:
    """A core/v1 Event about an object."""
    key = stored.key
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{key.name}.{uuid4().hex[:16]}", "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KINDS[key.kind],
            "name": key.name,
            "namespace": key.namespace,
            "uid": stored.uid,
            "resourceVersion": stored.resource_version,
        },
        "reason": reason,
        "message": message[:1024],
        "type": "Warning" if warning else "Normal",
        "count": 1,
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "source": {"component": OPERATOR},
        "reportingComponent": OPERATOR,
        "reportingInstance": OPERATOR,
    }


def merge_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    """The merge patch that turns `old` into `new`; empty when they are equal."""
    patch: Document = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if inner := merge_difference(before, value):
                patch[key] = inner
        elif before != value:
            patch[key] = value
    return patch
