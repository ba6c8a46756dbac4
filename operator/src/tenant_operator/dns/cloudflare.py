"""A zone at Cloudflare behind the DNS port; the only importer of cloudflare.

Cloudflare stores single records; a record set here is all of one name and type. The comment holds
the owner mark: it exists on every plan, tags do not. Creating is preceded by a look, because a
second A record of another owner would be accepted and share the traffic. Changes apply at once, so
no method returns an action. The SDK's retries are off (it would repeat a create).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import httpx
from cloudflare import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncCloudflare,
)

from tenant_operator.core.faults import (
    Ambiguous,
    Busy,
    ProviderError,
    RateLimited,
    Refused,
    Taken,
)
from tenant_operator.core.world import ActionRef, DnsRecord, RecordType
from tenant_operator.dns.naming import relative
from tenant_operator.dns.port import CLOUDFLARE_FAULTS, HTTP_FAULTS, ZoneNotFound

AUTOMATIC_TTL: Final = 1
PAUSE_SECONDS: Final = 300
"""How long Cloudflare blocks a token that went over 1200 requests in five minutes."""
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


class CloudflareDns:
    """One zone (see `dns.port.Dns`)."""

    def __init__(self, token: str, *, zone: str, endpoint: str | None = None) -> None:
        self._token = token
        self._zone = zone.rstrip(".").lower()
        self._zone_id: str | None = None
        self._client = AsyncCloudflare(
            api_token=token, base_url=endpoint, max_retries=0, timeout=TIMEOUT
        )

    async def list_records(self, installation: str) -> tuple[DnsRecord, ...]:
        """Every record set of this installation."""
        found = await self._list(comment={"startswith": f"{installation}/"})
        return record_sets([item for item in found if item.type in {"A", "AAAA"}])

    async def find(self, hostname: str, kind: RecordType) -> DnsRecord | None:
        """The record set of that name and type, whoever made it."""
        sets = record_sets(await self._of(hostname, kind))
        return sets[0] if sets else None

    async def publish(self, record: DnsRecord) -> ActionRef | None:
        """Look, then make what is missing and remove what is too much, in one transaction."""
        present = await self._of(record.hostname, record.type)
        self._refuse_foreign(present, record)
        wanted = [self._body(record, value) for value in record.values]
        keep = [item for item in present if as_body(item) in wanted]
        kept = [as_body(item) for item in keep]
        posts = [body for body in wanted if body not in kept]
        deletes = [{"id": item.id} for item in present if item not in keep]
        if posts or deletes:
            await self._batch(posts=posts, deletes=deletes)
        return None

    def _refuse_foreign(self, present: Sequence[Any], record: DnsRecord) -> None:
        """A record without our mark, or with another tenant's, is not to be touched."""
        for item in present:
            if item.comment != record.owner:
                raise Taken(
                    f"{record.hostname} {record.type} exists and is not this tenant's "
                    f"(comment: {item.comment or 'none'}): remove it or choose another hostname"
                )

    async def withdraw(self, record: DnsRecord) -> ActionRef | None:
        """Remove the records that carry the same owner mark."""
        present = await self._of(record.hostname, record.type)
        own = [item for item in present if item.comment and item.comment == record.owner]
        if own:
            await self._batch(posts=[], deletes=[{"id": item.id} for item in own])
        return None

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _of(self, hostname: str, kind: RecordType) -> list[Any]:
        """The records of one name and type."""
        relative(hostname, self._zone)
        return await self._list(name={"exact": hostname}, type=kind)

    async def _list(self, **query: Any) -> list[Any]:
        """Every record that matches; the SDK follows the pages."""
        zone_id = await self._zone_identity()
        with self._translated():
            pages = self._client.dns.records.list(zone_id=zone_id, per_page=100, **query)
            return [item async for item in pages]

    async def _batch(self, *, posts: list[Any], deletes: list[Any]) -> None:
        """One transaction; Cloudflare deletes first. Somebody else's delete in between is fine."""
        zone_id = await self._zone_identity()
        with self._translated():
            await self._client.dns.records.batch(zone_id=zone_id, posts=posts, deletes=deletes)

    async def _zone_identity(self) -> str:
        """The zone's id, asked for once."""
        if self._zone_id is None:
            with self._translated():
                pages = self._client.zones.list(name=self._zone)
                found = [item.id async for item in pages]
            if not found:
                raise ZoneNotFound(
                    f"zone {self._zone} is not visible to this Cloudflare token: "
                    "create it, or give the token Zone:Read and DNS:Edit on it"
                )
            self._zone_id = found[0]
        return self._zone_id

    def _body(self, record: DnsRecord, value: str) -> dict[str, Any]:
        """One record as Cloudflare takes it."""
        automatic = record.proxied or record.ttl is None
        return {
            "type": record.type,
            "name": record.hostname,
            "content": value,
            "ttl": AUTOMATIC_TTL if automatic else record.ttl,
            "proxied": record.proxied,
            "comment": record.owner,
        }

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The SDK's exceptions as ours, without its text where that could hold the token."""
        try:
            yield
        except APIConnectionError as error:
            kind = type(error).__name__
            raise Ambiguous(f"Cloudflare did not answer ({kind})", code="no_answer") from None
        except APIStatusError as error:
            raise refusal(error, token=self._token) from None
        except APIError as error:
            raise Busy(f"Cloudflare's answer makes no sense ({type(error).__name__})") from None


