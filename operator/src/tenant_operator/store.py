"""The objects as the watch last delivered them: slim copies without managed fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from tenant_operator.core.names import ACCEPT_EMPTY_VOLUME, FINALIZER, RECONCILE_AT
from tenant_operator.core.summary import moment

Kind = Literal["fleet", "tenant"]
WATCHED_ANNOTATIONS = (ACCEPT_EMPTY_VOLUME, RECONCILE_AT)


class Key(NamedTuple):
    """One object."""

    kind: Kind
    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What of an object the operator looks at."""

    key: Key
    uid: str
    generation: int
    resource_version: str
    created: datetime
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def held(self) -> bool:
        """Whether the operator's finalizer is on the object."""
        return FINALIZER in self.finalizers

    @property
    def wish(self) -> tuple[object, ...]:
        """What a new reconcile depends on; a status written by the operator is not part of it."""
        return self.uid, self.generation, self.deleting, self.held, tuple(self.annotations.items())


def read(kind: Kind, body: Mapping[str, Any]) -> Stored:
    """The slim copy of an object."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    return Stored(
        key=Key(kind, metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        created=moment(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations={k: annotations[k] for k in WATCHED_ANNOTATIONS if k in annotations},
        spec=body.get("spec") or {},
        status=body.get("status") or {},
    )


@dataclass
class Store:
    """All objects by key; host names and uids too, because every pass asks for them."""

    _objects: dict[Key, Stored] = field(default_factory=dict)
    _hostnames: dict[object, dict[Key, Stored]] = field(default_factory=dict)
    _uids: dict[Kind, dict[str, Key]] = field(default_factory=dict)

    def put(self, new: Stored) -> bool:
        """Take an object over; whether something changed that a reconcile depends on."""
        old = self._objects.get(new.key)
        if old is not None and old.uid == new.uid and not _newer(new, old):
            return False
        self.drop(new.key)
        self._objects[new.key] = new
        self._uids.setdefault(new.key.kind, {})[new.uid] = new.key
        if new.key.kind == "tenant":
            self._hostnames.setdefault(new.spec.get("hostname"), {})[new.key] = new
        return old is None or old.wish != new.wish

    def drop(self, key: Key) -> None:
        """Forget an object."""
        old = self._objects.pop(key, None)
        if old is None:
            return
        del self._uids[key.kind][old.uid]
        hostname = old.spec.get("hostname")
        if self._hostnames.get(hostname, {}).pop(key, None) and not self._hostnames[hostname]:
            del self._hostnames[hostname]

    def get(self, key: Key) -> Stored | None:
        """The object, if it exists."""
        return self._objects.get(key)

    def all(self, kind: Kind) -> Iterator[Stored]:
        """Every object of a kind."""
        return (held for held in list(self._objects.values()) if held.key.kind == kind)

    def uids(self, kind: Kind) -> Set[str]:
        """The uids of all objects of a kind, as they are now and will be."""
        return self._uids.setdefault(kind, {}).keys()

    def tenants_of(self, fleet: Key) -> list[Stored]:
        """Tenants that name a fleet."""
        return [
            held
            for held in self.all("tenant")
            if held.key.namespace == fleet.namespace and fleet_name_of(held) == fleet.name
        ]

    def namesakes(self, tenant: Stored) -> list[Stored]:
        """Other tenants with the same host name."""
        held = self._hostnames.get(tenant.spec.get("hostname"), {})
        return [other for other in held.values() if other.uid != tenant.uid]


def fleet_name_of(tenant: Stored) -> str:
    """The name of the fleet that a tenant names."""
    return str((tenant.spec.get("fleetRef") or {}).get("name", ""))


def fleet_of(tenant: Stored) -> Key:
    """The Fleet that a tenant names."""
    return Key("fleet", tenant.key.namespace, fleet_name_of(tenant))


def _newer(new: Stored, old: Stored) -> bool:
    """Resource versions of one kind are numbers that rise; anything else counts as newer."""
    if new.resource_version.isdigit() and old.resource_version.isdigit():
        return int(new.resource_version) > int(old.resource_version)
    return new.resource_version != old.resource_version
