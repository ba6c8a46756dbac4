"""How the operator of the demo runs: from the checkout, or from its image in a container.

Either way it signs in as its own service account, with the rights of `manifests/install` and no
others. In the container it finds what a pod finds (token, CA, namespace) and is held as
`manifests/operator.yaml` holds it: no root, nothing writable but `/tmp`, no capabilities. Only its
network is the host's, because API server and local cloud listen on loopback.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

NAMESPACE: Final = "tenant-operator"
USER: Final = 10001
KUBECONFIG: Final = "operator.kubeconfig"
MOUNTED: Final = "serviceaccount"
MOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
CONFINED: Final = (
    "--network=host",
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:size=64m",
    "--memory=512m",
)


@dataclass(frozen=True)
class Account:
    """A service account of a cluster: where its API server is, whom to trust, the token."""

    server: str
    ca: str
    token: str

    @classmethod
    def of(cls, administrator: Mapping[str, Any], token: str) -> Account:
        """The account whose token this is, at the cluster of an administrator's kubeconfig."""
        cluster = administrator["clusters"][0]["cluster"]
        ca = base64.b64decode(cluster.get("certificate-authority-data", "")).decode()
        return cls(cluster["server"], ca, token)

    def client(self) -> httpx.Client | None:
        """The API server without a process per question; None where only kubectl can reach it.

        A `kubectl` costs a tenth of a second of processor time; who waits for something asks often.
        """
        if not self.ca:
            return None
        headers = {"Authorization": f"Bearer {self.token}"}
        trust = ssl.create_default_context(cadata=self.ca)
        return httpx.Client(base_url=self.server, headers=headers, verify=trust)

    def kubeconfig(self, administrator: Mapping[str, Any], folder: Path) -> Path:
        """A kubeconfig with the account's token in the administrator's place."""
        context = administrator["contexts"][0]
        document = {
            **administrator,
            "users": [{"name": "operator", "user": {"token": self.token}}],
            "contexts": [{**context, "context": {**context["context"], "user": "operator"}}],
        }
        path = folder / KUBECONFIG
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))
        return path

    def mounted(self, folder: Path) -> Path:
        """The folder that a pod of this account would have, readable for its user alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        contents = {"token": self.token, "ca.crt": self.ca, "namespace": NAMESPACE}
        for name, text in contents.items():
            path = folder / name
            path.touch(mode=0o400)
            path.write_text(text)
            os.chown(path, USER, USER)
        os.chown(folder, USER, USER)
        return folder


def container(folder: Path) -> str:
    """The name of the operator's container, the same for the same demo folder."""
    return f"demo-operator-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def container_argv(
    image: str, account: Account, folder: Path, environment: Mapping[str, str]
) -> list[str]:
    """What runs the operator's image in the foreground; the container goes when it ends."""
    server = urlsplit(account.server)
    settings = {
        **environment,
        "KUBERNETES_SERVICE_HOST": server.hostname or "",
        "KUBERNETES_SERVICE_PORT": str(server.port or 443),
    }
    mounted = f"{account.mounted(folder / MOUNTED)}:{MOUNT}:ro"
    options = [f"--env={name}={value}" for name, value in settings.items()]
    name = f"--name={container(folder)}"
    return ["docker", "run", "--rm", name, f"--volume={mounted}", *CONFINED, *options, image]


def forget(folder: Path) -> None:
    """Remove the operator's container, if one was left, and every copy of its token."""
    remove_container(folder)
    shutil.rmtree(folder / MOUNTED, ignore_errors=True)
    (folder / KUBECONFIG).unlink(missing_ok=True)


def remove_container(folder: Path) -> None:
    """Remove the operator's container of this demo folder, if one was ever made there."""
    if (folder / MOUNTED).exists():
        argv = ["docker", "rm", "--force", container(folder)]
        subprocess.run(argv, check=False, capture_output=True)
