"""Lists of the operator's own client on a real API server."""

from __future__ import annotations

import pytest
from plugins.fix_kube import Kubectl
from tenant_operator.cluster import client as client_module
from tenant_operator.cluster.client import Kubernetes
from tenant_operator.cluster.login import find_access
from tenant_operator.cluster.objects import collection_path

pytestmark = pytest.mark.apiserver


def tenant(name: str, fleet: str) -> dict[str, object]:
    """A Tenant that names a Fleet."""
    return {
        "apiVersion": "blueagency.io/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "fleetRef": {"name": fleet},
            "displayName": name,
            "hostname": f"{name}.agency.example",
            "agent": {
                "adminEmail": "admin@acme.example",
                "model": {"apiKeySecretRef": {"name": "model", "key": "key"}},
            },
        },
    }


async def test_tenants_of_a_fleet_are_listed_in_chunks(
    kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl.apply(*(tenant(f"t{number}", "main") for number in range(5)), tenant("u", "other"))
    monkeypatch.setattr(client_module, "CHUNK", 2)
    kubernetes = Kubernetes(find_access(kubectl.kubeconfig, None))
    path = collection_path("tenant", kubectl.namespace)
    pages = [page async for page in kubernetes.pages(path, fields="spec.fleetRef.name=main")]
    await kubernetes.close()
    assert [len(page) for page in pages] == [2, 2, 1]
    names = [held["metadata"]["name"] for page in pages for held in page]
    assert names == [f"t{number}" for number in range(5)]
