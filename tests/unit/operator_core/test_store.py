"""The store's indexes follow what the watch delivers, and every effect has a hand."""

from __future__ import annotations

import inspect

from tenant_operator import acting, fleet_scope
from tenant_operator.core import results
from tenant_operator.store import Store, Stored, read


def tenant(name: str, *, version: int = 1, hostname: str = "a.example", uid: str = "") -> Stored:
    """A Tenant as the watch delivers it; those with later names are younger."""
    created = f"2026-01-01T00:00:{ord(name) - ord('a'):02d}Z"
    metadata = {
        "namespace": "agency",
        "name": name,
        "uid": uid or name,
        "resourceVersion": str(version),
        "creationTimestamp": created,
    }
    return read("tenant", {"metadata": metadata, "spec": {"hostname": hostname}})


def test_namesakes_are_those_with_the_same_host_name_until_they_change_or_go() -> None:
    store = Store()
    store.put(tenant("a"))
    store.put(tenant("b"))
    assert [held.uid for held in store.namesakes(tenant("a"))] == ["b"]
    store.put(tenant("a", version=2, hostname="other.example"))
    assert store.namesakes(tenant("b")) == []
    store.put(tenant("a", version=3))
    assert [held.uid for held in store.namesakes(tenant("b"))] == ["a"]
    store.drop(tenant("a").key)
    assert store.namesakes(tenant("b")) == []


def test_uids_follow_an_object_that_was_made_anew() -> None:
    store = Store()
    store.put(tenant("a", uid="first"))
    store.put(tenant("a", uid="second"))
    assert set(store.uids("tenant")) == {"second"}
    assert not store.uids("fleet")
    store.drop(tenant("a").key)
    assert not store.uids("tenant")


def test_a_stale_version_changes_nothing() -> None:
    store = Store()
    store.put(tenant("a", version=2))
    assert not store.put(tenant("a", version=1, hostname="old.example"))
    assert not store.namesakes(tenant("b", hostname="old.example"))


def test_every_effect_has_a_hand() -> None:
    effects = {
        held
        for name, held in vars(results).items()
        if inspect.isclass(held) and issubclass(held, results.Effect) and name[0] != "_"
    } - {results.Effect}
    assert effects == set(acting._HANDS) | set(fleet_scope._HANDS)
