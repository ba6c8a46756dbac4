"""What the demo puts into somebody else's cluster, and that it takes away no more than that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from controlplane.cluster import Options, start
from demo import objects
from demo.borrowed import Borrowed, Kubectl
from demo.chain import kubectl_of
from demo.process import ChildError

pytestmark = pytest.mark.apiserver
KINDS = "crds,clusterroles,clusterrolebindings,validatingadmissionpolicies,secrets"


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """The owner's kubectl: a cluster without an installation and without a controller manager."""
    folder: Path = tmp_path_factory.mktemp("borrowed")
    with start(Options(folder)) as plane:
        yield kubectl_of(plane.kubeconfig, folder)


@pytest.fixture
def borrowed(kubectl: Kubectl) -> Borrowed:
    """The demo's view of it."""
    return Borrowed(kubectl)


def put(kubectl: Kubectl, *items: objects.Document) -> None:
    listing = {"apiVersion": "v1", "kind": "List", "items": list(items)}
    kubectl("apply", "-f", "-", stdin=json.dumps(listing))


def install(kubectl: Kubectl) -> None:
    """What the demo applies, with an operator's finalizers, a protected Tenant, a Fleet in use."""
    for folder in ("crds", "manifests/install"):
        kubectl("apply", "--server-side", "-f", str(objects.REPOSITORY / folder))
    kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=90s")
    fleet, tenant = objects.sample("fleet.yaml"), objects.tenant()
    tenant["spec"]["deletion"] = {"protected": True}
    for item in (fleet, tenant):
        item["metadata"]["finalizers"] = ["blueagency.io/teardown"]
    put(kubectl, fleet, tenant, objects.secret("hetzner", {"token": "x" * 64}))
    place = (fleet["metadata"]["name"], f"--namespace={objects.NAMESPACE}", "--subresource=status")
    status = '{"status":{"tenants":{"total":1,"ready":1}}}'
    kubectl("patch", "fleet", *place, "--type=merge", f"--patch={status}")


def present(kubectl: Kubectl) -> set[str]:
    """What a demo, or somebody else, has in the cluster."""
    listed = kubectl("get", KINDS, "--all-namespaces", "-o", "name").split()
    return {name for name in listed if any(word in name for word in ("tenant", "fleet", "secret"))}


def test_what_was_put_there_is_taken_away_also_after_a_crash(
    kubectl: Kubectl, borrowed: Borrowed
) -> None:
    borrowed.claim()
    install(kubectl)
    assert len(present(kubectl)) > 4
    borrowed.claim()
    assert present(kubectl) == set()
    install(kubectl)
    borrowed.give_back()
    assert present(kubectl) == set()
    borrowed.give_back()


def test_secrets_of_somebody_else_are_refused_and_stay(
    kubectl: Kubectl, borrowed: Borrowed
) -> None:
    put(kubectl, objects.secret("theirs", {"token": "x"}))
    with pytest.raises(ChildError, match="secret/theirs in the namespace"):
        borrowed.claim()
    borrowed.give_back()
    assert present(kubectl) == {"secret/theirs"}
    kubectl("delete", "secret", "theirs", f"--namespace={objects.NAMESPACE}")


def test_an_installation_of_somebody_else_is_refused_and_stays(
    kubectl: Kubectl, borrowed: Borrowed
) -> None:
    install(kubectl)
    before = present(kubectl)
    with pytest.raises(ChildError, match=r"tenants\.blueagency\.io.*config use-context"):
        borrowed.claim()
    borrowed.give_back()
    assert present(kubectl) == before
