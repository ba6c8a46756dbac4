"""One control plane: etcd and kube-apiserver (controller-manager on request) with TLS and RBAC.

Each has a data folder of its own and free loopback ports, so that several run side by side. There
is no scheduler and no node: it serves objects, which is all an operator needs. Starts are fresh:
the etcd data of an earlier run in the same folder is removed.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from controlplane import binaries
from controlplane.certificates import Authority, KeyPair, create_authority
from controlplane.process import ProcessRef, spawn, start_time


class StartError(Exception):
    """The control plane did not become ready; the message names the log to read."""


@dataclass(frozen=True)
class Options:
    """How to start: where to keep data, whether Jobs and garbage collection are needed."""

    folder: Path
    controller_manager: bool = False
    supervised: bool = True
    ready_within: float = 60.0


@dataclass
class ControlPlane:
    """A running control plane; use it as a context manager or call `stop`."""

    options: Options
    url: str = ""
    processes: list[ProcessRef] = field(default_factory=list)

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig with embedded certificates, mode 0600."""
        return self.options.folder / "kubeconfig"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all processes, the API server before its store, and forget them."""
        for process in reversed(self.processes):
            process.stop()
        _reap({process.pid for process in self.processes})
        self.processes.clear()
        state_file(self.options.folder).unlink(missing_ok=True)


def state_file(folder: Path) -> Path:
    """Where a detached control plane notes its processes."""
    return folder / "processes.json"


def start(options: Options) -> ControlPlane:
    """Start a control plane and return once `/readyz` answers.

    Raises:
        binaries.BuildError: a program is missing and could not be built.
        StartError: it did not become ready in time; its processes are ended.
    """
    names = ["etcd", "kube-apiserver"]
    if options.controller_manager:
        names.append("kube-controller-manager")
    programs = {name: binaries.find(name) for name in names}
    plane = ControlPlane(options)
    _fresh(options.folder)
    authority = create_authority(options.folder / "pki")
    try:
        _launch(plane, authority, programs)
    except StartError:
        plane.stop()
        raise
    _remember(plane)
    return plane


def load(folder: Path) -> ControlPlane | None:
    """The detached control plane of an earlier `up`, or None when none runs there."""
    path = state_file(folder)
    if not path.exists():
        return None
    state = json.loads(path.read_text())
    processes = [ProcessRef(**process) for process in state["processes"]]
    return ControlPlane(Options(folder, supervised=False), state["url"], processes)


def _fresh(folder: Path) -> None:
    earlier = load(folder)
    if earlier is not None:
        earlier.stop()
    shutil.rmtree(folder / "etcd", ignore_errors=True)
    for name in ("etcd", "logs", "pki"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)


def _launch(plane: ControlPlane, authority: Authority, programs: dict[str, Path]) -> None:
    client_port, peer_port, api_port, manager_port = _free_ports(4)
    plane.url = f"https://127.0.0.1:{api_port}"
    admin = authority.issue("admin", common_name="admin", organization="system:masters")
    server = authority.issue("server", common_name="kube-apiserver")
    _write_kubeconfig(plane.kubeconfig, plane.url, authority, admin)
    folder = plane.options.folder
    _run(plane, "etcd", _etcd_argv(programs["etcd"], folder, client_port, peer_port))
    _service_account_key(folder / "pki")
    _run(
        plane,
        "kube-apiserver",
        _apiserver_argv(programs["kube-apiserver"], folder, api_port, client_port),
    )
    _wait_ready(plane, authority, server)
    if "kube-controller-manager" in programs:
        manager = programs["kube-controller-manager"]
        _run(plane, "kube-controller-manager", _manager_argv(manager, plane, manager_port))


def _run(plane: ControlPlane, name: str, argv: list[str]) -> None:
    log = plane.options.folder / "logs" / f"{name}.log"
    child = spawn(argv, log=log, supervised=plane.options.supervised)
    _children.append(child)
    plane.processes.append(ProcessRef(child.pid, start_time(child.pid) or 0))


REAP_SECONDS = 30.0
# Popen objects are kept so that their destructor does not warn about a running child.
_children: list[subprocess.Popen[bytes]] = []


def _reap(pids: set[int]) -> None:
    """Collect the exit codes of these, as far as they are children, so that none stays a zombie.

    A program of many threads ends a moment after its first thread, by which it is looked for.
    """
    for child in _children:
        if child.pid in pids:
            child.wait(timeout=REAP_SECONDS)
    _children[:] = [child for child in _children if child.returncode is None]


def _free_ports(count: int) -> list[int]:
    """Ports nobody listens on now; all are held open together so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def _etcd_argv(program: Path, folder: Path, client_port: int, peer_port: int) -> list[str]:
    client, peer = f"https://127.0.0.1:{client_port}", f"http://127.0.0.1:{peer_port}"
    pki = folder / "pki"
    return [
        str(program),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--client-cert-auth",
        f"--trusted-ca-file={pki / 'ca.crt'}",
        f"--cert-file={pki / 'server.crt'}",
        f"--key-file={pki / 'server.key'}",
        # Data of a development cluster may be lost on a power cut; waiting for the disk may not.
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver_argv(program: Path, folder: Path, port: int, etcd_port: int) -> list[str]:
    pki = folder / "pki"
    return [
        str(program),
        f"--etcd-servers=https://127.0.0.1:{etcd_port}",
        f"--etcd-cafile={pki / 'ca.crt'}",
        f"--etcd-certfile={pki / 'server.crt'}",
        f"--etcd-keyfile={pki / 'server.key'}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        "--authorization-mode=RBAC",
        f"--service-account-key-file={pki / 'sa.key'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.255.0.0/24",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
        "--v=1",
    ]


def _manager_argv(program: Path, plane: ControlPlane, port: int) -> list[str]:
    pki = plane.options.folder / "pki"
    return [
        str(program),
        f"--kubeconfig={plane.kubeconfig}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        f"--service-account-private-key-file={pki / 'sa.key'}",
        f"--root-ca-file={pki / 'ca.crt'}",
        "--use-service-account-credentials=false",
    ]


def _service_account_key(pki: Path) -> None:
    path = pki / "sa.key"
    path.touch(mode=0o600)
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


def _wait_ready(plane: ControlPlane, authority: Authority, client: KeyPair) -> None:
    context = ssl.create_default_context(cafile=str(authority.bundle))
    context.load_cert_chain(client.certificate, client.key)
    deadline = time.monotonic() + plane.options.ready_within
    while time.monotonic() < deadline:
        if not all(process.alive() for process in plane.processes):
            raise StartError(f"a program ended at start; read {plane.options.folder / 'logs'}")
        if _answers(f"{plane.url}/readyz", context):
            return
        time.sleep(0.05)
    raise StartError(
        f"no answer on /readyz within {plane.options.ready_within:.0f} s;"
        f" read {plane.options.folder / 'logs'}"
    )


def _answers(url: str, context: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310
            return bool(response.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def _write_kubeconfig(path: Path, url: str, authority: Authority, user: KeyPair) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "blueagency",
        "clusters": [
            {
                "name": "blueagency",
                "cluster": {"server": url, "certificate-authority-data": _data(authority.bundle)},
            }
        ],
        "users": [
            {
                "name": "admin",
                "user": {
                    "client-certificate-data": _data(user.certificate),
                    "client-key-data": _data(user.key),
                },
            }
        ],
        "contexts": [{"name": "blueagency", "context": {"cluster": "blueagency", "user": "admin"}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _remember(plane: ControlPlane) -> None:
    processes = [{"pid": item.pid, "started": item.started} for item in plane.processes]
    text = json.dumps({"url": plane.url, "processes": processes})
    state_file(plane.options.folder).write_text(text)
