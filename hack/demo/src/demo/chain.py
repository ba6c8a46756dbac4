"""The whole chain on this machine: cloud, images, control plane, operator, a Fleet and Tenants.

The demo and the end-to-end tests use the same class, so what a person sees is what is tested.
Every part is a real program with its log below the demo's folder; `stop` takes them down in
reverse, and `clean` removes what a crash left.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml
from controlplane import binaries, cluster

from demo import account, borrowed, objects
from demo.customer import Door
from demo.process import Child, ChildError, run, start, tail

Document = dict[str, Any]
Backend = Literal["container", "memory"]
READY_SECONDS = 600.0
STACK = ("agent", "traefik", "postgres", "redis")
WATCHED = ("fleet", "tenant")
BORROWED = "borrowed.kubeconfig"
HACK = objects.REPOSITORY / "hack"


@dataclass(frozen=True)
class Options:
    """What is started and where.

    `cluster` is `local` or `current` (the kubectl context); `operator` runs from the `checkout` or
    from its `image`, with `settings` besides the usual ones.
    """

    folder: Path
    backend: Backend = "container"
    cluster: str = "local"
    operator: str = "checkout"
    settings: Mapping[str, str] = field(default_factory=dict)
    cloud_arguments: tuple[str, ...] = ()


@dataclass
class Chain:
    """The running parts; methods are called in the order they are written."""

    options: Options
    endpoints: Document = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    operator_image: str = ""
    plane: cluster.ControlPlane | None = None
    children: list[Child] = field(default_factory=list)
    api: httpx.Client | None = None

    @property
    def logs(self) -> Path:
        """Where every part writes."""
        return self.options.folder / "logs"

    def log_of(self, part: str) -> Path:
        """Where one part writes."""
        return self.logs / f"{part}.log"

    @property
    def cloud_folder(self) -> Path:
        """The local cloud's state."""
        return self.options.folder / "cloud"

    @property
    def ca_bundle(self) -> Path:
        """What a browser has to trust."""
        return Path(self.endpoints["ca"])

    # --- parts, in order ---------------------------------------------------------------------

    def prepare(self) -> str:
        """Have what the other parts start from; on a fresh machine it is built, for minutes."""
        plane = ("controlplane",) if self.options.cluster == "local" else ()
        run([str(HACK / "setup"), "tools", *plane], log=self.log_of("prepare"))
        if self.options.backend == "container":
            argv = [str(HACK / "images" / "build"), "--only", "machine"]
            run(argv, log=self.log_of("prepare"))
        return "programs and the image of a machine"

    def start_cloud(self) -> str:
        """Start the local cloud; returns what it serves."""
        argv = ["localcloud", "up", "--dir", str(self.cloud_folder)]
        argv += ["--backend", self.options.backend, "--hetzner-zone", objects.ZONE]
        cache = binaries.cache_folder().parent
        argv += ["--registry-data", str(cache / "registry"), "--stock-data", str(cache / "stock")]
        child = self._start("localcloud", [*argv, *self.options.cloud_arguments])
        self.endpoints = json.loads(_when_written(self.cloud_folder / "endpoints.json", child))
        return f"Hetzner API at {self.endpoints['hetzner']}"

    def build_images(self) -> str:
        """Build what is missing and push it to the local registry."""
        if self.options.backend == "memory":
            self.images = objects.sample("fleet.yaml")["spec"]["images"]
            return "none, the machines are simulated"
        output = self.options.folder / "images.json"
        argv = [str(HACK / "images" / "build"), "--push", self.endpoints["registry_push"]]
        argv += ["--name", self.endpoints["registry"], "--output", str(output)]
        run(argv, log=self.log_of("images"))
        references = json.loads(output.read_text())
        self.images = {name: references[name] for name in STACK}
        digest = references["operator"].partition("@")[2]
        self.operator_image = f"{self.endpoints['registry_push']}/blueagency/operator@{digest}"
        return f"{len(references)} images by digest"

    def start_cluster(self) -> str:
        """Start the control plane, or use the kubectl context a person already has."""
        if self.options.cluster == "local":
            self.plane = cluster.start(cluster.Options(self.options.folder / "controlplane"))
            return f"kube-apiserver {binaries.KUBERNETES} at {self.plane.url}"
        config = self._administrator()
        path = borrowed.keep(yaml.safe_dump(config), self.options.folder / BORROWED)
        borrowed.Borrowed(kubectl_of(path, self.logs)).claim()
        return f"context {config['current-context']}"

    def start_operator(self) -> str:
        """Install CRDs and RBAC, then run the operator under its own service account."""
        self._apply_folder("crds")
        self.kubectl("wait", "--for=condition=Established", "crd/tenants.blueagency.io")
        self._apply_folder("manifests/install")
        self.run_operator()
        return f"from its {self.options.operator}, watching Fleets and Tenants"

    def run_operator(self) -> None:
        """Run the operator, the first time or after `kill_operator`."""
        settings = {
            "OPERATOR_HOST": "127.0.0.1",
            "OPERATOR_PROBE_PORT": "0",
            "OPERATOR_METRICS_PORT": "0",
            **self.options.settings,
        }
        config, folder = self._administrator(), self.options.folder
        words = ("create", "token", "tenant-operator", f"--namespace={account.NAMESPACE}")
        token = self.kubectl(*words, "--duration=24h", everywhere=True).strip()
        signed = account.Account.of(config, token)
        self.api = self.api or signed.client()
        if self.options.operator == "image":
            argv = account.container_argv(self.operator_image, signed, folder, settings)
            self._start("operator", argv)
            return
        path = signed.kubeconfig(config, folder)
        settings["OPERATOR_KUBECONFIG"] = str(path)
        self._start("operator", ["tenant-operator"], settings)

    def kill_operator(self) -> None:
        """End the operator as a crash does; it gets no chance to finish anything."""
        child = next(each for each in self.children if each.name == "operator")
        self.children.remove(child)
        if self.options.operator == "image":
            account.remove_container(self.options.folder)
        child.stop(signal.SIGKILL)

    def _administrator(self) -> Document:
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml")
        config: Document = yaml.safe_load(view)
        return config

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
        found = self._seen(kind, name) if kind in WATCHED else None
        return found or json.loads(self.kubectl("get", kind, name, "-o", "json"))

    def _seen(self, kind: str, name: str) -> Document | None:
        """What the operator's account sees; None when kubectl has to ask, and to say what is up."""
        if self.api is None:
            return None
        group = f"/apis/blueagency.io/v1alpha1/namespaces/{objects.NAMESPACE}"
        try:
            answer = self.api.get(f"{group}/{kind}s/{name}")
        except httpx.TransportError:
            return None
        found: Document | None = answer.json() if answer.is_success else None
        return found

    def kubectl(self, *words: str, stdin: str | None = None, everywhere: bool = False) -> str:
        """Run kubectl against the demo's cluster, in its namespace unless `everywhere`."""
        where = () if everywhere else ("--namespace", objects.NAMESPACE)
        return kubectl_of(self.kubeconfig, self.logs)(*where, *words, stdin=stdin)

    @property
    def kubeconfig(self) -> Path | None:
        """The administrator's kubeconfig: the local control plane's, or of the borrowed cluster."""
        if self.plane is not None:
            return self.plane.kubeconfig
        path = self.options.folder / BORROWED
        return path if path.exists() else None

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
        if self.api is not None:
            self.api.close()
        if self.plane is not None:
            self.plane.stop()
        clean(self.options.folder)

    def _start(
        self, name: str, argv: list[str], environment: dict[str, str] | None = None
    ) -> Child:
        child = start(name, argv, log=self.log_of(name), environment=environment)
        self.children.append(child)
        return child


