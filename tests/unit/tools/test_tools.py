"""`hack/tools/build`: what it reuses, what it says, and that every module pins what it names."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "hack/tools"
NAMES = sorted(path.parent.name for path in TOOLS.glob("*/go.mod"))


def call(*words: str, cache: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BLUEAGENCY_CACHE": str(cache)}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run(
        [TOOLS / "build", *words], env=environment, capture_output=True, text=True, check=False
    )


def pinned(name: str) -> str:
    """The version in `go.mod` of the module that holds the tool."""
    text = (TOOLS / name / "go.mod").read_text()
    package = re.search(r"^tool (\S+)$", text, re.MULTILINE)
    assert package
    versions: list[tuple[str, str]] = re.findall(
        r"^(?:require )?\s*(\S+) v(\S+)", text, re.MULTILINE
    )
    return next(
        version for module, version in versions if f"{package[1]}/".startswith(f"{module}/")
    )


def test_the_tools_are_those_the_local_cloud_needs() -> None:
    assert {"pebble", "registry"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_cached_tool_is_reused_and_named_by_its_version(name: str, tmp_path: Path) -> None:
    binary = tmp_path / "bin" / f"{name}-{pinned(name)}"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    answer = call(name, cache=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, f"{binary}\n")
    assert f"reused {binary}" in answer.stderr


@pytest.mark.parametrize("words", [(), ("absent",), ("../images",)])
def test_an_unknown_tool_is_refused_with_the_names_there_are(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    answer = call(*words, cache=tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert all(name in answer.stderr for name in NAMES)


def test_without_go_and_uv_it_says_what_helps(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("awk", "basename", "dirname", "flock", "mkdir", "sh", "tr"):
        found = next(Path(f) / name for f in ("/usr/bin", "/bin") if (Path(f) / name).exists())
        (programs / name).symlink_to(found)
    answer = call("pebble", cache=tmp_path, path=str(programs))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "apt-get install golang" in answer.stderr


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_pinned_by_hash(name: str) -> None:
    sums = (TOOLS / name / "go.sum").read_text()
    assert f" v{pinned(name)} h1:" in sums
