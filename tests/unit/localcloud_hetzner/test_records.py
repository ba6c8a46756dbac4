"""The record store that the DNS APIs write and the DNS server reads."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from localcloud.records import Record, RecordSet, RecordStore, Zone
from localcloud.rows import Rows

ZONE = Zone(key="hetzner:1", provider="hetzner", name="acme.example", meta={"labels": {}})
WWW = RecordSet(name="www", type="A", ttl=60, records=(Record(value="192.0.2.1", comment="web"),))


@pytest.fixture
def store(rows: Rows) -> RecordStore:
    store = RecordStore(rows)
    store.put_zone(ZONE)
    return store


def test_a_change_counts_the_serial_up_and_tells_the_listeners(store: RecordStore) -> None:
    heard: list[str] = []
    end = store.subscribe(heard.append)
    store.put_rrsets(ZONE.key, [WWW])
    end()
    store.delete_rrset(ZONE.key, "www", "A")
    zone = store.zone(ZONE.key)
    assert zone is not None
    assert (zone.serial, heard) == (3, ["acme.example"])
    assert store.rrsets(ZONE.key) == ()


def test_the_closest_zone_answers_and_of_equals_the_oldest(store: RecordStore) -> None:
    store.put_zone(Zone(key="cloudflare:a", provider="cloudflare", name="acme.example"))
    store.put_zone(Zone(key="cloudflare:b", provider="cloudflare", name="eu.acme.example"))
    found = [store.authority(n) for n in ("acme.example.", "WWW.eu.acme.example", "xacme.example")]
    assert [zone.key if zone else None for zone in found] == ["hetzner:1", "cloudflare:b", None]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "records.db")
    first = RecordStore(rows)
    first.put_zone(ZONE)
    first.put_rrsets(ZONE.key, [WWW])
    rows.close()
    with closing(Rows(tmp_path / "records.db")) as reopened:
        again = RecordStore(reopened)
        assert again.zones() == first.zones()
        assert again.rrset(ZONE.key, "www", "A") == WWW


def test_a_deleted_zone_leaves_nothing(store: RecordStore) -> None:
    store.put_rrsets(ZONE.key, [WWW])
    store.delete_zone(ZONE.key)
    store.delete_zone(ZONE.key)
    assert (store.zones(), store.rrsets(ZONE.key)) == ((), ())


def test_writes_together_are_undone_together(rows: Rows) -> None:
    def put_then_fail() -> None:
        with rows.together():
            rows.put("a", "1", {})
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        put_then_fail()
    assert list(rows.load("a")) == []
