"""A cluster that a person already has (`make demo CLUSTER=current`).

The demo puts its resources there and takes them away again; a label on its namespace says which of
the two was last. It refuses a cluster where it could take away what somebody else put there. What a
crash left is taken away by the next start. The two namespaces stay, empty: an API server without a
controller manager never finishes deleting one, and then nothing could be put there again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from demo import objects
from demo.process import ChildError

Kubectl = Callable[..., str]
MARK: Final = "blueagency.io/demo"
RUNNING: Final = "running"
ENDED: Final = "ended"
CRD: Final = "tenants.blueagency.io"


@dataclass(frozen=True)
class Borrowed:
    """The cluster behind one kubeconfig; `kubectl` runs there, in no namespace of its own."""

    kubectl: Kubectl

    def claim(self) -> None:
        """Take away what a demo before this one left, and mark the cluster as in use.

        Raises:
            ChildError: the cluster holds something that no demo made.
        """
        if self._runs_demo():
            self.give_back()
        self._refuse_strangers()
        self.kubectl("apply", "-f", "-", stdin=as_list([objects.namespace()]))
        self._mark(RUNNING)

    def give_back(self) -> None:
        """Take away every resource the demo put there, finished or not; twice is fine."""
        if not self._runs_demo():
            return
        if self._present("crd", CRD):
            for kind in ("tenants", "fleets"):
                self._remove_all(kind)
        self._remove("secrets", "--all", f"--namespace={objects.NAMESPACE}")
        for folder in ("manifests/install", "crds"):
            wanted = [each for each in documents(folder) if each["kind"] != "Namespace"]
            self.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=as_list(wanted))
        self._mark(ENDED)

    def _mark(self, value: str) -> None:
        self.kubectl("label", "namespace", objects.NAMESPACE, f"{MARK}={value}", "--overwrite")

    def _runs_demo(self) -> bool:
        query = ("get", "namespaces", f"--selector={MARK}={RUNNING}", "--output=name")
        return f"namespace/{objects.NAMESPACE}" in self.kubectl(*query).split()

    def _refuse_strangers(self) -> None:
        within = f"--namespace={objects.NAMESPACE}"
        if self._present("crd", CRD):
            found = f"the resource {CRD}"
        elif secrets := self.kubectl("get", "secrets", within, "--output=name").split():
            found = f"{', '.join(secrets)} in the namespace {objects.NAMESPACE}"
        else:
            return
        raise ChildError(
            f"This cluster has {found}, which no demo made and a demo would take away at its end. "
            "Choose another context (kubectl config use-context NAME), or leave CLUSTER away: "
            "then the demo starts a cluster of its own."
        )

    def _present(self, kind: str, name: str) -> bool:
        return bool(self.kubectl("get", kind, name, "--ignore-not-found", "--output=name").strip())

    def _remove_all(self, kind: str) -> None:
        """Objects whose operator is gone: nobody would ever take their finalizers off."""
        found = json.loads(self.kubectl("get", kind, "--all-namespaces", "--output=json"))
        for item in found["items"]:
            place = (item["metadata"]["name"], f"--namespace={item['metadata']['namespace']}")
            free = '{"metadata":{"finalizers":null},"spec":{"deletion":{"protected":false}}}'
            patch = free if kind == "tenants" else '{"metadata":{"finalizers":null}}'
            self.kubectl("patch", kind, *place, "--type=merge", f"--patch={patch}")
            # A status that nobody updates any more would keep the Fleet from being deleted.
            status = ("--subresource=status", "--type=merge", '--patch={"status":null}')
            self.kubectl("patch", kind, *place, *status)
            self._remove(kind, *place)

    def _remove(self, *words: str) -> None:
        self.kubectl("delete", "--ignore-not-found", *words)


def documents(folder: str) -> list[dict[str, Any]]:
    """Every manifest of a folder of the repository."""
    files = sorted((objects.REPOSITORY / folder).glob("*.yaml"))
    return [each for file in files for each in yaml.safe_load_all(file.read_text()) if each]


def as_list(items: list[dict[str, Any]]) -> str:
    """Several objects as one document for kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def keep(kubeconfig: str, path: Path) -> Path:
    """Note how to reach the cluster, so that its end is found also when the context changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(kubeconfig)
    return path
