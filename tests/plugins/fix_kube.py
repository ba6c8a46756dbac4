"""A real kube-apiserver, once per test session, and a namespace of its own per test."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
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


def api_client(kubeconfig: Path, *, seconds: float = 60.0) -> httpx.Client:
    """The API server without a process per question, with a control plane's own kubeconfig.

    A `kubectl` costs a tenth of a second of processor time; who waits for something asks often.
    """
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=_text(cluster["certificate-authority-data"]))
    with tempfile.NamedTemporaryFile("w") as pair:  # mode 0600, and gone at once
        pair.write(_text(user["client-certificate-data"]) + _text(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return httpx.Client(base_url=cluster["server"], verify=context, timeout=seconds)


@dataclass(frozen=True)
class Rules:
    """What the API server says of an object that it is not to keep, as it tells it to kubectl."""

    client: httpx.Client
    namespace: str = "default"

    def accepts(self, item: dict[str, Any]) -> dict[str, Any]:
        """The object as the server would store it, after every rule and default."""
        answer = self._ask(item)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        stored: dict[str, Any] = answer.json()
        return stored

    def rejects(self, item: dict[str, Any]) -> str:
        """The server's words about an object that must be refused."""
        answer = self._ask(item)
        assert answer.is_client_error, f"accepted, but should not be: {item}"
        message: str = answer.json()["message"]
        return message

    def _ask(self, item: dict[str, Any]) -> httpx.Response:
        path = f"/apis/{item['apiVersion']}/namespaces/{self.namespace}/{item['kind'].lower()}s"
        how = {"dryRun": "All", "fieldValidation": "Strict"}
        return self.client.post(path, json=item, params=how)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


@contextmanager
def cluster_with_crds(folder: Path) -> Iterator[ControlPlane]:
    """A control plane with the product's CRDs installed."""
    with start(Options(folder)) as plane:
        kubectl = Kubectl(plane.kubeconfig, "default")
        if any((REPOSITORY / "crds").glob("*.yaml")):
            kubectl.run("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
            kubectl.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=90s")
        yield plane


@pytest.fixture(scope="session")
def kube_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The control plane of the run."""
    with cluster_with_crds(tmp_path_factory.mktemp("kube")) as plane:
        yield plane


@contextmanager
def in_namespace(plane: ControlPlane) -> Iterator[Kubectl]:
    """kubectl in a fresh namespace, which is deleted afterwards."""
    bound = Kubectl(plane.kubeconfig, f"test-{uuid.uuid4().hex[:8]}")
    bound.run("create", "namespace", bound.namespace)
    yield bound
    bound.run("delete", "namespace", bound.namespace, "--wait=false")


@pytest.fixture
def kubectl(kube_cluster: ControlPlane) -> Iterator[Kubectl]:
    """kubectl in a namespace of the test's own."""
    with in_namespace(kube_cluster) as bound:
        yield bound


@pytest.fixture(scope="session")
def rules(kube_cluster: ControlPlane) -> Iterator[Rules]:
    """The rules of the product's resources, asked without a process per question."""
    with api_client(kube_cluster.kubeconfig) as client:
        yield Rules(client)


@pytest.fixture(scope="module")
def shared_kubectl(kube_cluster: ControlPlane) -> Iterator[Kubectl]:
    """kubectl in one namespace for tests that leave nothing in it."""
    with in_namespace(kube_cluster) as bound:
        yield bound
