"""What is installed with the operator: its rights, and the policy that protects tenants."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from plugins.fix_kube import Kubectl
from plugins.waiting import expect

pytestmark = pytest.mark.apiserver
ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "--as=system:serviceaccount:tenant-operator:tenant-operator"


@pytest.fixture(scope="module")
def installed(shared_kubectl: Kubectl) -> Iterator[Kubectl]:
    """The manifests, applied and removed."""
    anywhere = Kubectl(shared_kubectl.kubeconfig, "tenant-operator")
    anywhere.run("apply", "--server-side", "-f", str(ROOT / "manifests/install"))
    yield shared_kubectl
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
    command = refused.partition("To delete it: ")[2].strip()
    typed = subprocess.run(
        ["sh", "-euc", command],
        env={**os.environ, "KUBECONFIG": str(installed.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'tenant.blueagency.io "acme" deleted' in typed.stdout, typed.stderr


IN_USE = [
    ({"tenants": {"total": 2, "ready": 1}}, "in use (tenants: 2, kept volumes of deleted ones: 0)"),
    ({"tenants": {"total": 0, "ready": 0}, "kept": [{
        "tenant": "acme", "uid": "u", "volume": 7, "until": "2026-01-01T00:00:00Z",
    }]}, "in use (tenants: 0, kept volumes of deleted ones: 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "words"), IN_USE)
def test_a_fleet_in_use_cannot_be_deleted(
    installed: Kubectl, status: dict[str, Any], words: str
) -> None:
    installed.apply(yaml.safe_load((ROOT / "manifests/samples/fleet.yaml").read_text()))
    _report(installed, status)
    refused = _refused(installed, "fleet", "demo")
    assert words in refused
    assert "--field-selector spec.fleetRef.name=demo" in refused
    _report(installed, {"tenants": {"total": 0, "ready": 0}, "kept": []})
    installed.run("delete", "fleet", "demo")


def test_a_fleet_that_nobody_has_looked_at_can_be_deleted(installed: Kubectl) -> None:
    installed.apply(yaml.safe_load((ROOT / "manifests/samples/fleet.yaml").read_text()))
    assert "deleted" in installed.run("delete", "fleet", "demo").stdout


def test_a_fleet_with_ready_tenants_keeps_its_zone(installed: Kubectl) -> None:
    fleet = yaml.safe_load((ROOT / "manifests/samples/fleet.yaml").read_text())
    installed.apply(fleet)
    moved = {
        **fleet,
        "spec": {**fleet["spec"], "dns": {**fleet["spec"]["dns"], "zone": "b.example"}},
    }
    _report(installed, {"tenants": {"total": 1, "ready": 0}})
    installed.apply(moved)
    installed.apply(fleet)
    _report(installed, {"tenants": {"total": 2, "ready": 1}})
    patch = json.dumps({"spec": {"dns": {"zone": "b.example"}}})
    command = ("patch", "fleet", "demo", "--type=merge", "-p", patch)
    refused = installed.run(*command, check=False).stderr
    assert f"keeps the zone {fleet['spec']['dns']['zone']} while tenants are ready" in refused
    installed.run("patch", "fleet", "demo", "--type=merge", "-p", '{"spec":{"publicPort":8443}}')
    _report(installed, {"tenants": {"total": 0, "ready": 0}})
    installed.run("delete", "fleet", "demo")


def test_a_namespace_with_a_fleet_cannot_be_deleted(installed: Kubectl) -> None:
    installed.apply(yaml.safe_load((ROOT / "manifests/samples/fleet.yaml").read_text()))
    refused = _refused(installed, "namespace", installed.namespace)
    assert f"Namespace {installed.namespace} holds Fleet demo" in refused
    assert "Delete the tenants, then the Fleet" in refused
    installed.run("delete", "fleet", "demo")
    again = ("delete", "namespace", installed.namespace, "--dry-run=server")
    expect(lambda: installed.run(*again, check=False).returncode == 0, "leave to delete")


def _report(kubectl: Kubectl, status: dict[str, Any]) -> None:
    patch = json.dumps({"status": status})
    kubectl.run("patch", "fleet", "demo", "--subresource=status", "--type=merge", "-p", patch)


def _refused(kubectl: Kubectl, kind: str = "tenant", name: str = "acme") -> str:
    """The policy takes effect within seconds of its creation; a dry run changes nothing."""
    dry = ("delete", kind, name, "--dry-run=server")
    expect(lambda: kubectl.run(*dry, check=False).returncode != 0, "the refusal")
    return kubectl.run("delete", kind, name, check=False).stderr
