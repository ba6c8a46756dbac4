"""The CRDs: what models cannot say (names, columns, sub-resources), as data beside the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from tenant_operator.api.base import GROUP, VERSION
from tenant_operator.api.fleet import Fleet
from tenant_operator.api.schema import structural
from tenant_operator.api.tenant import TENANT_RULES, Tenant

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of `kubectl get`; priority 1 shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0

    def document(self) -> Document:
        """The column as Kubernetes writes it."""
        result: Document = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return {**result, "priority": self.priority} if self.priority else result


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of this group."""

    model: type[BaseModel]
    plural: str
    short: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    rules: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self.model.__name__


_READY: Final = '.status.conditions[?(@.type=="Ready")]'
_AGE: Final = Column(name="Age", path=".metadata.creationTimestamp", type="date")

RESOURCES: Final[tuple[Resource, ...]] = (
    Resource(
        model=Fleet,
        plural="fleets",
        short="fl",
        columns=(
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Reason", path=f"{_READY}.reason"),
            Column(name="Tenants", path=".status.tenants.total", type="integer"),
            Column(name="Zone", path=".spec.dns.zone"),
            Column(name="Image", path=".status.image.id", type="integer", priority=1),
            _AGE,
        ),
    ),
    Resource(
        model=Tenant,
        plural="tenants",
        short="tn",
        columns=(
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Reason", path=f"{_READY}.reason"),
            Column(name="Release", path=".status.release"),
            Column(name="Hostname", path=".spec.hostname"),
            Column(name="Server", path=".status.server.name", priority=1),
            Column(name="IP", path=".status.server.ipv4", priority=1),
            Column(name="Location", path=".status.server.location", priority=1),
            _AGE,
        ),
        selectable=(".spec.hostname", ".spec.fleetRef.name"),
        rules=tuple(TENANT_RULES),
    ),
)


def crd(resource: Resource) -> Document:
    """The whole CustomResourceDefinition of a kind."""
    names = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "shortNames": [resource.short],
        "categories": ["blueagency"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Namespaced",
            "versions": [_version(resource)],
        },
    }


def _version(resource: Resource) -> Document:
    version: Document = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.document() for column in resource.columns],
        "schema": {"openAPIV3Schema": _root(resource)},
    }
    if resource.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in resource.selectable]
    return version


def _root(resource: Resource) -> Document:
    schema = structural(resource.model)
    plain = {"type": "string"}
    schema["properties"] = {
        "apiVersion": plain,
        "kind": plain,
        "metadata": {"type": "object"},
        **schema["properties"],
    }
    if resource.rules:
        schema["x-kubernetes-validations"] = [dict(rule) for rule in resource.rules]
    return schema
