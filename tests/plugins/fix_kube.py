"""A real kube-apiserver, once per test session, and a namespace of its own per test."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from controlplane.cluster import ControlPlane, Options, start

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kubectl:
    """The real `kubectl`, bound to one cluster and namespace."""

    kubeconfig: Path
    namespace: str

    def run(
        self, *args: str, stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; with `check`, a failure raises with its error text."""
        argv = ["kubectl", f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        result = subprocess.run(
            [*argv, *args], input=stdin, capture_output=True, text=True, check=False
        )
        if check and result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: {result.stderr}")
        return result

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects in the namespace."""
        listing = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run("apply", "-f", "-", stdin=json.dumps(listing))

    def rejects(self, item: dict[str, Any]) -> str:
        """Apply an object that must be refused; returns the server's words."""
        result = self.run("apply", "-f", "-", stdin=json.dumps(item), check=False)
        assert result.returncode != 0, f"accepted, but should not be: {item}"
        return result.stderr

    def get(self, *args: str) -> dict[str, Any]:
        """One object or list as data."""
        found: dict[str, Any] = json.loads(self.run("get", *args, "-o", "json").stdout)
        return found


@contextmanager
def cluster_with_crds(folder: Path) -> Iterator[ControlPlane]:
    """A control plane with the product's CRDs installed."""
    with start(Options(folder)) as plane:
        kubectl = Kubectl(plane.kubeconfig, "default")
        if any((REPOSITORY / "crds").glob("*.yaml")):
            kubectl.run("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
            kubectl.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        yield plane


@pytest.fixture(scope="session")
def kube_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of the run."""
    with cluster_with_crds(tmp_path_factory.mktemp("kube")) as plane:
        yield plane


@pytest.fixture
def kubectl(kube_cluster: ControlPlane) -> Iterator[Kubectl]:
    """kubectl in a fresh namespace, which is deleted afterwards."""
    bound = Kubectl(kube_cluster.kubeconfig, f"test-{uuid.uuid4().hex[:8]}")
    bound.run("create", "namespace", bound.namespace)
    yield bound
    bound.run("delete", "namespace", bound.namespace, "--wait=false")
