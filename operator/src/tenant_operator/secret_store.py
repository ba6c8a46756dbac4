"""The Secrets of the operator: reading those that specs name, keeping one per Tenant and Fleet."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tenant_operator.api.fields import SecretKeyRef
from tenant_operator.api.fleet import FleetSpec
from tenant_operator.cluster.client import Conflict, Document, Kubernetes, NotFound
from tenant_operator.cluster.objects import (
    belongs_to,
    own_secret_name,
    owned_secret,
    secrets_path,
    tombstone,
    tombstone_name,
)
from tenant_operator.core.case import ModelKey
from tenant_operator.core.faults import Obstacle
from tenant_operator.core.fleet_case import FleetSecrets
from tenant_operator.core.names import TENANT
from tenant_operator.core.stack import RegistryAccess
from tenant_operator.core.steps import BOOT_KEY, OPENS_DATA
from tenant_operator.keys import HEIR_OF, decoded, encoded, new_entries
from tenant_operator.log import REDACTOR
from tenant_operator.store import Stored

Entries = dict[str, str]
NOT_INHERITED = frozenset({"spec.json", BOOT_KEY, f"{BOOT_KEY}.pub"})
APPLIED = "--dry-run=client -o yaml | kubectl apply -f -"
"""Makes the Secret anew or changes the one that is there."""


class SecretMissing(Exception):
    """A Secret that a spec names, or its key, is not there or holds no token; the message says how
    to make it."""


class SecretStore:
    """Secrets, by name and never by list."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    async def own(self, stored: Stored) -> Entries | None:
        """The entries of an object's own Secret, None when it has none.

        Raises Obstacle when a Secret of that name belongs to somebody else; that holds no deletion
        up, as there is nothing to remove.
        """
        secret = await self._own(stored)
        if secret is None:
            return None
        entries = decoded(secret)
        public = {HEIR_OF, *(key for key in entries if key.endswith(".pub"))}
        REDACTOR.learn(value for key, value in entries.items() if key not in public)
        return entries

    async def _own(self, stored: Stored) -> Document | None:
        name = own_secret_name(stored.key)
        try:
            secret = await self._kubernetes.get(secrets_path(stored.key.namespace, name))
        except NotFound:
            return None
        if not belongs_to(secret, stored.uid):
            if stored.deleting:
                return None
            raise Obstacle(
                "SecretConflict",
                f"The Secret {name} exists and does not belong to this object. If nobody needs "
                f"it: kubectl delete secret {name} -n {stored.key.namespace}",
                person_needed=True,
            )
        return secret

    async def make(self, stored: Stored, missing: tuple[str, ...]) -> None:
        """Add fresh values for missing entries; entries that exist are never overwritten.

        Raises Conflict when the Secret was changed since it was read, by an operator that took over
        say: its passwords may be in use already.
        """
        name = own_secret_name(stored.key)
        secret = await self._own(stored)
        if secret is None:
            document = owned_secret(stored, name, encoded(new_entries(missing)))
            await self._kubernetes.create(secrets_path(stored.key.namespace), document)
            return
        present = decoded(secret)
        fresh = new_entries(tuple(entry for entry in missing if not present.get(entry)))
        version = {"resourceVersion": secret["metadata"]["resourceVersion"]}
        await self._kubernetes.merge(
            secrets_path(stored.key.namespace, name), {"metadata": version, "data": encoded(fresh)}
        )

    async def inherit(self, stored: Stored, uid: str) -> None:
        """Take over what was kept of a deleted tenant; a second time changes nothing."""
        buried = await self._kubernetes.get(secrets_path(stored.key.namespace, tombstone_name(uid)))
        kept = {name: text for name, text in decoded(buried).items() if name not in NOT_INHERITED}
        data = encoded({**kept, HEIR_OF: uid})
        name = own_secret_name(stored.key)
        if await self.own(stored) is None:
            document = owned_secret(stored, name, data)
            await self._kubernetes.create(secrets_path(stored.key.namespace), document)
            return
        await self._kubernetes.merge(secrets_path(stored.key.namespace, name), {"data": data})

    async def buried_name(self, namespace: str, uid: str) -> str | None:
        """The name of the deleted tenant whose data the secrets kept under a uid open."""
        try:
            held = await self._kubernetes.get(secrets_path(namespace, tombstone_name(uid)))
        except NotFound:
            return None
        if not decoded(held).get(OPENS_DATA):
            return None
        return str((held["metadata"].get("labels") or {}).get(TENANT, ""))

    async def forget(self, stored: Stored, names: tuple[str, ...]) -> None:
        """Remove SSH keys from an object's own Secret."""
        gone = {entry: None for name in names for entry in (name, f"{name}.pub")}
        path = secrets_path(stored.key.namespace, own_secret_name(stored.key))
        await self._kubernetes.merge(path, {"data": gone})

    async def drop(self, stored: Stored) -> None:
        """Delete an object's own Secret."""
        if await self.own(stored) is not None:
            path = secrets_path(stored.key.namespace, own_secret_name(stored.key))
            await self._kubernetes.delete(path)

    async def bury(self, stored: Stored) -> None:
        """Keep spec and secrets of a tenant beside its volume; a second time changes nothing.

        Raises Obstacle when the passwords would be lost: they are gone already, or something else
        is kept under that name.
        """
        entries = await self.own(stored) or {}
        if not entries.get(OPENS_DATA):
            raise Obstacle(
                "SecretLost",
                f"{OPENS_DATA} vanished from the Secret {own_secret_name(stored.key)}. Put it "
                "back from your backup of the cluster.",
                person_needed=True,
            )
        data = encoded({**entries, "spec.json": json.dumps(stored.spec)})
        path = secrets_path(stored.key.namespace)
        try:
            await self._kubernetes.create(path, tombstone(stored, data))
        except Conflict:
            name = tombstone_name(stored.uid)
            held = decoded(await self._kubernetes.get(f"{path}/{name}"))
            if {**held, **entries} != held:
                raise Obstacle(
                    "SecretConflict",
                    f"The Secret {name} exists and holds something else than this Tenant's "
                    "passwords, without which its volume is of no use. If nobody needs it: "
                    f"kubectl delete secret {name} -n {stored.key.namespace}",
                    person_needed=True,
                ) from None

    async def unbury(self, namespace: str, uid: str) -> None:
        """Delete what was kept of a tenant."""
        await self._kubernetes.delete(secrets_path(namespace, tombstone_name(uid)))

    async def of_fleet(self, namespace: str, spec: FleetSpec) -> FleetSecrets:
        """Everything that a Fleet names; the first missing one becomes the `fault`."""
        try:
            return await self._of_fleet(namespace, spec)
        except SecretMissing as error:
            return FleetSecrets(fault=str(error))

    async def _of_fleet(self, namespace: str, spec: FleetSpec) -> FleetSecrets:
        cloud = await self._value(namespace, spec.infrastructure.token_secret_ref)
        zone = await self._value(namespace, spec.dns.token_secret_ref)
        registry = None
        if spec.registry.credentials_secret_ref is not None:
            name = spec.registry.credentials_secret_ref.name
            user, password = await self._values(namespace, name, ("username", "password"))
            REDACTOR.learn([password])
            registry = RegistryAccess(host=spec.registry.host, username=user, password=password)
        return FleetSecrets(cloud_token=cloud, dns_token=zone, registry=registry)

    async def model_key(self, namespace: str, ref: SecretKeyRef) -> ModelKey:
        """The key that a Tenant names for its model, or what is missing."""
        try:
            return ModelKey(value=await self._value(namespace, ref))
        except SecretMissing as error:
            return ModelKey(fault=str(error))

    async def _value(self, namespace: str, ref: SecretKeyRef) -> str:
        (token,) = await self._values(namespace, ref.name, (ref.key,))
        REDACTOR.learn([token])
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise SecretMissing(
                f"The key {ref.key} of the Secret {ref.name} in namespace {namespace} holds no "
                "token: there are spaces, line breaks or special characters in it. Put the bare "
                f"token there: kubectl create secret generic {ref.name} -n {namespace} "
                f"--from-file={ref.key}=FILE {APPLIED}"
            )
        return token

    async def _values(self, namespace: str, name: str, keys: Sequence[str]) -> list[str]:
        files = " ".join(f"--from-file={key}=FILE" for key in keys)
        create = f"kubectl create secret generic {name} -n {namespace} {files}"
        try:
            entries = decoded(await self._kubernetes.get(secrets_path(namespace, name)))
        except NotFound as error:
            raise SecretMissing(
                f"The Secret {name} does not exist in namespace {namespace}. Make it with: {create}"
            ) from error
        found = [entries.get(key, "").strip() for key in keys]
        for key, value in zip(keys, found, strict=True):
            if not value:
                raise SecretMissing(
                    f"The Secret {name} in namespace {namespace} has no key {key}. It needs: "
                    f"{', '.join(keys)}. Put it there with: {create} {APPLIED}"
                )
        return found
