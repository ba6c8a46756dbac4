"""What every request passes: faults, route, token, rate limit, method, body; then its handler.

No web framework here: bytes in, bytes out. An answer of `None` means that the connection is
dropped without one.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from localcloud import json_bodies
from localcloud.hetzner import faults as faulty
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.faults import Fault, FaultList
from localcloud.hetzner.limits import Allowance, Bucket
from localcloud.hetzner.model import Token
from localcloud.hetzner.routing import Call, Found, Reply, Router
from localcloud.hetzner.tokens import Tokens

log = logging.getLogger(__name__)

Query = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A request; `path` is raw and below `/v1`, `url` the whole address without query.

    `unreadable` is what was wrong with the body where it could not be read.
    """

    method: str
    path: str
    url: str
    query: Query
    authorization: str | None
    body: bytes
    unreadable: ApiError | None = None


@dataclass(frozen=True)
class Outgoing:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """What was asked and answered, for those who watch (tests, counts)."""

    method: str
    template: str | None
    status: int
    body: Any


Observer = Callable[[Exchange], None]


class Door:
    """Answers requests for a cloud."""

    def __init__(
        self, cloud: Cloud, router: Router, tokens: Tokens, requests_per_hour: int
    ) -> None:
        self.cloud = cloud
        self.tokens = tokens
        self.faults = FaultList()
        self.requests_per_hour = requests_per_hour
        self.observers: list[Observer] = []
        self._router = router
        self._buckets: dict[str, Bucket] = {}

    async def answer(self, asked: Incoming) -> Outgoing | None:
        """The answer to a request, under the faults that meet it."""
        met = {fault.kind: fault for fault in self.faults.meet(asked.method, asked.path)}
        if "delay" in met:
            await self.cloud.clock.sleep(met["delay"].seconds)
        if "drop_before" in met:
            return None
        answered = self._respond(asked, list(met.values()))
        if "commit_then_drop" in met:
            await self.cloud.clock.sleep(met["commit_then_drop"].seconds)
            return None
        return answered

    def reset_limits(self) -> None:
        """Fill every project's bucket."""
        self._buckets.clear()

    def _respond(self, asked: Incoming, met: list[Fault]) -> Outgoing:
        found = self._router.find(asked.path)
        token = self.tokens.find(asked.authorization)
        allowance = self._count(token)
        try:
            reply = self._reply(asked, found, allowance, met)
        except ApiError as error:
            reply = Reply(_status(error, met), error.body())
        except Exception:
            log.exception("request %s %s broke", asked.method, asked.path)
            broken = ApiError("server_error", "an internal error occurred")
            reply = Reply(broken.status, broken.body())
        template = found.template if found else None
        self._observe(Exchange(asked.method, template, reply.status, reply.body))
        return _outgoing(asked, reply, allowance)

    def _count(self, token: Token | None) -> Allowance:
        """Every request counts; those whose token is none share a bucket of their own."""
        key, now = token.project if token else "", self.cloud.clock.now()
        bucket = self._buckets.get(key)
        if bucket is None or bucket.limit != self.requests_per_hour:
            bucket = self._buckets[key] = Bucket(self.requests_per_hour, now)
        return bucket.take(now)

    def _reply(
        self, asked: Incoming, found: Found | None, allowance: Allowance, met: list[Fault]
    ) -> Reply:
        by_kind = {fault.kind: fault for fault in met}
        if "error" in by_kind:
            raise ApiError(by_kind["error"].code, by_kind["error"].message)
        allowance.check()
        if found is None:
            raise ApiError("not_found", "api route not found")
        token = self.tokens.check(asked.authorization)
        handler = found.methods.get(asked.method)
        if handler is None:
            raise ApiError("method_not_allowed", "method not allowed")
        if token.read_only and asked.method != "GET":
            raise ApiError("token_readonly", "the token is only allowed to perform GET requests")
        call = Call(
            cloud=self.cloud,
            project=token.project,
            path=found.values,
            query=asked.query,
            payload=_payload(asked),
            fate=faulty.fate(met),
        )
        with self.cloud.state.rows.together():
            reply = handler(call)
        return _shortened(reply, by_kind.get("partial_page"))

    def _observe(self, exchange: Exchange) -> None:
        for observer in self.observers:
            observer(exchange)


def _status(error: ApiError, met: list[Fault]) -> int:
    stated = (fault.status for fault in met if fault.kind == "error" and fault.status)
    return next(stated, error.status)


def _payload(asked: Incoming) -> Any:
    if asked.unreadable is not None:
        raise asked.unreadable
    if asked.method not in ("POST", "PUT", "PATCH") or not asked.body.strip():
        return None
    try:
        return json_bodies.read(asked.body)
    except ValueError as error:
        raise ApiError("json_error", "invalid JSON in request body") from error


def _shortened(reply: Reply, fault: Fault | None) -> Reply:
    if fault is None or reply.body is None:
        return reply
    return replace(reply, body=faulty.shortened(reply.body, fault.keep), page=None)


def _outgoing(asked: Incoming, reply: Reply, allowance: Allowance) -> Outgoing:
    headers = {"X-Correlation-Id": secrets.token_hex(16), **allowance.headers()}
    if reply.page is not None:
        headers["Link"] = _links(asked, reply)
    if reply.body is None:
        return Outgoing(reply.status, headers, b"")
    headers["Content-Type"] = "application/json"
    return Outgoing(reply.status, headers, json.dumps(reply.body).encode())


def _links(asked: Incoming, reply: Reply) -> str:
    page = reply.page
    if page is None:
        return ""
    others = [(k, v) for k, vs in asked.query.items() if k not in ("page", "per_page") for v in vs]
    targets = {"prev": page.previous, "next": page.next, "last": page.last}
    return ", ".join(
        f"<{asked.url}?{urlencode([*others, ('page', number), ('per_page', page.per_page)])}>"
        f'; rel="{rel}"'
        for rel, number in targets.items()
        if number is not None
    )