def clean(folder: Path) -> None:
    """Remove what a demo in this folder left outside it: machines, mounts, networks, processes."""
    plane = cluster.load(folder / "controlplane")
    if plane is not None:
        plane.stop()
    # The store holds the demo's Secrets in the clear, the folder beside it the keys to it.
    for name in ("etcd", "pki"):
        shutil.rmtree(folder / "controlplane" / name, ignore_errors=True)
    account.forget(folder)
    if (folder / "cloud").exists():
        argv = ["localcloud", "down", "--dir", str(folder / "cloud"), "--purge"]
        run(argv, log=folder / "logs" / "down.log")
    _give_back(folder)


def _give_back(folder: Path) -> None:
    """Take the demo's resources out of a borrowed cluster; then forget how to reach it."""
    path = folder / BORROWED
    if path.exists():
        borrowed.Borrowed(kubectl_of(path, folder / "logs")).give_back()
        path.unlink()


def kubectl_of(kubeconfig: Path | None, logs: Path) -> borrowed.Kubectl:
    """kubectl for one cluster, the current context's where none is given."""
    argv = [str(binaries.find("kubectl"))]
    if kubeconfig is not None:
        argv.append(f"--kubeconfig={kubeconfig}")

    def kubectl(*words: str, stdin: str | None = None) -> str:
        return run([*argv, *words], log=logs / "kubectl.log", stdin=stdin)

    return kubectl


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
