"""What is written down of the runs of `make test` and `make demo`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from controlplane import binaries
from demo import record


def test_the_last_run_of_each_kind_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "cache/runs.json"
    record.keep(path, "test", "cold", since=time.time(), parts={"unit": 12.34})
    record.keep(path, "test", "warm", since=time.time(), parts={"unit": 1})
    record.keep(path, "test", "warm", since=time.time() - 500, parts={"unit": 2})
    known = record.read(path)["test"]
    assert known["cold"]["parts"] == {"unit": 12.3}
    assert known["warm"]["parts"] == {"unit": 2}
    assert known["warm"]["seconds"] >= 500 > known["cold"]["seconds"]
    assert [each.name for each in path.parent.iterdir()] == ["runs.json"]


def test_before_the_first_run_nothing_is_known(tmp_path: Path) -> None:
    assert record.read(tmp_path / "runs.json") == {}


def test_a_run_of_make_counts_from_its_start() -> None:
    assert record.begun({"MAKE_STARTED": "1700000000"}) == 1_700_000_000
    assert record.begun({}) > 1_700_000_000


def test_a_run_is_cold_until_the_control_plane_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEAGENCY_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    assert record.kind() == "cold"
    program = binaries.cached(binaries.PROGRAMS["kube-apiserver"])
    program.parent.mkdir()
    program.touch()
    assert record.kind() == "warm"
