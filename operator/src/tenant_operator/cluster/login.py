"""Where the API server is and how to sign in: from a kubeconfig or a pod's service account."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class LoginError(Exception):
    """No way to sign in; the message says what was tried and what helps."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """An API server and credentials for it. `token_file` is read again for every request."""

    server: str
    ca: str = ""
    verify: bool = True
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    namespace: str = "default"

    def bearer(self) -> str:
        """The token of the moment; empty when a certificate signs in."""
        return self.token_file.read_text().strip() if self.token_file else self.token

    def ssl_context(self) -> ssl.SSLContext | bool:
        """What to check the server with; client certificates are loaded into it.

        Since Python 3.13 a root without key identifiers is refused. Many clusters have one, and no
        other client of theirs minds.
        """
        if not self.server.startswith("https"):
            return False
        context = ssl.create_default_context(cadata=self.ca or None)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate:
            _load_client(context, self.certificate, self.private_key)
        return context


def _load_client(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """The ssl module reads client certificates from files only; these live for a moment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600)
        path.write_text(f"{certificate}\n{private_key}")
        context.load_cert_chain(path)


def find_access(kubeconfig: Path | None, context: str | None) -> Access:
    """A given kubeconfig, else the pod's account, else KUBECONFIG, else ~/.kube/config.

    Raises LoginError.
    """
    if kubeconfig is not None:
        return from_kubeconfig(kubeconfig, context)
    if (SERVICE_ACCOUNT / "token").exists() and "KUBERNETES_SERVICE_HOST" in os.environ:
        return _in_cluster()
    path = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube" / "config"))
    if not path.exists():
        raise LoginError(
            f"There is no kubeconfig at {path} and this is no pod. Set OPERATOR_KUBECONFIG or "
            "pass --kubeconfig."
        )
    return from_kubeconfig(path, context)


def _in_cluster() -> Access:
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca=(SERVICE_ACCOUNT / "ca.crt").read_text(),
        token_file=SERVICE_ACCOUNT / "token",
        namespace=(SERVICE_ACCOUNT / "namespace").read_text().strip(),
    )


def from_kubeconfig(path: Path, context: str | None) -> Access:
    """Read one context of a kubeconfig. Raises LoginError."""
    try:
        document = yaml.safe_load(path.read_text())
        chosen = context or document["current-context"]
        ctx = _named(document["contexts"], chosen)["context"]
        cluster = _named(document["clusters"], ctx["cluster"])["cluster"]
        user = _named(document["users"], ctx["user"])["user"]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise LoginError(f"{path} is no usable kubeconfig: {error}") from error
    if "exec" in user:
        user = _from_plugin(user["exec"])
    return Access(
        server=cluster["server"].rstrip("/"),
        ca=_text(cluster, "certificate-authority", path),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        token=user.get("token", ""),
        token_file=Path(user["tokenFile"]) if user.get("tokenFile") else None,
        certificate=_text(user, "client-certificate", path),
        private_key=_text(user, "client-key", path),
        namespace=ctx.get("namespace", "default"),
    )


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(f"no entry named {name}")


def _text(entry: Mapping[str, Any], key: str, kubeconfig: Path) -> str:
    if data := entry.get(f"{key}-data"):
        return base64.b64decode(data).decode()
    if file := entry.get(key):
        return (kubeconfig.parent / str(file)).read_text()
    return ""


def _from_plugin(plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials of a client-go credential plug-in (`users[].user.exec`)."""
    environment = {entry["name"]: entry["value"] for entry in plugin.get("env") or ()}
    request = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": {}}
    result = subprocess.run(
        [plugin["command"], *(plugin.get("args") or ())],
        env={**os.environ, **environment, "KUBERNETES_EXEC_INFO": json.dumps(request)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode != 0:
        raise LoginError(f"{plugin['command']} gave no credentials: {result.stderr.strip()[:300]}")
    status = json.loads(result.stdout)["status"]
    return {
        "token": status.get("token", ""),
        "client-certificate-data": _encoded(status.get("clientCertificateData")),
        "client-key-data": _encoded(status.get("clientKeyData")),
    }


def _encoded(text: str | None) -> str:
    return base64.b64encode(text.encode()).decode() if text else ""
