"""The command that measures: it finds all its parts, which only it imports together."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_an_unknown_group_is_told_with_those_there_are() -> None:
    ended = subprocess.run(
        [ROOT / "hack" / "bench", "nonsense"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert "there is no nonsense; choose from controlplane, localcloud" in ended.stderr
