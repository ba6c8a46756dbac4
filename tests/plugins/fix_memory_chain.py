"""The real operator on a real API server over machines in memory: the chain without containers."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.cluster import ControlPlane
from plugins import preloaded
from plugins.fix_kube import Kubectl, api_client, in_namespace
from plugins.fix_localcloud import LocalCloud, start_localcloud
from plugins.waiting import pauses

ZONE = "agency.test"
READY_SECONDS = 120.0
EFFECTS_PER_QUESTION = 10
"""How often the log is looked at for one question to the API server, which costs far more."""
Document = dict[str, Any]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; held together, so that they differ."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@dataclass
class OperatorProcess:
    """`tenant-operator` as a process whose log lines can be waited for."""

    kubeconfig: Path
    namespace: str
    log: Path
    process: preloaded.Preloaded | None = None
    seen: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    _read: int = 0
    _effects: list[Document] = field(default_factory=list)

    def start(self, **settings: str) -> None:
        """Start a new process; its log goes on where the last one's ended."""
        words = [f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        words += ["--probe-port=0", "--metrics-port=0", "--log-format=json"]
        environment = {**os.environ, **self.settings, **settings}
        self.process = preloaded.start(
            preloaded.OPERATOR, words, environment=environment, log=self.log
        )

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is closed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def effects(self) -> list[Document]:
        """Every effect that was begun so far, by all processes."""
        if self.log.exists():
            with self.log.open("rb") as file:
                file.seek(self._read)
                whole, _, _ = file.read().rpartition(b"\n")
            self._read += len(whole)
            records = (json.loads(line) for line in whole.splitlines() if line.startswith(b"{"))
            self._effects += [record for record in records if record.get("event") == "acting"]
        return self._effects

    def says(self, words: str) -> bool:
        """Whether words stand in the log."""
        return self.log.exists() and words in self.log.read_text()

    def next_effect(
        self, until: Callable[[], bool], state: Callable[[], object]
    ) -> Document | None:
        """The first effect begun since the last call; None once `until` holds.

        `state` says how things stand, for the message when nothing happens any more.
        """
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            for _ in range(EFFECTS_PER_QUESTION):
                found = self.effects()
                if len(found) > self.seen:
                    self.seen += 1
                    return found[self.seen - 1]
                time.sleep(0.02)
            if until():
                return None
        raise AssertionError(f"nothing happens: {state()}\n{self.log.read_text()[-3000:]}")


@dataclass
class MemoryChain:
    """Cloud, cluster and operator, with what a test asks of them."""

    cloud: LocalCloud
    kubectl: Kubectl
    api: httpx.Client
    operator: OperatorProcess
    ssh_port: int
    web_port: int
    images: dict[str, str] = field(default_factory=dict)

    def fleet(self) -> Document:
        """A Fleet whose cloud is the local one."""
        host = "registry.example"
        digest = "sha256:" + "ab" * 32
        names = ("agent", "traefik", "postgres", "redis")
        images = {name: f"{host}/blueagency/{name}@{digest}" for name in names}
        token = {"name": "cloud", "key": "token"}
        return _object("Fleet", "main") | {
            "spec": {
                "infrastructure": {
                    "endpoint": self.cloud.hetzner,
                    "tokenSecretRef": token,
                    "locations": ["fsn1", "nbg1"],
                    "serverTypes": ["cx23", "cx33"],
                    "bake": False,
                },
                "dns": {
                    "provider": "hetzner",
                    "zone": ZONE,
                    "endpoint": self.cloud.hetzner,
                    "tokenSecretRef": token,
                    "resolvers": [self.cloud.endpoints["dns"]],
                },
                "acme": {"directory": "https://acme.example/dir", "email": f"ops@{ZONE}"},
                "access": {"sshNetworks": ["127.0.0.0/8"], "sshPort": self.ssh_port},
                "registry": {"host": host},
                "images": images,
                "trust": {"caBundle": self.cloud.ca.read_text()},
                "publicPort": self.web_port,
            }
        }

    def tenant(self, name: str = "acme") -> Document:
        """A Tenant that leaves nothing behind."""
        return _object("Tenant", name) | {
            "spec": {
                "fleetRef": {"name": "main"},
                "displayName": name.capitalize(),
                "hostname": f"agent.{name}.{ZONE}",
                "agent": {
                    "adminEmail": f"admin@{name}.example",
                    "model": {"apiKeySecretRef": {"name": "model", "key": "api-key"}},
                },
                "deletion": {"protected": False, "retain": "0s"},
            }
        }

    def secrets(self) -> list[Document]:
        """The credentials that Fleet and Tenants name."""
        return [
            _secret("cloud", "token", self.cloud.hetzner_token),
            _secret("model", "api-key", "model-key-0123456789"),
        ]

    def seen(self, name: str = "acme") -> Document | None:
        """The Tenant as the API server has it now; None when there is none."""
        group = f"/apis/blueagency.io/v1alpha1/namespaces/{self.kubectl.namespace}"
        answer = self.api.get(f"{group}/tenants/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: Document = answer.raise_for_status().json()
        return found

    def conditions(self, name: str = "acme") -> dict[str, tuple[str, str, str]]:
        """Condition type → (status, reason, message)."""
        return _conditions(self.seen(name) or {})

    def is_ready(self, name: str = "acme") -> bool:
        """Whether the Tenant says so of its present spec."""
        tenant = self.seen(name)
        if tenant is None:
            return False
        observed = tenant.get("status", {}).get("observedGeneration")
        fresh = bool(observed == tenant["metadata"]["generation"])
        return fresh and _conditions(tenant).get("Ready", ("",))[0] == "True"

    def server(self, name: str = "acme") -> Document:
        """The machine as the Tenant's status has it."""
        found: Document = self.kubectl.get("tenant", name)["status"]["server"]
        return found

    def is_gone(self, name: str = "acme") -> bool:
        """Whether the Tenant's object is no more."""
        return self.seen(name) is None

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something that has to come; fails with the conditions and the log."""
        for _ in pauses(READY_SECONDS):
            if holds():
                return
        log = self.operator.log.read_text()[-3000:]
        raise AssertionError(f"{what} did not come: {self.all_conditions()}\n{log}")

    def all_conditions(self) -> list[Any]:
        """Of every Tenant, for messages."""
        items = self.kubectl.get("tenants")["items"]
        return [item.get("status", {}).get("conditions") for item in items]

    def counts(self) -> dict[str, int]:
        """How many things of each kind the project holds."""
        headers = {"Authorization": f"Bearer {self.cloud.hetzner_token}"}
        with httpx.Client(base_url=self.cloud.hetzner, headers=headers) as project:
            kinds = ("servers", "volumes", "primary_ips")
            counts = {kind: len(project.get(kind).json()[kind]) for kind in kinds}
            sets = project.get(f"zones/{ZONE}/rrsets").json()
        counts["records"] = sum(item["type"] in ("A", "AAAA") for item in sets["rrsets"])
        return counts

    def machines(self) -> list[Document]:
        """What the back end says of its machines."""
        found = self.cloud.admin("hetzner").ask("GET", "machines")
        listed: list[Document] = found["machines"]
        return listed

    def fault(self, target: str, **faults: Any) -> None:
        """Set what is wrong with a machine; nothing given takes it away."""
        admin = self.cloud.admin("hetzner")
        if faults:
            admin.ask("PUT", f"machines/{target}/faults", faults)
        else:
            admin.ask("DELETE", f"machines/{target}/faults")


def _conditions(tenant: Document) -> dict[str, tuple[str, str, str]]:
    found = tenant.get("status", {}).get("conditions", [])
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in found}


def _object(kind: str, name: str) -> Document:
    return {"apiVersion": "blueagency.io/v1alpha1", "kind": kind, "metadata": {"name": name}}


def _secret(name: str, key: str, value: str) -> Document:
    data = {key: base64.b64encode(value.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


@contextmanager
def running_memory_chain(
    plane: ControlPlane, kubectl: Kubectl, folder: Path
) -> Iterator[MemoryChain]:
    """Everything up and the Fleet applied; the operator is not started yet."""
    ssh, web, http = free_ports(3)
    cloud = start_localcloud(
        folder / "cloud",
        "--backend=memory",
        "--port-base=0",
        f"--ports=machine_ssh={ssh},machine={web},machine_http={http}",
        f"--hetzner-zone={ZONE}",
        "--forward=off",
        only=("hetzner", "dns"),
    )
    operator = OperatorProcess(plane.kubeconfig, kubectl.namespace, folder / "operator.log")
    api = api_client(plane.kubeconfig)
    chain = MemoryChain(cloud, kubectl, api, operator, ssh, web)
    try:
        kubectl.apply(*chain.secrets(), chain.fleet())
        yield chain
    finally:
        api.close()
        operator.kill()
        cloud.stop()
        kubectl.run("patch", "tenants", "--all", "--type=merge", "-p",
                    '{"metadata":{"finalizers":null}}', check=False)  # fmt: skip


@pytest.fixture
def memory_chain(
    kube_cluster: ControlPlane, kubectl: Kubectl, tmp_path: Path
) -> Iterator[MemoryChain]:
    """The chain of one test."""
    with running_memory_chain(kube_cluster, kubectl, tmp_path) as chain:
        yield chain


@pytest.fixture(scope="module")
def working_chain(
    kube_cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MemoryChain]:
    """A chain whose operator runs, for tests that bring a Tenant of their own."""
    folder = tmp_path_factory.mktemp("chain")
    with (
        in_namespace(kube_cluster) as bound,
        running_memory_chain(kube_cluster, bound, folder) as chain,
    ):
        chain.operator.start()
        yield chain
