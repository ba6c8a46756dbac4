"""What is installed with the operator: its rights, and the policy that protects tenants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from plugins.fix_kube import Kubectl

pytestmark = pytest.mark.apiserver
ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "--as=system:serviceaccount:tenant-operator:tenant-operator"


@pytest.fixture
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """The manifests, applied and removed."""
    anywhere = Kubectl(kubectl.kubeconfig, "tenant-operator")
    anywhere.run("apply", "--server-side", "-f", str(ROOT / "manifests/install"))
    yield kubectl
    anywhere.run("delete", "--wait=false", "-f", str(ROOT / "manifests/install/admission.yaml"))


MAY = [
    ("watch", "tenants.blueagency.io"), ("list", "fleets.blueagency.io"),
    ("patch", "tenants.blueagency.io/status"), ("patch", "tenants.blueagency.io"),
    ("get", "secrets"), ("create", "secrets"), ("delete", "secrets"), ("create", "events"),
]  # fmt: skip
MAY_NOT = [
    ("list", "secrets"), ("watch", "secrets"), ("delete", "tenants.blueagency.io"),
    ("create", "tenants.blueagency.io"), ("get", "pods"), ("create", "pods"),
    ("update", "clusterroles.rbac.authorization.k8s.io"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "resource"), MAY)
def test_granted(installed: Kubectl, verb: str, resource: str) -> None:
    name, _, sub = resource.partition("/")
    part = [f"--subresource={sub}"] if sub else []
    assert installed.run("auth", "can-i", verb, name, *part, ACCOUNT).stdout.strip() == "yes"


@pytest.mark.parametrize(("verb", "resource"), MAY_NOT)
def test_not_granted(installed: Kubectl, verb: str, resource: str) -> None:
    answer = installed.run("auth", "can-i", verb, resource, ACCOUNT, check=False)
    assert answer.stdout.strip() == "no"


def test_the_deployment_keeps_to_the_restricted_profile(installed: Kubectl) -> None:
    """The API server warns where a pod template breaks the namespace's profile."""
    manifest = str(ROOT / "manifests/operator.yaml")
    anywhere = Kubectl(installed.kubeconfig, "tenant-operator")
    anywhere.run("apply", "--warnings-as-errors", "-f", manifest)
    widened = anywhere.run("get", "deployment/tenant-operator", "-o", "yaml").stdout.replace(
        "runAsNonRoot: true", "runAsNonRoot: false"
    )
    refused = anywhere.run("replace", "--warnings-as-errors", "-f", "-", stdin=widened, check=False)
    assert "restricted" in refused.stderr
    anywhere.run("delete", "-f", manifest)


def test_a_protected_tenant_cannot_be_deleted(installed: Kubectl) -> None:
    tenant = yaml.safe_load((ROOT / "manifests/samples/tenant.yaml").read_text())
    del tenant["spec"]["deletion"]
    installed.apply(tenant)
    refused = _refused(installed)
    assert "is protected" in refused
    assert '"protected":false' in refused
    patch = '{"spec":{"deletion":{"protected":false}}}'
    installed.run("patch", "tenant", "acme", "--type", "merge", "-p", patch)
    installed.run("delete", "tenant", "acme")


def _refused(kubectl: Kubectl) -> str:
    """The policy takes effect within seconds of its creation; a dry run changes nothing."""
    for _ in range(100):
        answer = kubectl.run("delete", "tenant", "acme", "--dry-run=server", check=False)
        if answer.returncode != 0:
            break
        time.sleep(0.1)
    return kubectl.run("delete", "tenant", "acme", check=False).stderr
