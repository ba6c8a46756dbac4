"""What a person sees while a part of the demo takes its time."""

from __future__ import annotations

import io
from pathlib import Path

from demo.process import last_line
from demo.screen import Now, Screen
from rich.console import Console


def test_the_spinner_shows_what_the_running_program_wrote_last(tmp_path: Path) -> None:
    log = tmp_path / "prepare.log"
    now = Now("Programs", log=log)
    assert now.__rich__().plain.strip().endswith("0 s")
    log.write_text("building etcd\n\nbuilding kube-apiserver\n\n")
    assert now.__rich__().plain.endswith("building kube-apiserver")


def test_what_the_demo_says_itself_comes_before_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("noise\n")
    assert Now("ServerReady", "waits for its boot", log).__rich__().plain.endswith("for its boot")


def test_the_last_line_of_a_long_log_is_found_without_reading_all_of_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 100_000 + "\nlast ✓ line\n")
    assert last_line(log) == "last ✓ line"
    assert last_line(tmp_path / "none") == ""


def test_a_long_line_is_cut_and_does_not_wrap() -> None:
    told = io.StringIO()
    shown = Screen(Console(width=60, file=told, force_terminal=True))
    with shown.going_on("Programs") as now:
        now.detail = "kube-apiserver " * 10
        shown.console.print("a line that makes it draw once more")
    drawn = told.getvalue()
    assert "kube-apiserver kube-apis…" in drawn
    assert "kube-apiserver " * 3 not in drawn
