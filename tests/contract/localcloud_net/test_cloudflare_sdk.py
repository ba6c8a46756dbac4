"""Cloudflare's official client against the stand-in, synchronous and asynchronous."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import cloudflare
import pytest
from cloudflare import AsyncCloudflare, Cloudflare
from localcloud.administration import AdministrationError
from plugins.fix_localcloud import LocalCloud


class Client:
    """Both clients behind one way of calling: `await client("dns.records.create", …)`."""

    def __init__(self, sdk: Cloudflare | AsyncCloudflare) -> None:
        self.sdk = sdk

    async def __call__(self, path: str, **arguments: Any) -> Any:
        call: Any = self.sdk
        for part in path.split("."):
            call = getattr(call, part)
        result = call(**arguments)
        return await result if inspect.isawaitable(result) else result

    async def all(self, path: str, **arguments: Any) -> list[Any]:
        """Every item of a list, page after page."""
        call: Any = self.sdk
        for part in path.split("."):
            call = getattr(call, part)
        pages = call(**arguments)
        if hasattr(pages, "__aiter__"):
            return [item async for item in pages]
        return list(pages)


def options(cloud: LocalCloud, token: str | None = None) -> dict[str, Any]:
    return {
        "api_token": token or cloud.cloudflare_token,
        "base_url": cloud.cloudflare,
        "max_retries": 0,
    }


@pytest.fixture(params=["sync", "async"])
async def client(request: pytest.FixtureRequest, localcloud: LocalCloud) -> AsyncIterator[Client]:
    if request.param == "sync":
        with Cloudflare(**options(localcloud)) as sdk:
            yield Client(sdk)
    else:
        async with AsyncCloudflare(**options(localcloud)) as asynchronous:
            yield Client(asynchronous)


@pytest.fixture
def zone(localcloud: LocalCloud) -> str:
    return make_zone(localcloud, "acme.test")


def make_zone(cloud: LocalCloud, name: str, plan: str = "pro") -> str:
    made = cloud.admin("cloudflare").ask("POST", "zones", {"name": name, "plan": plan})
    return str(made["result"]["id"])


@pytest.fixture
def sdk(localcloud: LocalCloud) -> Iterator[Cloudflare]:
    with Cloudflare(**options(localcloud)) as found:
        yield found


async def test_a_record_is_made_read_changed_and_deleted(client: Client, zone: str) -> None:
    made = await client(
        "dns.records.create",
        zone_id=zone,
        type="A",
        name="www.acme.test",
        content="198.18.0.7",
        ttl=60,
        comment="tenant 1",
    )
    same = await client("dns.records.get", dns_record_id=made.id, zone_id=zone)
    assert same == made
    assert (made.name, made.ttl, made.proxied, made.comment) == (
        "www.acme.test",
        60,
        False,
        "tenant 1",
    )
    edited = await client(
        "dns.records.edit",
        dns_record_id=made.id,
        zone_id=zone,
        type="A",
        name="www.acme.test",
        ttl=60,
        content="198.18.0.8",
    )
    assert (edited.content, edited.comment, edited.id) == ("198.18.0.8", "tenant 1", made.id)
    put = await client(
        "dns.records.update",
        dns_record_id=made.id,
        zone_id=zone,
        type="A",
        name="www.acme.test",
        content="198.18.0.9",
        ttl=1,
    )
    assert (put.content, put.comment, put.ttl) == ("198.18.0.9", None, 1)
    gone = await client("dns.records.delete", dns_record_id=made.id, zone_id=zone)
    assert gone.id == made.id
    assert await client.all("dns.records.list", zone_id=zone) == []


async def test_iteration_ends_with_the_empty_page(client: Client, zone: str) -> None:
    names = [f"n{number:02}.acme.test" for number in range(25)]
    posts = [{"type": "A", "name": n, "content": "198.18.0.7", "ttl": 60} for n in names]
    await client("dns.records.batch", zone_id=zone, posts=posts)
    found = await client.all("dns.records.list", zone_id=zone, per_page=10, order="name")
    assert [record.name for record in found] == names


async def test_records_are_found_by_name_type_content_and_comment(
    client: Client, zone: str
) -> None:
    for name, comment in (("a", "tenant 1"), ("b", "tenant 2"), ("ab", "")):
        await client(
            "dns.records.create",
            zone_id=zone,
            type="A",
            name=f"{name}.acme.test",
            content="198.18.0.7",
            ttl=60,
            comment=comment,
        )
    await client(
        "dns.records.create", zone_id=zone, type="TXT", name="a.acme.test", content="hi", ttl=60
    )

    async def names(**query: Any) -> list[tuple[str, str]]:
        found = await client.all("dns.records.list", zone_id=zone, **query)
        return sorted((record.name.partition(".")[0], record.type) for record in found)

    assert await names(name={"exact": "a.acme.test"}) == [("a", "A"), ("a", "TXT")]
    assert await names(name={"exact": "A.acme.test"}, type="A") == [("a", "A")]
    assert await names(name={"startswith": "a"}, type="A") == [("a", "A"), ("ab", "A")]
    assert await names(comment={"exact": "tenant 2"}) == [("b", "A")]
    assert await names(comment={"absent": "true"}) == [("a", "TXT"), ("ab", "A")]
    assert await names(content={"contains": "hi"}) == [("a", "TXT")]
    assert await names(name={"exact": "b.acme.test"}, content={"exact": "hi"}, match="any") == [
        ("a", "TXT"),
        ("b", "A"),
    ]
    assert await names(extra_query={"name": "b.acme.test"}) == [("b", "A")]


async def test_a_batch_happens_whole_or_not_at_all(client: Client, zone: str) -> None:
    old = await client(
        "dns.records.create", zone_id=zone, type="A", name="old", content="198.18.0.7", ttl=60
    )
    wrong = {"type": "A", "name": "bad", "content": "not an address", "ttl": 60}
    with pytest.raises(cloudflare.BadRequestError) as refused:
        await client("dns.records.batch", zone_id=zone, deletes=[{"id": old.id}], posts=[wrong])
    assert [error.code for error in refused.value.errors] == [9005]
    assert [r.id for r in await client.all("dns.records.list", zone_id=zone)] == [old.id]
    new = {"type": "CNAME", "name": "old", "content": "acme.test", "ttl": 60}
    done = await client("dns.records.batch", zone_id=zone, deletes=[{"id": old.id}], posts=[new])
    assert [r.name for r in done.deletes + done.posts] == ["old.acme.test", "old.acme.test"]


async def test_what_is_there_already_is_refused_by_number(client: Client, zone: str) -> None:
    async def code(**record: Any) -> int | None:
        with pytest.raises(cloudflare.BadRequestError) as refused:
            await client("dns.records.create", zone_id=zone, ttl=60, **record)
        return refused.value.errors[0].code

    host = {"type": "A", "name": "www", "content": "198.18.0.7"}
    await client("dns.records.create", zone_id=zone, ttl=60, **host)
    assert await code(**host) == 81058
    assert await code(type="CNAME", name="www", content="acme.test") == 81053
    assert await code(type="A", name="x", content="198.18.0.300") == 9005
    assert await code(type="AAAA", name="x", content="198.18.0.3") == 9006
    assert await code(type="TXT", name="x", content="hi", proxied=True) == 9041
    assert await code(type="A", name="-x", content="198.18.0.7") == 9000


@pytest.mark.parametrize("ttl", [0, 2, 59, 86401])
def test_a_ttl_outside_the_range_is_refused(sdk: Cloudflare, zone: str, ttl: int) -> None:
    with pytest.raises(cloudflare.BadRequestError) as refused:
        sdk.dns.records.create(zone_id=zone, type="A", name="x", content="198.18.0.7", ttl=ttl)
    assert refused.value.errors[0].code == 9021


def test_a_proxied_record_is_always_automatic(sdk: Cloudflare, zone: str) -> None:
    made = sdk.dns.records.create(
        zone_id=zone, type="A", name="x", content="198.18.0.7", ttl=600, proxied=True
    )
    assert made is not None
    assert (made.proxied, made.ttl, made.proxiable) == (True, 1, True)


def test_absent_things_are_404(sdk: Cloudflare, zone: str) -> None:
    with pytest.raises(cloudflare.NotFoundError) as record:
        sdk.dns.records.get("0" * 32, zone_id=zone)
    with pytest.raises(cloudflare.NotFoundError) as unknown_zone:
        sdk.dns.records.list(zone_id="0" * 32)
    with pytest.raises(cloudflare.NotFoundError) as route:
        sdk.get("/nothing/here", cast_to=object)
    codes = [e.value.errors[0].code for e in (record, unknown_zone, route)]
    assert codes == [81044, 7003, 7000]


async def test_zones_are_listed_by_name(client: Client, localcloud: LocalCloud) -> None:
    ids = {name: make_zone(localcloud, name) for name in ("acme.test", "other.test")}
    found = await client.all("zones.list", name="acme.test")
    assert [(zone.id, zone.status) for zone in found] == [(ids["acme.test"], "active")]
    found = await client.all("zones.list", name="ends_with:.test")
    assert [zone.name for zone in found] == ["acme.test", "other.test"]
    one = await client("zones.get", zone_id=ids["other.test"])
    assert (one.name, one.type) == ("other.test", "full")


async def test_a_zone_can_be_made_and_removed(client: Client) -> None:
    account = {"id": "0" * 32}
    made = await client("zones.create", name="new.test", account=account)
    with pytest.raises(cloudflare.BadRequestError) as refused:
        await client("zones.create", name="new.test", account=account)
    assert refused.value.errors[0].code == 1061
    await client("zones.delete", zone_id=made.id)
    assert await client.all("zones.list", name="new.test") == []


async def test_tokens_are_told_apart(client: Client, localcloud: LocalCloud) -> None:
    verified = await client("user.tokens.verify")
    assert verified.status == "active"
    stranger = Cloudflare(**options(localcloud, token="x" * 40))
    with stranger, pytest.raises(cloudflare.AuthenticationError) as refused:
        stranger.user.tokens.verify()
    assert refused.value.errors[0].code == 1000


def test_a_token_reaches_only_its_zones_and_permissions(localcloud: LocalCloud) -> None:
    mine, theirs = make_zone(localcloud, "mine.test"), make_zone(localcloud, "theirs.test")
    wanted = {"zones": ["mine.test"], "permissions": ["zone:read", "dns:read"]}
    token = localcloud.admin("cloudflare").make_token(wanted)
    with Cloudflare(**options(localcloud, token)) as reader:
        assert [zone.name for zone in reader.zones.list()] == ["mine.test"]
        assert list(reader.dns.records.list(zone_id=mine)) == []
        with pytest.raises(cloudflare.PermissionDeniedError):
            reader.dns.records.list(zone_id=theirs)
        with pytest.raises(cloudflare.PermissionDeniedError) as refused:
            reader.dns.records.create(zone_id=mine, type="A", name="x", content="1.2.3.4", ttl=1)
    assert refused.value.errors[0].code == 10000


def test_too_many_requests_are_429_until_the_window_ends(
    localcloud: LocalCloud, sdk: Cloudflare
) -> None:
    localcloud.admin("cloudflare").ask("PUT", "limit", {"limit": 2})
    answer = sdk.zones.with_raw_response.list()
    assert answer.headers["ratelimit"].startswith('"default";r=1;t=')
    assert answer.headers["ratelimit-policy"] == '"default";q=2;w=300'
    sdk.user.tokens.verify()
    with pytest.raises(cloudflare.RateLimitError) as refused:
        sdk.zones.list()
    assert 0 < int(refused.value.response.headers["retry-after"]) <= 300


def test_a_plan_limits_tags_comments_and_records(localcloud: LocalCloud, sdk: Cloudflare) -> None:
    free = make_zone(localcloud, "free.test", plan="free")

    def code(**more: Any) -> int | None:
        with pytest.raises(cloudflare.BadRequestError) as refused:
            sdk.dns.records.create(
                zone_id=free, type="A", name="x", content="1.2.3.4", ttl=1, **more
            )
        return refused.value.errors[0].code

    assert code(tags=["owner:me"]) == 9300
    assert code(comment="x" * 101) == 9313
    posts: list[Any] = [
        {"type": "A", "name": f"n{n}", "content": "1.2.3.4", "ttl": 1} for n in range(200)
    ]
    sdk.dns.records.batch(zone_id=free, posts=posts)
    assert code() == 81045


@pytest.mark.parametrize(
    ("record", "content"),
    [
        ({"type": "MX", "content": "mail.acme.test", "priority": 10}, "mail.acme.test"),
        (
            {"type": "CAA", "data": {"flags": 0, "tag": "issue", "value": "pki.test"}},
            '0 issue "pki.test"',
        ),
        (
            {
                "type": "SRV",
                "data": {"priority": 1, "weight": 2, "port": 443, "target": "www.acme.test"},
            },
            "1 2 443 www.acme.test",
        ),
        ({"type": "NS", "content": "ns1.else.test"}, "ns1.else.test"),
    ],
)
def test_types_with_parts_read_back_as_written(
    sdk: Cloudflare, zone: str, record: dict[str, Any], content: str
) -> None:
    made: Any = sdk.dns.records.create(zone_id=zone, name="part", ttl=60, **record)
    assert made.content == content
    if "data" in record:
        assert {name: made.data.model_dump().get(name) for name in record["data"]} == record["data"]


def test_a_zone_file_goes_out_and_in_again(
    localcloud: LocalCloud, sdk: Cloudflare, zone: str
) -> None:
    for record in (
        {"type": "A", "name": "www", "content": "198.18.0.7"},
        {"type": "MX", "name": "@", "content": "mail.acme.test", "priority": 10},
        {"type": "TXT", "name": "t", "content": 'say "hi"; ö'},
    ):
        sdk.dns.records.create(zone_id=zone, ttl=60, **record)
    text = sdk.dns.records.export(zone_id=zone)
    sdk.zones.delete(zone_id=zone)
    again = make_zone(localcloud, "acme.test")
    added = sdk.dns.records.import_(zone_id=again, file=text)
    assert added is not None
    assert added.recs_added == 3
    assert sdk.dns.records.export(zone_id=again) == text


def test_the_edges_ranges_are_published_without_a_token(localcloud: LocalCloud) -> None:
    with Cloudflare(**options(localcloud)) as sdk:
        ranges = sdk.ips.list()
    assert ranges is not None
    assert ranges.ipv4_cidrs == ["127.63.0.1/32"]


def test_faults_strike_as_often_as_they_should(
    localcloud: LocalCloud, sdk: Cloudflare, zone: str
) -> None:
    with localcloud.fault("cloudflare", kind="error", code="10429", status=503, path="/zones"):
        with pytest.raises(cloudflare.InternalServerError) as refused:
            sdk.zones.list()
        assert [error.code for error in refused.value.errors] == [10429]
        assert [found.id for found in sdk.zones.list()] == [zone]


@pytest.mark.parametrize(("kind", "kept"), [("drop_before", 0), ("commit_then_drop", 1)])
def test_a_dropped_request_happened_or_did_not(
    kind: str, kept: int, localcloud: LocalCloud, sdk: Cloudflare, zone: str
) -> None:
    with (
        localcloud.fault("cloudflare", kind=kind, method="POST"),
        pytest.raises(cloudflare.APIConnectionError),
    ):
        sdk.dns.records.create(zone_id=zone, type="A", name="x", content="1.2.3.4", ttl=1)
    assert len(list(sdk.dns.records.list(zone_id=zone))) == kept


def test_a_fault_that_cannot_be_is_refused(localcloud: LocalCloud) -> None:
    for fault in ({"kind": "action_fails"}, {"kind": "nothing"}):
        with pytest.raises(AdministrationError):
            localcloud.admin("cloudflare").add_fault(fault)
