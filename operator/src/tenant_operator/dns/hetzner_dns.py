"""A zone at Hetzner DNS behind the DNS port; ownership is labels on the record set.

Hetzner changes a zone by actions, which are returned and not waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenant_operator.core.faults import Gone, Taken
from tenant_operator.core.names import INSTALLATION, MANAGED_BY, MANAGER, TENANT_UID
from tenant_operator.core.world import ActionRef, DnsRecord, RecordType
from tenant_operator.dns.naming import absolute, relative
from tenant_operator.dns.port import ZoneNotFound
from tenant_operator.providers.hetzner_api import HetznerApi


class HetznerDns:
    """One zone (see `dns.port.Dns`)."""

    def __init__(self, api: HetznerApi, *, zone: str) -> None:
        self._api = api
        self._zone = zone.rstrip(".").lower()
        self._sets = f"/zones/{self._zone}/rrsets"

    async def list_records(self, installation: str) -> tuple[DnsRecord, ...]:
        """Every record set of this installation."""
        selector = f"{MANAGED_BY}=={MANAGER},{INSTALLATION}=={installation}"
        try:
            found = await self._api.every(self._sets, "rrsets", {"label_selector": selector})
        except Gone as error:
            raise self._no_zone() from error
        return tuple(self._record(item) for item in found if item["type"] in {"A", "AAAA"})

    async def find(self, hostname: str, kind: RecordType) -> DnsRecord | None:
        """The record set of that name and type, whoever made it."""
        try:
            answer = await self._api.get(self._path(hostname, kind))
        except Gone:
            return None
        return self._record(answer["rrset"])

    async def publish(self, record: DnsRecord) -> ActionRef | None:
        """Create; when it exists, overwrite what is ours and differs."""
        body = {
            "name": relative(record.hostname, self._zone),
            "type": record.type,
            "ttl": record.ttl,
            "records": values_body(record),
            "labels": owner_labels(record.owner),
        }
        try:
            return action_of(await self._api.post(self._sets, body))
        except Gone as error:
            raise self._no_zone() from error
        except Taken:
            return await self._overwrite(record)

    async def _overwrite(self, record: DnsRecord) -> ActionRef | None:
        """Make an existing record set of the same owner equal to `record`."""
        found = await self.find(record.hostname, record.type)
        if found is None:
            return None
        if found.owner != record.owner:
            raise Taken(
                f"{record.hostname} {record.type} exists and is not this tenant's "
                f"(owner mark: {found.owner or 'none'}): remove it or choose another hostname"
            )
        path = self._path(record.hostname, record.type)
        changed: ActionRef | None = None
        if found.ttl != record.ttl:
            changed = action_of(
                await self._api.post(f"{path}/actions/change_ttl", {"ttl": record.ttl})
            )
        if sorted(found.values) != sorted(record.values):
            body = {"records": values_body(record)}
            changed = action_of(await self._api.post(f"{path}/actions/set_records", body))
        return changed

    async def withdraw(self, record: DnsRecord) -> ActionRef | None:
        """Remove the record set if it carries the same owner mark."""
        found = await self.find(record.hostname, record.type)
        if found is None or found.owner is None or found.owner != record.owner:
            return None
        try:
            return action_of(await self._api.delete(self._path(record.hostname, record.type)))
        except Gone:
            return None

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()

    def _path(self, hostname: str, kind: RecordType) -> str:
        """The address of a record set."""
        return f"{self._sets}/{relative(hostname, self._zone)}/{kind}"

    def _no_zone(self) -> ZoneNotFound:
        """What to tell when Hetzner does not know the zone."""
        return ZoneNotFound(
            f"zone {self._zone} does not exist in this Hetzner project: create it there, "
            "or correct the Fleet's zone or token",
            code="not_found",
        )

    def _record(self, data: Mapping[str, Any]) -> DnsRecord:
        """A record set as a value."""
        return DnsRecord(
            hostname=absolute(data["name"], self._zone),
            type=data["type"],
            values=tuple(item["value"] for item in data["records"]),
            owner=owner_of(data.get("labels") or {}),
            ttl=data.get("ttl"),
        )


def values_body(record: DnsRecord) -> list[dict[str, str]]:
    """The values as Hetzner takes them."""
    return [{"value": value} for value in record.values]


def owner_labels(owner: str | None) -> dict[str, str]:
    """An owner mark as labels: a label value may hold no slash."""
    installation, _, uid = (owner or "").partition("/")
    return {MANAGED_BY: MANAGER, INSTALLATION: installation, TENANT_UID: uid}


def owner_of(labels: Mapping[str, str]) -> str | None:
    """The owner mark that labels stand for; None for what this operator did not make."""
    if labels.get(MANAGED_BY) != MANAGER:
        return None
    return f"{labels.get(INSTALLATION, '')}/{labels.get(TENANT_UID, '')}"


def action_of(answer: Mapping[str, Any]) -> ActionRef:
    """The action in an answer."""
    data = answer["action"]
    return ActionRef(
        id=data["id"],
        command=data["command"],
        status=data["status"],
        progress=data.get("progress") or 0,
        error_code=(data.get("error") or {}).get("code", ""),
        error_message=(data.get("error") or {}).get("message", "")[:300],
    )
