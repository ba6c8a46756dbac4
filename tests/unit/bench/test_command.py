"""The command that measures: it finds all its parts, which only it imports together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATHS = (ROOT / "tests", ROOT / "hack/tiers", os.environ.get("PYTHONPATH", ""))


def test_an_unknown_group_is_told_with_those_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "load", "--only=nonsense"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "there is no nonsense; choose from controlplane, localcloud" in ended.stderr
