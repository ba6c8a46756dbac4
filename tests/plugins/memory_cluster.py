"""The Kubernetes API in memory, under the operator's own client: versions, finalizers, patches."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from plugins.memory_world import World
from tenant_operator.cluster.client import Conflict, Document, Kubernetes, NotFound
from tenant_operator.cluster.login import Access

CREATED = "2026-01-01T00:00:00Z"


class MemoryCluster(Kubernetes):
    """Objects by path; every write is an effect of the world."""

    def __init__(self, world: World) -> None:
        super().__init__(Access(server="http://memory.invalid"))
        self.world = world
        self.objects: dict[str, Document] = {}
        self.events: list[Document] = []
        self.changes: list[tuple[str, str]] = []
        self._version = 100
        self.gone: Document = {}

    def put(self, path: str, document: Document) -> Document:
        """A user's write: stores, stamps and tells the watch."""
        self._version += 1
        old = self.objects.get(path)
        stored = copied(document)
        meta = stored.setdefault("metadata", {})
        before = old["metadata"] if old else {}
        meta.setdefault("name", path.rsplit("/", 1)[-1])
        meta.setdefault("namespace", path.split("/namespaces/")[1].split("/")[0])
        meta.setdefault("uid", before.get("uid", str(uuid4())))
        meta.setdefault(
            "creationTimestamp", before.get("creationTimestamp", "2026-01-01T00:00:00Z")
        )
        generation = before.get("generation", 0) + (
            old is None or old.get("spec") != stored.get("spec")
        )
        meta["generation"] = generation
        meta["resourceVersion"] = str(self._version)
        self.objects[path] = stored
        self.changes.append(("MODIFIED", path))
        return copied(stored)

    def edit(self, path: str, spec: Mapping[str, Any]) -> None:
        """Merge into the spec, as kubectl patch does."""
        document = copied(self.objects[path])
        document["spec"] = merged(document["spec"], spec)
        self.put(path, document)

    def remove(self, path: str, *, foreground: bool = False) -> None:
        """kubectl delete; in the foreground what the object owns is collected before it is gone."""
        document = copied(self.objects[path])
        document["metadata"]["deletionTimestamp"] = "2026-01-01T01:00:00Z"
        self.put(path, document)
        if foreground:
            uid = document["metadata"]["uid"]
            self.objects = {at: held for at, held in self.objects.items() if not owned(held, uid)}
        self._collect(path)

    def _collect(self, path: str) -> None:
        meta = self.objects[path]["metadata"]
        if "deletionTimestamp" in meta and not meta.get("finalizers"):
            self.changes.append(("DELETED", path))
            self.gone = self.objects.pop(path)

    async def _send(
        self, verb: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Document:
        if path.endswith("/events"):
            self.events.append(body)
            return {}
        target, _, query = path.removesuffix("/status").partition("?")
        if verb == "GET" and query:
            return self._listed(target, dict(parse_qsl(query)))
        if verb == "GET":
            return copied(self._held(target))
        with self.world.effect(f"kubernetes {verb} {path.rsplit('/', 2)[-2]}"):
            return self._write(verb, path, target, copied(body))

    def _listed(self, collection: str, asked: Mapping[str, str]) -> Document:
        """One object per page: a client that reads the first page only is found out."""
        self.world.read(f"kubernetes LIST {collection.rsplit('/', 1)[-1]}")
        field, _, value = asked.get("fieldSelector", "").partition("=")
        found = [
            document
            for path, document in sorted(self.objects.items())
            if path.rpartition("/")[0] == collection
            and (not field or selected(document, field) == value)
        ]
        at = int(asked.get("continue", 0))
        more = {"continue": str(at + 1)} if len(found) > at + 1 else {}
        return {"metadata": more, "items": [copied(held) for held in found[at : at + 1]]}

    def _held(self, path: str) -> Document:
        if path not in self.objects:
            raise NotFound(f"{path} not found", status=404)
        return self.objects[path]

    def _write(self, verb: str, path: str, target: str, body: Any) -> Document:
        if verb == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise Conflict(f"{path} exists", status=409)
            return self.put(path, body)
        held = copied(self._held(target))
        if verb == "DELETE":
            del self.objects[target]
            return {}
        if isinstance(body, list):
            return self._json_patch(target, held, body)
        wanted = body.get("metadata", {}).pop("resourceVersion", None)
        if wanted not in (None, held["metadata"]["resourceVersion"]):
            raise Conflict("stale", status=409)
        part = {"status": body.get("status", {})} if path.endswith("/status") else body
        return self.put(target, merged(held, part))

    def _json_patch(self, path: str, held: Document, operations: list[Document]) -> Document:
        if operations[0]["value"] != held["metadata"]["resourceVersion"]:
            raise Conflict("stale", status=409)
        held["metadata"]["finalizers"] = operations[1]["value"]
        written = self.put(path, held)
        self._collect(path)
        return written


def selected(document: Document, field: str) -> Any:
    """The value of a selectable field, such as spec.fleetRef.name."""
    value: Any = document
    for part in field.split("."):
        value = value[part]
    return value


def copied(document: Document) -> Document:
    """A deep copy of plain data, at a fifth of what `copy.deepcopy` takes."""
    copy: Document = pickle.loads(pickle.dumps(document))  # noqa: S301 - our own bytes, just made
    return copy


def owned(document: Document, uid: str) -> bool:
    """Whether the garbage collector would remove it together with its owner."""
    return any(owner["uid"] == uid for owner in document["metadata"].get("ownerReferences", ()))


def merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386."""
    result = dict(old)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key) or {}, value)
        else:
            result[key] = value
    return copied(result)
