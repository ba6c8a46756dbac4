"""The whole chain on this machine: cloud, images, control plane, operator, a Fleet and Tenants.

The demo and the end-to-end tests use the same class, so what a person sees is what is tested.
Every part is a real program with its log below the demo's folder; `stop` takes them down in
reverse, and `clean` removes what a crash left.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml
from controlplane import binaries, cluster

from demo import objects
from demo.customer import Door
from demo.process import Child, ChildError, run, start, tail

Document = dict[str, Any]
Backend = Literal["container", "memory"]
READY_SECONDS = 600.0
STACK = ("agent", "traefik", "postgres", "redis")
HACK = objects.REPOSITORY / "hack"


@dataclass(frozen=True)
class Options:
    """What is started and where. `cluster` is `local` or `current` (the kubectl context)."""

    folder: Path
    backend: Backend = "container"
    cluster: str = "local"
    cloud_arguments: tuple[str, ...] = ()


@dataclass
class Chain:
    """The running parts; methods are called in the order they are written."""

    options: Options
    endpoints: Document = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    plane: cluster.ControlPlane | None = None
    children: list[Child] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        """Where every part writes."""
        return self.options.folder / "logs"

    @property
    def cloud_folder(self) -> Path:
        """The local cloud's state."""
        return self.options.folder / "cloud"

    @property
    def ca_bundle(self) -> Path:
        """What a browser has to trust."""
        return Path(self.endpoints["ca"])

    # --- parts, in order ---------------------------------------------------------------------

    def start_cloud(self) -> str:
        """Start the local cloud; returns what it serves."""
        for tool in ("pebble", "registry"):
            run([str(HACK / "tools" / "build"), tool], log=self.logs / "tools.log")
        argv = ["localcloud", "up", "--dir", str(self.cloud_folder)]
        argv += ["--backend", self.options.backend, "--hetzner-zone", objects.ZONE]
        argv += ["--registry-data", str(binaries.cache_folder().parent / "registry")]
        child = self._start("localcloud", [*argv, *self.options.cloud_arguments])
        self.endpoints = json.loads(_when_written(self.cloud_folder / "endpoints.json", child))
        return f"Hetzner API at {self.endpoints['hetzner']}"

    def build_images(self) -> str:
        """Build what is missing and push it to the local registry."""
        output = self.options.folder / "images.json"
        argv = [str(HACK / "images" / "build"), "--push", self.endpoints["registry_push"]]
        argv += ["--name", self.endpoints["registry"], "--output", str(output)]
        run(argv, log=self.logs / "images.log")
        references = json.loads(output.read_text())
        self.images = {name: references[name] for name in STACK}
        return f"{len(self.images)} images by digest"

    def start_cluster(self) -> str:
        """Start the control plane, or use the kubectl context a person already has."""
        if self.options.cluster == "local":
            self.plane = cluster.start(cluster.Options(self.options.folder / "controlplane"))
            return f"kube-apiserver {binaries.KUBERNETES} at {self.plane.url}"
        return self.kubectl("config", "current-context").strip()

    def start_operator(self) -> str:
        """Install CRDs and RBAC, then run the operator under its own service account."""
        self._apply_folder("crds")
        self.kubectl("wait", "--for=condition=Established", "crd/tenants.blueagency.io")
        self._apply_folder("manifests/install")
        kubeconfig = self._operator_kubeconfig()
        environment = {
            "OPERATOR_KUBECONFIG": str(kubeconfig),
            "OPERATOR_HOST": "127.0.0.1",
            "OPERATOR_PROBE_PORT": "0",
            "OPERATOR_METRICS_PORT": "0",
        }
        self._start("operator", ["tenant-operator"], environment)
        return "watching Fleets and Tenants"

    def _apply_folder(self, name: str) -> None:
        folder = str(objects.REPOSITORY / name)
        self.kubectl("apply", "--server-side", "-f", folder, everywhere=True)

    def apply_fleet(self, ssh_networks: tuple[str, ...] = ()) -> str:
        """Apply the credentials and the Fleet; `ssh_networks` may log in besides the operator."""
        self.apply(objects.namespace())
        bundle = self.ca_bundle.read_text()
        fleet = objects.fleet(self.endpoints, self.images, bundle)
        fleet["spec"]["access"]["sshNetworks"] += ssh_networks
        self.apply(*objects.secrets(self.endpoints), fleet)
        return f"fleet/{fleet['metadata']['name']}"

    # --- what people do ----------------------------------------------------------------------

    def apply_tenant(self, name: str) -> None:
        """Apply a Tenant with a model key of its own, as the agency does for a new customer."""
        self.give_model_key(name)
        self.apply(objects.tenant(name))

    def give_model_key(self, name: str) -> None:
        """Make a key at the model provider and put it into the Tenant's Secret."""
        response = httpx.post(f"{self.endpoints['model_local']}/_admin/keys")
        response.raise_for_status()
        self.apply(objects.model_key(name, response.json()["key"]))

    def apply(self, *documents: Document) -> None:
        """Apply objects with kubectl."""
        listing = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(listing))

    def get(self, kind: str, name: str) -> Document:
        """One object of the demo's namespace."""
        found: Document = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def kubectl(self, *words: str, stdin: str | None = None, everywhere: bool = False) -> str:
        """Run kubectl against the demo's cluster, in its namespace unless `everywhere`."""
        argv = [str(binaries.find("kubectl"))]
        if not everywhere:
            argv += ["--namespace", objects.NAMESPACE]
        if self.plane is not None:
            argv.append(f"--kubeconfig={self.plane.kubeconfig}")
        return run([*argv, *words], log=self.logs / "kubectl.log", stdin=stdin)

    def follow(self, kind: str, name: str) -> Iterator[Document]:
        """Yield the object whenever its conditions change, until it is ready.

        Raises:
            ChildError: a part of the demo ended, or it is not ready after ten minutes.
        """
        deadline, last = time.monotonic() + READY_SECONDS, None
        while time.monotonic() < deadline:
            self.check()
            item = self.get(kind, name)
            found = conditions(item)
            if found != last:
                last = found
                yield item
            if found.get("Ready", ("", "", ""))[0] == "True" and current(item):
                return
            time.sleep(0.25)
        raise ChildError(
            f"{kind}/{name} is not ready after {READY_SECONDS:.0f} s: {last}\n"
            f"{tail(self.logs / 'operator.log')}"
        )

    def cloud_list(self, resource: str) -> list[Document]:
        """What the cloud project holds, asked with the agency's own token."""
        headers = {"Authorization": f"Bearer {self.endpoints['tokens']['hetzner']}"}
        response = httpx.get(f"{self.endpoints['hetzner']}/{resource}", headers=headers)
        response.raise_for_status()
        found: list[Document] = response.json()[resource.rpartition("/")[2]]
        return found

    def secret(self, name: str, key: str) -> str:
        """One value of a Secret."""
        return base64.b64decode(self.get("secret", name)["data"][key]).decode()

    def door(self, tenant: Document) -> Door:
        """How a customer of this tenant gets in."""
        return Door(tenant["status"]["url"], self.endpoints["edge"], self.ca_bundle)

    def check(self) -> None:
        """Raise when a part has ended by itself."""
        for child in self.children:
            child.check()

    # --- the end -----------------------------------------------------------------------------

    def delete_tenant(self, name: str) -> None:
        """Delete a Tenant as a person would and wait until nothing is left of it."""
        self.kubectl("delete", "tenant", name, "--timeout=120s")

    def stop(self) -> None:
        """Stop every part, the last one started first, and remove what machines left."""
        for child in reversed(self.children):
            child.stop()
        self.children.clear()
        if self.plane is not None:
            self.plane.stop()
        clean(self.options.folder)

    def _start(
        self, name: str, argv: list[str], environment: dict[str, str] | None = None
    ) -> Child:
        child = start(name, argv, log=self.logs / f"{name}.log", environment=environment)
        self.children.append(child)
        return child

    def _operator_kubeconfig(self) -> Path:
        account = ("tenant-operator", "--namespace=tenant-operator", "--duration=24h")
        token = self.kubectl("create", "token", *account, everywhere=True).strip()
        config = yaml.safe_load(
            self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml")
        )
        config["users"] = [{"name": "operator", "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = "operator"
        path = self.options.folder / "operator.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path


def clean(folder: Path) -> None:
    """Remove what a demo in this folder left outside it: machines, mounts, networks, processes."""
    plane = cluster.load(folder / "controlplane")
    if plane is not None:
        plane.stop()
    if (folder / "cloud").exists():
        argv = ["localcloud", "down", "--dir", str(folder / "cloud"), "--purge"]
        run(argv, log=folder / "logs" / "down.log")


def conditions(item: Document) -> dict[str, tuple[str, str, str]]:
    """Condition type → (status, reason, message)."""
    found = item.get("status", {}).get("conditions", [])
    return {each["type"]: (each["status"], each["reason"], each["message"]) for each in found}


def current(item: Document) -> bool:
    """Whether the status speaks of the spec as it is now."""
    observed = item.get("status", {}).get("observedGeneration")
    return bool(observed == item["metadata"]["generation"])


def _when_written(path: Path, child: Child) -> str:
    while not path.exists():
        child.check()
        time.sleep(0.05)
    return path.read_text()
