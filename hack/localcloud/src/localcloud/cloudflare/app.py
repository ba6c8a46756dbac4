"""The routes of Cloudflare's API that the stand-in answers; the rest says so with 7000.

Handlers translate between HTTP and the directory. A handler returns the members of the envelope;
`envelope` wraps them. Requests are served one after the other by one loop, so that a change is seen
whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localcloud import json_bodies
from localcloud.cloudflare import errors, zonefile
from localcloud.cloudflare.directory import Batch, Directory, plan_of
from localcloud.cloudflare.errors import Problem, RefusedError
from localcloud.cloudflare.filters import page, select_records, select_zones
from localcloud.cloudflare.record import DnsRecord
from localcloud.cloudflare.tokens import Throttle, Token, Tokens
from localcloud.records import Zone
from localcloud.settings import DOMAIN

PREFIX = "/client/v4"
ACCOUNT = {"id": hashlib.md5(b"localcloud", usedforsecurity=False).hexdigest(), "name": "Local"}
NAME_SERVERS = [f"ns1.{DOMAIN}", f"ns2.{DOMAIN}"]
MODES = ("off", "flexible", "full", "strict")
BATCH_PARTS = ("deletes", "patches", "puts", "posts")

Members = dict[str, Any]
Call = Callable[["Context"], Awaitable[Members | web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Api:
    """What the handlers work on."""

    directory: Directory
    tokens: Tokens
    throttle: Throttle
    ranges: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request of a known token."""

    api: Api
    request: web.Request
    token: Token

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters, each once."""
        return dict(self.request.query)

    def zone(self, permission: str) -> Zone:
        """The zone of the path, if the token may do this there.

        Raises:
            RefusedError: it may not, or there is no such zone.
        """
        zone = self.api.directory.zone(self.request.match_info["zone"])
        if not self.token.may(permission, zone):
            raise errors.NOT_ALLOWED.refused()
        return zone

    async def body(self) -> Mapping[str, Any]:
        """The JSON object that was sent.

        Raises:
            RefusedError: it is none.
        """
        try:
            found = json_bodies.read(await self.request.read())
        except (ValueError, web.RequestPayloadError) as error:
            raise errors.BAD_JSON.refused() from error
        if not isinstance(found, Mapping):
            raise errors.BAD_JSON.refused()
        return found


def envelope(members: Members) -> Members:
    """A successful answer."""
    return {"success": True, "errors": [], "messages": [], "result": None, **members}


def failure(problem: Problem) -> Members:
    """A refused request."""
    told = {"code": problem.code, "message": problem.message}
    return {"success": False, "errors": [told], "messages": [], "result": None}


def reply(members: Members, status: int = 200) -> web.Response:
    """The envelope as an HTTP answer."""
    headers = {"CF-Ray": secrets.token_hex(8) + "-LOC"}
    return web.json_response(members, status=status, headers=headers)


def show_zone(zone: Zone) -> Members:
    """A zone as the API answers it."""
    created = zone.meta.get("created_on", "")
    return {
        "id": zone.key.partition(":")[2],
        "name": zone.name,
        "status": "active",
        "paused": False,
        "type": "full",
        "development_mode": 0,
        "name_servers": NAME_SERVERS,
        "original_name_servers": None,
        "original_registrar": None,
        "original_dnshost": None,
        "created_on": created,
        "modified_on": created,
        "activated_on": created,
        "account": ACCOUNT,
        "owner": {"id": None, "type": "user", "email": None},
        "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3},
        "plan": {"id": zone.meta.get("plan"), "name": plan_of(zone).name},
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
    }


async def verify(context: Context) -> Members:
    """`GET /user/tokens/verify`."""
    said = {"code": 10000, "message": "This API Token is valid and active", "type": None}
    return {"result": {"id": context.token.id, "status": "active"}, "messages": [said]}


async def list_zones(context: Context) -> Members:
    """`GET /zones`: those the token may see."""
    visible = [z for z in context.api.directory.zones() if _sees(context.token, z)]
    return page(select_zones(visible, context.query), context.query, "zones", show_zone)


def _sees(token: Token, zone: Zone) -> bool:
    return any(token.may(permission, zone) for permission in ("zone:read", "dns:read"))


async def create_zone(context: Context) -> Members:
    """`POST /zones`."""
    if not context.token.may("zone:edit", None):
        raise errors.NOT_ALLOWED.refused()
    body = await context.body()
    return {"result": show_zone(context.api.directory.add_zone(body.get("name")))}


async def get_zone(context: Context) -> Members:
    """`GET /zones/{zone}`."""
    return {"result": show_zone(context.zone("zone:read"))}


async def delete_zone(context: Context) -> Members:
    """`DELETE /zones/{zone}`."""
    zone = context.zone("zone:edit")
    context.api.directory.delete_zone(zone)
    return {"result": {"id": zone.key.partition(":")[2]}}


async def get_ssl(context: Context) -> Members:
    """`GET /zones/{zone}/settings/ssl`: how the edge checks origins."""
    return _setting(context.zone("zone:read"))


async def edit_ssl(context: Context) -> Members:
    """`PATCH /zones/{zone}/settings/ssl`."""
    zone = context.zone("zone:edit")
    mode = (await context.body()).get("value")
    if mode not in MODES:
        raise errors.BAD_RECORD.refused(f"ssl must be one of {', '.join(MODES)}")
    return _setting(context.api.directory.set_ssl(zone, str(mode)))


def _setting(zone: Zone) -> Members:
    value = zone.meta.get("ssl", "full")
    return {"result": {"id": "ssl", "value": value, "editable": True, "modified_on": None}}


async def list_records(context: Context) -> Members:
    """`GET /zones/{zone}/dns_records`."""
    records = context.api.directory.records(context.zone("dns:read"))
    chosen = select_records(list(records.values()), context.query)
    return page(chosen, context.query, "records", DnsRecord.to_json)


async def get_record(context: Context) -> Members:
    """`GET /zones/{zone}/dns_records/{record}`."""
    zone = context.zone("dns:read")
    record = context.api.directory.record(zone, context.request.match_info["record"])
    return {"result": record.to_json()}


async def create_record(context: Context) -> Members:
    """`POST /zones/{zone}/dns_records`."""
    zone = context.zone("dns:edit")
    done = context.api.directory.apply(zone, Batch(posts=[await context.body()]))
    return {"result": done["posts"][0].to_json()}


async def update_record(context: Context) -> Members:
    """`PUT …/{record}`: the whole record."""
    zone = context.zone("dns:edit")
    done = context.api.directory.apply(zone, Batch(puts=[await _with_id(context)]))
    return {"result": done["puts"][0].to_json()}


async def edit_record(context: Context) -> Members:
    """`PATCH …/{record}`: what is given."""
    zone = context.zone("dns:edit")
    done = context.api.directory.apply(zone, Batch(patches=[await _with_id(context)]))
    return {"result": done["patches"][0].to_json()}


async def _with_id(context: Context) -> Mapping[str, Any]:
    return {**await context.body(), "id": context.request.match_info["record"]}


async def delete_record(context: Context) -> Members:
    """`DELETE …/{record}`."""
    zone = context.zone("dns:edit")
    wanted = {"id": context.request.match_info["record"]}
    done = context.api.directory.apply(zone, Batch(deletes=[wanted]))
    return {"result": {"id": done["deletes"][0].id}}


async def batch_records(context: Context) -> Members:
    """`POST …/batch`: deletes, patches, puts, posts, in that order, all or none."""
    zone = context.zone("dns:edit")
    body = await context.body()
    batch = Batch(**{part: _objects(body.get(part)) for part in BATCH_PARTS})
    done = context.api.directory.apply(zone, batch)
    shown = {part: [record.to_json() for record in done[part]] for part in BATCH_PARTS}
    return {"result": {part: shown[part] or None for part in BATCH_PARTS}}


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise errors.BAD_JSON.refused()
    return value


async def export_records(context: Context) -> web.Response:
    """`GET …/export`: a zone file."""
    zone = context.zone("dns:read")
    text = zonefile.written(zone.name, context.api.directory.records(zone).values())
    return web.Response(text=text, content_type="text/plain")


async def import_records(context: Context) -> Members:
    """`POST …/import`: a zone file as form field `file`."""
    zone = context.zone("dns:edit")
    try:
        form = await context.request.post()
        file = form.get("file")
        text = file.file.read().decode() if isinstance(file, web.FileField) else str(file or "")
    except (ValueError, web.RequestPayloadError) as error:
        raise errors.BAD_JSON.refused() from error
    bodies = zonefile.read(zone.name, text, proxied=form.get("proxied") == "true")
    done = context.api.directory.apply(zone, Batch(posts=bodies))
    added = len(done["posts"])
    return {"result": {"recs_added": added, "total_records_parsed": added}}


ZONE = "/zones/{zone}"
RECORDS = ZONE + "/dns_records"
ROUTES: tuple[tuple[str, str, Call], ...] = (
    ("GET", "/user/tokens/verify", verify),
    ("GET", "/zones", list_zones),
    ("POST", "/zones", create_zone),
    ("GET", ZONE, get_zone),
    ("DELETE", ZONE, delete_zone),
    ("GET", ZONE + "/settings/ssl", get_ssl),
    ("PATCH", ZONE + "/settings/ssl", edit_ssl),
    ("GET", RECORDS + "/export", export_records),
    ("POST", RECORDS + "/import", import_records),
    ("POST", RECORDS + "/batch", batch_records),
    ("GET", RECORDS, list_records),
    ("POST", RECORDS, create_record),
    ("GET", RECORDS + "/{record}", get_record),
    ("PUT", RECORDS + "/{record}", update_record),
    ("PATCH", RECORDS + "/{record}", edit_record),
    ("DELETE", RECORDS + "/{record}", delete_record),
)


def add_routes(app: web.Application, api: Api) -> None:
    """Serve the API in `app`."""
    for method, path, call in ROUTES:
        app.router.add_route(method, PREFIX + path, _handler(api, call))
    app.router.add_get(PREFIX + "/ips", _public_ranges(api))


def _handler(api: Api, call: Call) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        token = api.tokens.of(request.headers)
        rates = api.throttle.count(token.secret)
        if "retry-after" in rates:
            answer = reply(failure(errors.TOO_MANY), errors.TOO_MANY.status)
        else:
            answer = await _answer(call, Context(api=api, request=request, token=token))
        answer.headers.update(rates)
        return answer

    return handle


async def _answer(call: Call, context: Context) -> web.Response:
    try:
        members = await call(context)
    except RefusedError as error:
        return reply(failure(error.problem), error.problem.status)
    return members if isinstance(members, web.Response) else reply(envelope(members))


def _public_ranges(api: Api) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        etag = hashlib.md5(json.dumps(api.ranges).encode(), usedforsecurity=False).hexdigest()
        ranges = {"ipv4_cidrs": list(api.ranges), "ipv6_cidrs": [], "etag": etag}
        return reply(envelope({"result": ranges}))

    return handle


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors before a handler runs: no token, no route."""
    try:
        return await handler(request)
    except RefusedError as error:
        return reply(failure(error.problem), error.problem.status)
    except web.HTTPRequestEntityTooLarge:
        return reply(failure(errors.TOO_LARGE), errors.TOO_LARGE.status)
    except web.HTTPNotFound:
        return reply(failure(errors.NO_ROUTE), errors.NO_ROUTE.status)
    except web.HTTPMethodNotAllowed:
        return reply(failure(errors.NO_METHOD), errors.NO_METHOD.status)