def as_body(item: Any) -> dict[str, Any]:
    """A record as it would be asked for."""
    return {
        "type": item.type,
        "name": item.name,
        "content": item.content,
        "ttl": int(item.ttl),
        "proxied": bool(item.proxied),
        "comment": item.comment,
    }


def record_sets(items: Sequence[Any]) -> tuple[DnsRecord, ...]:
    """Single records gathered by name and type; the mark counts only when all carry it."""
    ordered = sorted(items, key=lambda item: (item.name, item.type))
    return tuple(
        one_set(list(group)) for _, group in groupby(ordered, lambda item: (item.name, item.type))
    )


def one_set(group: Sequence[Any]) -> DnsRecord:
    """The record set that these records form."""
    first = group[0]
    marks = {item.comment for item in group}
    ttl = int(first.ttl)
    return DnsRecord(
        hostname=first.name,
        type=first.type,
        values=tuple(sorted(item.content for item in group)),
        owner=first.comment if len(marks) == 1 and "/" in (first.comment or "") else None,
        ttl=None if ttl == AUTOMATIC_TTL else ttl,
        proxied=bool(first.proxied),
    )


def refusal(error: APIStatusError, *, token: str) -> ProviderError:
    """The error of ours for an answer: by Cloudflare's number, otherwise by HTTP status."""
    code, text = first_problem(error)
    text = (text or f"HTTP {error.status_code}").replace(token, "[token]")[:300]
    status = HTTP_FAULTS.get(error.status_code, Busy if error.status_code >= 500 else Refused)
    kind = CLOUDFLARE_FAULTS.get(code, status)
    identity = error.response.headers.get("cf-ray", "")
    if kind is RateLimited:
        until = datetime.now(UTC) + timedelta(seconds=pause(error.response))
        return RateLimited(text, code=str(code), correlation_id=identity, until=until)
    return kind(text, code=str(code or error.status_code), correlation_id=identity)


def first_problem(error: APIStatusError) -> tuple[int, str]:
    """Number and text of the first entry in Cloudflare's error list."""
    for item in error.errors or ():
        return int(item.code or 0), str(item.message or "")
    return 0, ""


def pause(response: httpx.Response) -> int:
    """Seconds until the next request makes sense."""
    stated = response.headers.get("retry-after", "")
    return int(stated) if stated.isdigit() else PAUSE_SECONDS
